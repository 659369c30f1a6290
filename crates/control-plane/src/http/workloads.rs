//! `/api/k8s/*` and `/api/workloads/*`: what an operator looks at in the cluster.

mod follow;
mod log;
mod refuse;

use appliance_common::names::namespace::MSP;
use axum::Json;
use axum::extract::State;
use axum::routing::{get, post};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::error::{ApiError, ApiResult, ErrorBody};
use super::query::{self, Query};
use super::router::Routes;
use super::session::SignedIn;
use super::{Body, Peer};
use crate::app::App;
use crate::auth::AuditEvent;
use crate::workloads::names::{NameError, Scope};
use crate::workloads::rows::{DeploymentRow, EventRow, LeftOut, NamespaceRow, PodRow};
use crate::workloads::{PodAccess, Restarted};

pub(super) fn signed_in_routes() -> Routes {
    vec![
        ("/api/k8s/namespaces", get(namespaces)),
        ("/api/k8s/deployments", get(deployments)),
        ("/api/k8s/pods", get(pods)),
        ("/api/k8s/events", get(events)),
        ("/api/k8s/logs", get(log::read)),
        ("/api/k8s/access-capability", get(access_capability)),
        ("/api/workloads/restart", post(restart)),
    ]
}

/// What is written down of these routes.
#[derive(OpenApi)]
#[openapi(paths(namespaces, deployments, pods, events, log::read, access_capability, restart))]
pub(super) struct Documented;

/// Every namespace.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Namespaces {
    /// By name.
    namespaces: Vec<NamespaceRow>,
    /// What cannot be understood and is therefore not among them.
    left_out: LeftOut,
}

/// Deployments of a namespace, or of all.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "keys are the contract's")]
struct Deployments {
    /// The namespace, or `all`.
    namespace: String,
    /// By namespace and name.
    deployments: Vec<DeploymentRow>,
    /// What cannot be understood and is therefore not among them.
    left_out: LeftOut,
}

/// Pods of a namespace, or of all.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "keys are the contract's")]
struct Pods {
    /// The namespace, or `all`.
    namespace: String,
    /// By namespace and name.
    pods: Vec<PodRow>,
    /// What cannot be understood and is therefore not among them.
    left_out: LeftOut,
}

/// Events of a namespace, or of all.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "keys are the contract's")]
struct Events {
    /// The namespace, or `all`.
    namespace: String,
    /// The newest 200, oldest first.
    events: Vec<EventRow>,
    /// What cannot be understood and is therefore not among them.
    left_out: LeftOut,
}

/// All namespaces.
#[utoipa::path(get, path = "/api/k8s/namespaces", tag = "workloads", responses(
    (status = 200, body = Namespaces),
    (status = 502, body = ErrorBody, description = "The cluster gave no answer: `cluster_…`"),
))]
async fn namespaces(State(app): State<App>) -> ApiResult<Json<Namespaces>> {
    let found = app.workloads.namespaces().await?;
    Ok(Json(Namespaces {
        namespaces: found.rows,
        left_out: found.left_out,
    }))
}

/// Deployments with their `ReplicaSets`.
#[utoipa::path(get, path = "/api/k8s/deployments", tag = "workloads",
    params(("namespace" = Option<String>, Query, description = "A namespace, or `all`; `msp` when absent")),
    responses(
        (status = 200, body = Deployments),
        (status = 400, body = ErrorBody, description = "`invalid_query`"),
        (status = 502, body = ErrorBody, description = "The cluster gave no answer: `cluster_…`"),
    ))]
async fn deployments(State(app): State<App>, query: Query) -> ApiResult<Json<Deployments>> {
    let scope = scope(&query)?;
    let found = app.workloads.deployments(&scope).await?;
    Ok(Json(Deployments {
        namespace: shown(&scope),
        deployments: found.rows,
        left_out: found.left_out,
    }))
}

/// Pods with their containers.
#[utoipa::path(get, path = "/api/k8s/pods", tag = "workloads",
    params(("namespace" = Option<String>, Query, description = "A namespace, or `all`; `msp` when absent")),
    responses(
        (status = 200, body = Pods),
        (status = 400, body = ErrorBody, description = "`invalid_query`"),
        (status = 502, body = ErrorBody, description = "The cluster gave no answer: `cluster_…`"),
    ))]
async fn pods(State(app): State<App>, query: Query) -> ApiResult<Json<Pods>> {
    let scope = scope(&query)?;
    let found = app.workloads.pods(&scope).await?;
    Ok(Json(Pods {
        namespace: shown(&scope),
        pods: found.rows,
        left_out: found.left_out,
    }))
}

