//! `/api/control-plane/upgrade`: asking the host for the channel's control plane.

use std::time::Duration;

use appliance_common::agent_api::{AgentClient, AgentError, UpgradeStarted};
use appliance_common::process::chain;
use axum::Json;
use axum::extract::State;
use axum::routing::post;
use http::StatusCode;
use utoipa::OpenApi;

use super::error::{ApiError, ApiResult, ErrorBody};
use super::router::Routes;
use super::session::SignedIn;
use super::{Peer, shapes};
use crate::app::App;
use crate::auth::AuditEvent;

/// How long the host is waited for; it only begins.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) fn signed_in_routes() -> Routes {
    vec![("/api/control-plane/upgrade", post(upgrade))]
}

/// What is written down of this route.
#[derive(OpenApi)]
#[openapi(paths(upgrade))]
pub(super) struct Documented;

/// `POST /api/control-plane/upgrade`: the host takes the channel's control plane; this one does not survive it.
#[utoipa::path(post, path = "/api/control-plane/upgrade", tag = "manage",
    responses(
        (status = 202, body = shapes::UpgradeStarted),
        (status = 404, body = ErrorBody,
            description = "`error` is `not found`: the host is older than this route, and its next start takes the image"),
        (status = 409, body = ErrorBody, description = "`host_busy`: another operation changes the appliance"),
        (status = 500, body = ErrorBody, description = "`host_refused`, or another status of the host's"),
        (status = 502, body = ErrorBody, description = "`host_unreachable`"),
        (status = 503, body = ErrorBody, description = "`host_agent_absent`"),
    ))]
async fn upgrade(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
) -> ApiResult<(StatusCode, Json<UpgradeStarted>)> {
    let socket = app.setup.settings().preflight.host_agent_socket.clone();
    let result = AgentClient::at(socket)
        .with_limit(LIMIT)
        .upgrade_control_plane()
        .await;
    let event = AuditEvent {
        event: "control-plane.upgrade",
        peer: peer.0,
        session: Some(session.id()),
        result: if result.is_ok() { "accepted" } else { "refused" },
    };
    app.audit.record(event).await;
    let started = result.map_err(|error| refused(&error))?;
    Ok((StatusCode::ACCEPTED, Json(started)))
}

fn refused(error: &AgentError) -> ApiError {
    tracing::warn!(error = chain(error), "no upgrade of the control plane was begun");
    match error {
        AgentError::Absent { socket } => ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "host_agent_absent",
            format!(
                "The host of this box does not answer at {}, so it cannot exchange the control plane. On the box, \
                 see: systemctl status alga-host-agent. A restart of the box takes the newer control plane too.",
                socket.display()
            ),
        ),
        // Pages of every age take exactly these words for a host that is too old (30 §9).
        AgentError::TooOld { .. } => ApiError::new(StatusCode::NOT_FOUND, "host_agent_too_old", "not found"),
        AgentError::Busy { reason } => ApiError::new(StatusCode::CONFLICT, "host_busy", reason.clone()),
        AgentError::Refused { status, reason, .. } => ApiError::new(*status, "host_refused", reason.clone()),
        AgentError::TooSlow { .. } | AgentError::Transport { .. } | AgentError::Unintelligible { .. } => {
            ApiError::new(
                StatusCode::BAD_GATEWAY,
                "host_unreachable",
                "The host of this box did not say whether it began. Look at this page again in a minute, then try \
                 again.",
            )
        }
    }
}
