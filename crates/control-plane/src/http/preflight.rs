//! `/api/setup/preflight`: the checks of host and network, and “check again”.

use axum::Json;
use axum::extract::{Request, State};
use axum::routing::get;
use http::StatusCode;
use serde_json::Value;

use super::body;
use super::error::{ApiError, ApiResult};
use super::router::Routes;
use super::setup::invalid;
use crate::app::App;
use crate::setup::checkup::Busy;
use crate::setup::inputs::{NetworkAnswers, RawInputs};

/// When asking again makes sense: a run takes 10 seconds at most.
const RETRY_SECONDS: u64 = 3;

pub(super) fn signed_in_routes() -> Routes {
    vec![("/api/setup/preflight", get(last).post(check))]
}

/// `GET`: the last report with its age, and how the host has changed since the install.
async fn last(State(app): State<App>) -> Json<Value> {
    Json(app.checkup.last())
}

/// `POST`: checks now, with what the form holds so far. Writes nothing.
async fn check(State(app): State<App>, request: Request) -> ApiResult<Json<Value>> {
    let body = body::json_bytes(request, &app).await?;
    let typed: &[u8] = if body.is_empty() { b"{}" } else { &body };
    let mut raw = RawInputs::from_json(typed).map_err(invalid)?;
    if let Some(stored) = app.setup.stored_inputs() {
        raw = raw.or_stored(&stored);
    }
    let answers = NetworkAnswers::from_request(&raw).map_err(invalid)?;
    Ok(Json(app.checkup.run(&answers).await.map_err(busy)?))
}

fn busy(_: Busy) -> ApiError {
    ApiError::new(
        StatusCode::CONFLICT,
        "preflight_running",
        "The checks are running already. Their result is there in a few seconds.",
    )
    .retry_after(RETRY_SECONDS)
}