/// The newest events.
#[utoipa::path(get, path = "/api/k8s/events", tag = "workloads",
    params(("namespace" = Option<String>, Query, description = "A namespace, or `all`; `msp` when absent")),
    responses(
        (status = 200, body = Events),
        (status = 400, body = ErrorBody, description = "`invalid_query`"),
        (status = 502, body = ErrorBody, description = "The cluster gave no answer: `cluster_…`"),
    ))]
async fn events(State(app): State<App>, query: Query) -> ApiResult<Json<Events>> {
    let scope = scope(&query)?;
    let found = app.workloads.events(&scope).await?;
    Ok(Json(Events {
        namespace: shown(&scope),
        events: found.rows,
        left_out: found.left_out,
    }))
}

/// Whether terminals and port forwards can be had.
#[derive(Serialize, ToSchema)]
struct AccessCapability {
    /// What the cluster says now.
    capability: Capability,
}

/// Whether terminals and port forwards can be had.
#[derive(Serialize, ToSchema)]
struct Capability {
    /// What the cluster said.
    state: AccessState,
    /// The same as a switch.
    available: bool,
    /// Whether this process has given itself the rights.
    migrated: bool,
    /// The same in a sentence.
    message: String,
}

/// What the cluster says of the rights that terminals and port forwards need.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AccessState {
    /// They are there.
    Available,
    /// At least one is missing, or it could not be asked.
    Unavailable,
}

/// Whether terminals and port forwards can be had; asked anew each time.
#[utoipa::path(get, path = "/api/k8s/access-capability", tag = "workloads", responses(
    (status = 200, body = AccessCapability),
))]
async fn access_capability(State(app): State<App>) -> Json<AccessCapability> {
    let (state, message) = match app.workloads.pod_access().await {
        PodAccess::Allowed => (AccessState::Available, "Terminals and port forwards can be opened.".to_owned()),
        PodAccess::Refused => (
            AccessState::Unavailable,
            "The control plane may not reach into pods. Run alga-control-plane-reapply on the host to restore its \
             roles."
                .to_owned(),
        ),
        PodAccess::Unknown(error) => (AccessState::Unavailable, ApiError::from(error).sentence().to_owned()),
    };
    let capability = Capability {
        state,
        available: state == AccessState::Available,
        migrated: false,
        message,
    };
    Json(AccessCapability { capability })
}

/// Which workload is to be restarted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Restart {
    /// `msp`.
    #[serde(default = "msp")]
    #[schema(default = "msp")]
    namespace: String,
    /// A Deployment of the application.
    name: String,
}

fn msp() -> String {
    MSP.to_owned()
}

/// A restart that was begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RestartBegun {
    /// True.
    ok: bool,
    /// `namespace/name`.
    workload: String,
    /// As the workload's pods say; ISO-8601.
    restarted_at: String,
}

/// Makes the pods of a workload anew, one after the other.
#[utoipa::path(post, path = "/api/workloads/restart", tag = "workloads", request_body = Restart, responses(
    (status = 202, body = RestartBegun),
    (status = 400, body = ErrorBody, description = "`invalid_json`, `workload_not_restartable`"),
    (status = 404, body = ErrorBody, description = "`workload_not_found`"),
    (status = 409, body = ErrorBody, description = "`operation_in_progress`, `workload_paused`"),
    (status = 502, body = ErrorBody, description = "The cluster gave no answer: `cluster_…`"),
))]
async fn restart(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    Body(wanted): Body<Restart>,
) -> ApiResult<(StatusCode, Json<RestartBegun>)> {
    // A task of its own: what was begun is recorded, also when the client goes.
    let restarting = tokio::spawn(async move {
        let result = app.workloads.restart(&wanted.namespace, &wanted.name).await;
        let event = AuditEvent {
            event: "workload.restart",
            peer: peer.0,
            session: Some(session.id()),
            result: if result.is_ok() { "accepted" } else { "refused" },
        };
        app.audit.record(event).await;
        result
    });
    let Restarted { name, at } = restarting
        .await
        .map_err(|error| ApiError::internal("restarting a workload", &error))??;
    let begun = RestartBegun {
        ok: true,
        workload: format!("{MSP}/{name}"),
        restarted_at: at,
    };
    Ok((StatusCode::ACCEPTED, Json(begun)))
}

fn scope(query: &Query) -> ApiResult<Scope> {
    Scope::parse(query.get("namespace").unwrap_or(MSP)).map_err(not_a_name)
}

fn shown(scope: &Scope) -> String {
    scope.namespace().unwrap_or("all").to_owned()
}

fn not_a_name(error: NameError) -> ApiError {
    query::invalid(format!(
        "“{}” is not a name. It takes {}.",
        error.what, error.rule
    ))
}
