//! `/api/setup*`: what the wizard is filled with, and its submission.

use std::net::IpAddr;

use appliance_common::process::chain;
use axum::Json;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use http::StatusCode;
use http::header::{self, HeaderMap};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::auth::{Done, ok};
use super::error::{ApiError, ApiResult, ErrorBody, invalid_json, method_not_allowed, unauthenticated};
use super::router::Routes;
use super::session::{self, SignedIn};
use super::{Peer, body, shapes};
use crate::app::App;
use crate::auth::{AuditEvent, Session};
use crate::host_network;
use crate::mode::Mode;
use crate::setup::inputs::{AcceptedInputs, CUSTOM_COVERS, InputErrors, RawInputs, SetupDefaults};
use crate::setup::plan_view::PlanView;
use crate::setup::{ControlError, Refusal, SubmitError};

/// The application's own port, which a default address of it names.
const APP_PORT: u16 = 3000;

pub(super) fn signed_in_routes() -> Routes {
    vec![
        ("/api/setup/config", get(config)),
        ("/api/setup", post(submit).fallback(wrong_method)),
        ("/api/setup/plan", get(plan)),
        ("/api/setup/retry", post(retry)),
        ("/api/setup/cancel", post(cancel)),
    ]
}

/// What is written down of these routes.
#[derive(OpenApi)]
#[openapi(paths(config, submit, plan, retry, cancel))]
pub(super) struct Documented;

/// The contract puts the session before the method here (20 §3.1).
async fn wrong_method(State(app): State<App>, peer: Peer, headers: HeaderMap) -> ApiError {
    session::of(&app, Some(peer), &headers).map_or_else(unauthenticated, |_| method_not_allowed())
}

/// What the form is filled with.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Config {
    /// What the box is for right now.
    mode: Mode,
    /// The last submission, or defaults.
    defaults: SetupDefaults,
    /// The administrator's password of the last submission is kept, sealed: one that leaves it out uses it,
    /// as long as the e-mail address is the same.
    password_kept: bool,
    /// What the box knows of its network.
    network: Network,
}

/// What the box knows of its network.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Network {
    /// Addresses others can use.
    #[schema(value_type = Vec<String>)]
    addresses: Vec<std::net::Ipv4Addr>,
    /// Its DNS servers.
    #[schema(value_type = Vec<String>)]
    resolvers: Vec<IpAddr>,
    /// What DNS servers of the operator's own are asked for, and what not.
    custom_dns_covers: &'static str,
}

/// `GET /api/setup/config`: what the form is filled with; never a secret.
#[utoipa::path(get, path = "/api/setup/config", tag = "setup", responses((status = 200, body = Config)))]
async fn config(State(app): State<App>, headers: HeaderMap) -> Json<Config> {
    let stored = app.setup.stored_inputs();
    let addresses = host_network::addresses();
    let fallback = app_hostname(&headers, addresses.first().map(|address| IpAddr::V4(*address)));
    Json(Config {
        mode: app.mode.read().mode,
        defaults: SetupDefaults::new(stored.as_ref(), &fallback),
        password_kept: app.setup.keeps_password(),
        network: Network {
            addresses,
            resolvers: host_network::resolvers(),
            custom_dns_covers: CUSTOM_COVERS,
        },
    })
}

/// `GET /api/setup/plan`: each step, and what can be done now.
#[utoipa::path(get, path = "/api/setup/plan", tag = "setup", responses(
    (status = 200, body = PlanView),
    (status = 409, body = ErrorBody, description = "`state_unreadable`"),
))]
async fn plan(State(app): State<App>) -> ApiResult<Json<PlanView>> {
    app.setup
        .plan()
        .map(Json)
        .map_err(|cause| refused(Refusal::StateUnreadable(cause)))
}

/// `POST /api/setup/retry`: another attempt with the answers that are there.
#[utoipa::path(post, path = "/api/setup/retry", tag = "setup", responses(
    (status = 202, body = Done),
    (status = 409, body = ErrorBody, description = "`setup_finished`, `setup_running`, `state_unreadable`, \
        `nothing_to_do`, `setup_disabled`, `operation_in_progress`"),
    (status = 507, body = ErrorBody, description = "`state_unwritable`"),
))]
async fn retry(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
) -> ApiResult<(StatusCode, Json<Done>)> {
    let result = app.setup.retry().await;
    controlled(&app, ("setup.retried", peer, &session), result).await
}

