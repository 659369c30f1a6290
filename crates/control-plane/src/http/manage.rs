//! `/api/manage/status`, and what operators change on a running appliance: licence, address, the
//! administrator's password. Each change is one line in the audit log, whoever stops waiting.

mod refuse;
mod shapes;

use appliance_common::secret::Secret;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::audited::{Who, audited};
use super::auth::Done;
use super::error::{ApiResult, ErrorBody};
use super::router::Routes;
use super::session::SignedIn;
use super::shapes::InvalidInputs;
use super::{Body, Peer};
use crate::app::App;
use crate::manage::app_url::AddressChange;
use crate::manage::reset::{NewPassword, ResetState, Started};

pub(super) fn signed_in_routes() -> Routes {
    vec![
        ("/api/manage/status", get(status)),
        ("/api/license/apply", post(apply_license)),
        ("/api/license/redeem", post(redeem_code)),
        ("/api/settings/app-url", post(change_address)),
        (
            "/api/admin-password-reset",
            get(reset_status).post(reset_password),
        ),
    ]
}

/// What is written down of these routes.
#[derive(OpenApi)]
#[openapi(paths(
    status,
    apply_license,
    redeem_code,
    change_address,
    reset_status,
    reset_password
))]
pub(super) struct Documented;

/// `GET /api/manage/status`: releases, licence, address and what can be done.
#[utoipa::path(get, path = "/api/manage/status", tag = "manage", responses((status = 200, body = shapes::ManageStatus)))]
async fn status(State(app): State<App>) -> Json<Value> {
    Json(app.manage.status().await)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Apply {
    license_key: Option<Secret<String>>,
}

/// `POST /api/license/apply`: a licence key is taken into use.
#[utoipa::path(post, path = "/api/license/apply", tag = "manage", request_body = shapes::LicenseKey, responses(
    (status = 200, body = Done),
    (status = 400, body = ErrorBody, description = "`invalid_json`, `invalid_license_key`, `license_refused` or the \
        application's own reason, `invalid_app_response`"),
    (status = 409, body = ErrorBody, description = "`operation_in_progress`"),
    (status = 412, body = ErrorBody, description = "`seed_not_saved`: send the same again"),
    (status = 503, body = ErrorBody, description = "`app_starting`, `app_answer_lost`, `cluster_unavailable`, `stopping`"),
    (status = 507, body = ErrorBody, description = "`state_unwritable`"),
))]
async fn apply_license(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    Body(body): Body<Apply>,
) -> ApiResult<Json<Value>> {
    let key = body.license_key.unwrap_or_else(|| Secret::new(String::new()));
    let manage = app.manage.clone();
    let work = async move {
        let applied = manage.apply_license(key).await;
        applied.map_err(|error| refuse::license(&error, "invalid_license_key"))
    };
    audited(&app, (peer, &session), "license.applied", work).await?;
    Ok(Json(json!({"ok": true})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Redeem {
    claim_code: Option<Secret<String>>,
}

/// `POST /api/license/redeem`: an install code becomes a licence.
#[utoipa::path(post, path = "/api/license/redeem", tag = "manage", request_body = shapes::ClaimCode, responses(
    (status = 200, body = shapes::CodeRedeemed),
    (status = 400, body = ErrorBody, description = "`invalid_json`, `invalid_claim_code`, `expired_claim_code`, \
        `consumed_claim_code`, `superseded_claim_code`, `tenant_mismatch`, `license_refused`, `invalid_app_response`"),
    (status = 409, body = ErrorBody, description = "`operation_in_progress`"),
    (status = 412, body = ErrorBody, description = "`seed_not_saved`: send the same again"),
    (status = 503, body = ErrorBody, description = "`app_starting`, `app_answer_lost`, `cluster_unavailable`, `stopping`"),
    (status = 507, body = ErrorBody, description = "`state_unwritable`"),
))]
async fn redeem_code(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    Body(body): Body<Redeem>,
) -> ApiResult<Json<Value>> {
    let code = body.claim_code.unwrap_or_else(|| Secret::new(String::new()));
    let manage = app.manage.clone();
    let work = async move {
        let redeemed = manage.redeem_code(code).await;
        redeemed.map_err(|error| refuse::license(&error, "invalid_claim_code"))
    };
    let redeemed = audited(&app, (peer, &session), "license.redeemed", work).await?;
    Ok(Json(json!({"ok": true, "result": redeemed})))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    app_hostname: Option<String>,
    dns_mode: Option<String>,
    dns_servers: Option<Servers>,
}

/// Servers as the status shows them, or as they are typed.
#[derive(Deserialize)]
#[serde(untagged)]
enum Servers {
    Typed(String),
    Listed(Vec<String>),
}

impl Servers {
    fn into_text(self) -> String {
        match self {
            Self::Typed(text) => text,
            Self::Listed(servers) => servers.join(", "),
        }
    }
}

