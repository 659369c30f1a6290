//! `/api/setup/preflight`: the checks of host and network, and “check again”.

use axum::Json;
use axum::extract::{Request, State};
use axum::routing::get;
use http::StatusCode;
use serde_json::Value;
use utoipa::OpenApi;

use super::body;
use super::error::{ApiError, ApiResult, ErrorBody};
use super::router::Routes;
use super::setup::invalid;
use super::shapes;
use crate::app::App;
use crate::setup::checkup::Busy;
use crate::setup::inputs::{NetworkAnswers, RawInputs};

/// When asking again makes sense: a run takes 10 seconds at most.
const RETRY_SECONDS: u64 = 3;

pub(super) fn signed_in_routes() -> Routes {
    vec![("/api/setup/preflight", get(last).post(check))]
}

/// What is written down of these routes.
#[derive(OpenApi)]
#[openapi(paths(last, check))]
pub(super) struct Documented;

/// `GET`: the last report with its age, and how the host has changed since the install.
#[utoipa::path(get, path = "/api/setup/preflight", tag = "setup", responses((status = 200, body = shapes::Checkup)))]
async fn last(State(app): State<App>) -> Json<Value> {
    Json(app.checkup.last())
}

/// `POST`: checks now, with what the form holds so far. Writes nothing.
#[utoipa::path(post, path = "/api/setup/preflight", tag = "setup",
    request_body(content = Option<shapes::Submission>, description = "Answers so far; every field may be absent"),
    responses(
        (status = 200, body = shapes::Checkup),
        (status = 400, body = shapes::InvalidInputs, description = "`invalid_inputs`, `invalid_json`"),
        (status = 409, body = ErrorBody, description = "`preflight_running`"),
    ))]
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