/// `POST /api/setup/cancel`: stops the run under way, or the attempts to come.
#[utoipa::path(post, path = "/api/setup/cancel", tag = "setup", responses(
    (status = 202, body = Done),
    (status = 409, body = ErrorBody, description = "`setup_finished`, `setup_running`, `state_unreadable`, \
        `nothing_to_do`, `setup_disabled`, `operation_in_progress`"),
    (status = 507, body = ErrorBody, description = "`state_unwritable`"),
))]
async fn cancel(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
) -> ApiResult<(StatusCode, Json<Done>)> {
    let result = app.setup.cancel().await;
    controlled(&app, ("setup.cancelled", peer, &session), result).await
}

/// Notes who started or stopped a run, and answers.
async fn controlled(
    app: &App,
    (event, peer, session): (&'static str, Peer, &Session),
    result: Result<(), ControlError>,
) -> ApiResult<(StatusCode, Json<Done>)> {
    audit(app, event, peer, session, result.is_ok()).await;
    result.map_err(not_controlled)?;
    Ok((StatusCode::ACCEPTED, ok()))
}

async fn audit(app: &App, event: &'static str, peer: Peer, session: &Session, accepted: bool) {
    let event = AuditEvent {
        event,
        peer: peer.0,
        session: Some(session.id()),
        result: if accepted { "accepted" } else { "refused" },
    };
    app.audit.record(event).await;
}

/// The answers were taken.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Submitted {
    /// True.
    ok: bool,
    /// Where to go on.
    redirect_to: &'static str,
    /// What was taken, without its secrets.
    accepted_inputs: AcceptedInputs,
}

/// `POST /api/setup`: checks the answers, stores them, starts the install.
#[utoipa::path(post, path = "/api/setup", tag = "setup", request_body = shapes::Submission, responses(
    (status = 202, body = Submitted),
    (status = 400, body = shapes::InvalidInputs, description = "`invalid_inputs`, `invalid_json`"),
    (status = 409, body = ErrorBody,
        description = "`setup_finished`, `setup_running`, `state_unreadable`, `operation_in_progress`"),
    (status = 503, body = ErrorBody, description = "`cluster_unavailable`: nothing was stored"),
    (status = 507, body = ErrorBody, description = "`state_unwritable`"),
))]
async fn submit(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    request: Request,
) -> ApiResult<(StatusCode, Json<Submitted>)> {
    // Before the body: a finished box says so, whatever is sent to it.
    app.setup.check_accepts().map_err(refused)?;
    let body = body::json_bytes(request, &app).await?;
    let raw = RawInputs::from_json(&body).map_err(invalid)?;
    let result = app.setup.submit(&raw).await;
    audit(&app, "setup.submitted", peer, &session, result.is_ok()).await;
    let submitted = Submitted {
        ok: true,
        redirect_to: "/",
        accepted_inputs: result.map_err(not_accepted)?,
    };
    Ok((StatusCode::ACCEPTED, Json(submitted)))
}

/// `http://<host of the request>:3000`; where the browser used a name of its own machine, the first
/// address others can use.
fn app_hostname(headers: &HeaderMap, first: Option<IpAddr>) -> String {
    let asked = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.parse::<http::uri::Authority>().ok());
    let shared = asked
        .as_ref()
        .map(http::uri::Authority::host)
        .filter(|host| !is_own_machine(host));
    match (shared, first) {
        (Some(host), _) => format!("http://{host}:{APP_PORT}"),
        (None, Some(address)) => format!("http://{address}:{APP_PORT}"),
        (None, None) => String::new(),
    }
}

