//! `/api/status`.

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use super::router::Routes;
use crate::app::App;
use crate::status::{self, Observed};

pub(super) fn signed_in_routes() -> Routes {
    vec![("/api/status", get(snapshot))]
}

/// `GET /api/status`: what the box is doing, and what is wrong.
async fn snapshot(State(app): State<App>) -> Json<Value> {
    Json(status::snapshot(&observe(&app)))
}

fn observe(app: &App) -> Observed {
    let setup = &app.setup;
    let view = setup.view().ok();
    Observed {
        install_state: setup.install_state(),
        inputs: setup.stored_inputs().map_or(Value::Null, |stored| stored.brief()),
        release: json!(setup.selection()),
        progress: view.as_ref().and_then(|view| view.live_line().map(str::to_owned)),
        auto_retry: setup.auto_retry().map(|auto| json!(auto)),
        engine_failure: view.and_then(|view| view.engine_failure.as_ref().map(|failure| json!(failure))),
        repair: setup.repair_view().map(|repair| json!(repair)),
        editable: setup.is_editable(),
        at: app.clock.now(),
    }
}
