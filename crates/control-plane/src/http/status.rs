//! `/api/status`.

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use serde_json::Value;

use super::router::Routes;
use crate::app::App;
use crate::status;

pub(super) fn signed_in_routes() -> Routes {
    vec![("/api/status", get(snapshot))]
}

/// `GET /api/status`: what the box is doing, and what is wrong.
async fn snapshot(State(app): State<App>) -> Json<Value> {
    Json(status::snapshot(&status::Observed::of(
        &app.setup,
        app.clock.now(),
    )))
}