fn is_own_machine(host: &str) -> bool {
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn refused(refusal: Refusal) -> ApiError {
    let code = match &refusal {
        Refusal::Finished => "setup_finished",
        Refusal::Running => "setup_running",
        Refusal::StateUnreadable(_) => "state_unreadable",
    };
    let sentence = match refusal {
        Refusal::Finished => {
            "This appliance has been set up. Its settings are changed under “Manage”.".to_owned()
        }
        Refusal::Running => "Setup is running. The status page shows how far it is.".to_owned(),
        Refusal::StateUnreadable(cause) => {
            tracing::error!(cause, "a submission was refused");
            "The record of this appliance's installation cannot be read, so it is not set up again over what may be \
             there. Make a support bundle, or restore the file that the log of the control plane names."
                .to_owned()
        }
    };
    ApiError::new(StatusCode::CONFLICT, code, sentence).with("redirectTo", "/")
}

pub(super) fn invalid(errors: InputErrors) -> ApiError {
    if errors.fields.is_empty() {
        return invalid_json(errors.error);
    }
    let fields = serde_json::to_value(&errors.fields).unwrap_or_default();
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_inputs", errors.error).with("fields", fields)
}

fn not_accepted(error: SubmitError) -> ApiError {
    match error {
        SubmitError::Refused(refusal) => refused(refusal),
        SubmitError::Invalid(errors) => invalid(errors),
        SubmitError::Busy(error) => {
            tracing::info!(error = chain(&error), "a submission was refused");
            ApiError::new(
                StatusCode::CONFLICT,
                "operation_in_progress",
                "Something else is changing this appliance. Wait until it is done, then submit again.",
            )
        }
        SubmitError::NoSeal(error) => {
            tracing::warn!(error = chain(&error), "a submission was not taken");
            ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "cluster_unavailable",
                "The cluster on this box does not answer, so your password cannot be stored safely. Nothing was \
                 stored. Wait until it is up, then submit again.",
            )
            .retry_after(15)
        }
        SubmitError::Store(error) => not_stored(&error),
        SubmitError::Record(error) => not_stored(&error),
        SubmitError::Seal(error) => ApiError::internal("sealing a submission", &error),
    }
}

fn not_controlled(error: ControlError) -> ApiError {
    let conflict = |code, sentence: &'static str| ApiError::new(StatusCode::CONFLICT, code, sentence);
    match error {
        ControlError::Finished => refused(Refusal::Finished),
        ControlError::Running => refused(Refusal::Running),
        ControlError::StateUnreadable(cause) => refused(Refusal::StateUnreadable(cause)),
        ControlError::Nothing(state) => conflict(
            "nothing_to_do",
            "Nothing was changed: setup is not in a state in which that does anything.",
        )
        .with("state", state),
        ControlError::Disabled => conflict(
            "setup_disabled",
            "This control plane was told to start no setup (ALGA_APPLIANCE_DISABLE_SETUP_QUEUE).",
        ),
        ControlError::Busy(error) => {
            tracing::info!(error = chain(&error), "setup was neither started nor stopped");
            conflict(
                "operation_in_progress",
                "Something else is changing this appliance. Wait until it is done, then try again.",
            )
        }
        ControlError::Record(error) => not_stored(&error),
    }
}

fn not_stored(error: &dyn std::error::Error) -> ApiError {
    tracing::error!(error = chain(error), "what an operator asked for was not stored");
    ApiError::new(
        StatusCode::INSUFFICIENT_STORAGE,
        "state_unwritable",
        "It could not be stored: make room on the disk of this box, then try again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_address_is_the_one_the_browser_used_unless_only_it_can_use_it() {
        let first: Option<IpAddr> = Some(IpAddr::from([192, 0, 2, 7]));
        for (host, expected) in [
            ("192.0.2.10:18081", "http://192.0.2.10:3000"),
            ("box.lan", "http://box.lan:3000"),
            ("[2001:db8::1]:8080", "http://[2001:db8::1]:3000"),
            ("localhost:8080", "http://192.0.2.7:3000"),
            ("127.0.0.9", "http://192.0.2.7:3000"),
            ("[::1]:8080", "http://192.0.2.7:3000"),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            assert_eq!(app_hostname(&headers, first), expected, "{host}");
        }
        assert_eq!(app_hostname(&HeaderMap::new(), None), "");
    }
}