/// `POST /api/settings/app-url`: the application's address, and who is asked for names.
#[utoipa::path(post, path = "/api/settings/app-url", tag = "manage", request_body = shapes::AddressForm, responses(
    (status = 200, body = shapes::AddressSet),
    (status = 400, body = InvalidInputs, description = "`invalid_json`, `invalid_inputs`"),
    (status = 409, body = ErrorBody, description = "`operation_in_progress`"),
    (status = 412, body = ErrorBody, description = "`not_installed`, `selection_unreadable`, `values_not_editable`, \
        `address_pending`, `cluster_unavailable`; the last two say in `recorded` whether it was stored"),
    (status = 503, body = ErrorBody, description = "`stopping`"),
    (status = 507, body = ErrorBody, description = "`state_unwritable`"),
))]
async fn change_address(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    Body(body): Body<Address>,
) -> ApiResult<Json<Value>> {
    let manage = app.manage.clone();
    let work = async move {
        let servers = body.dns_servers.map(Servers::into_text);
        let typed = body.app_hostname.unwrap_or_default();
        let change = AddressChange::check(&typed, body.dns_mode.as_deref(), servers.as_deref())
            .map_err(refuse::fields)?;
        manage
            .change_address(change)
            .await
            .map_err(|error| refuse::address(&error))
    };
    let address = audited(&app, (peer, &session), "appurl.changed", work).await?;
    Ok(Json(json!({
        "ok": true,
        "url": address.url,
        "host": address.host,
        "dns": {
            "mode": address.dns_mode,
            "servers": address.dns_servers,
            "appliesTo": "control-plane",
            "message": "The control plane asks these servers when it looks for releases. The host and the \
                        application keep the servers of the host.",
        },
        "message": "The address is set. The application restarts its services with it within a few minutes.",
    })))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reset {
    password: Option<Secret<String>>,
    password_confirm: Option<Secret<String>>,
    current_password: Option<Secret<String>>,
}

/// `GET /api/admin-password-reset`: the last reset, or the one under way.
#[utoipa::path(get, path = "/api/admin-password-reset", tag = "manage", responses((status = 200, body = shapes::ResetShown)))]
async fn reset_status(State(app): State<App>) -> Json<Value> {
    Json(json!({"operation": app.manage.reset_view()}))
}

/// `POST /api/admin-password-reset`: a new password for the application's first administrator; with
/// `wait=1` the answer is how it ended.
#[utoipa::path(post, path = "/api/admin-password-reset", tag = "manage",
    params(("wait" = Option<String>, Query, description = "1: the answer is how it ended")),
    request_body = shapes::PasswordReset,
    responses(
        (status = 200, body = shapes::ResetDone, description = "With `wait=1`"),
        (status = 202, body = shapes::ResetBegun),
        (status = 400, body = ErrorBody, description = "`invalid_json`, `weak_password`, \
            `password_surrounded_by_space`, `password_mismatch`, `missing_field`"),
        (status = 401, body = ErrorBody, description = "Not signed in, or the management password is wrong"),
        (status = 409, body = ErrorBody, description = "`reset_in_progress`, `operation_in_progress`"),
        (status = 412, body = ErrorBody, description = "`administrator_unknown`, `app_not_installed`"),
        (status = 429, body = ErrorBody, description = "`too_many_resets`, or too many wrong passwords"),
        (status = 502, body = ErrorBody, description = "`cluster_failed`, `reset_failed`, `reset_unknown`"),
        (status = 503, body = ErrorBody, description = "`stopping`, or the credential cannot be read"),
    ))]
async fn reset_password(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    RawQuery(query): RawQuery,
    Body(body): Body<Reset>,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let of = (peer, &session);
    let empty = || Secret::new(String::new());
    let password = body.password.unwrap_or_else(empty);
    let again = body.password_confirm.unwrap_or_else(empty);
    let password = NewPassword::check(password, &again).map_err(refuse::password)?;
    let current = body.current_password.ok_or_else(refuse::no_current_password)?;
    app.auth.confirm(peer.0, &session, current).await?;
    let manage = app.manage.clone();
    let work = async move {
        let started = manage.reset_password(password).await;
        started.map_err(|error| refuse::reset(&error))
    };
    let Started { view, ended } = audited(&app, of, "admin_reset.started", work).await?;
    let (auditing, who) = (app.clone(), Who::of(peer, &session));
    let ended = tokio::spawn(async move {
        let state = ended.await.unwrap_or(ResetState::Unknown);
        who.record(&auditing, "admin_reset.ended", refuse::word(state))
            .await;
        state
    });
    if !waits(query.as_deref().unwrap_or_default()) {
        return Ok((StatusCode::ACCEPTED, Json(json!({"ok": true, "operation": view}))));
    }
    match ended.await.unwrap_or(ResetState::Unknown) {
        ResetState::Succeeded => {
            let message = "The password was changed. The administrator can sign in with it now.";
            Ok((StatusCode::OK, Json(json!({"ok": true, "message": message}))))
        }
        state => Err(refuse::not_reset(state)),
    }
}

fn waits(query: &str) -> bool {
    url::form_urlencoded::parse(query.as_bytes())
        .any(|(key, value)| key == "wait" && matches!(&*value, "1" | "true"))
}
