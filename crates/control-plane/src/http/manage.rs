//! `/api/manage/status`, and what operators change on a running appliance: licence, address, the
//! administrator's password. Each change is one line in the audit log, whoever stops waiting.

mod refuse;

use std::future::Future;
use std::net::IpAddr;

use appliance_common::secret::Secret;
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::routing::{get, post};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::router::Routes;
use super::session::SignedIn;
use super::{Body, Peer};
use crate::app::App;
use crate::auth::{AuditEvent, Session};
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

/// `GET /api/manage/status`: releases, licence, address and what can be done.
async fn status(State(app): State<App>) -> Json<Value> {
    Json(app.manage.status().await)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Apply {
    license_key: Option<Secret<String>>,
}

/// `POST /api/license/apply`: a licence key is taken into use.
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
async fn reset_status(State(app): State<App>) -> Json<Value> {
    Json(json!({"operation": app.manage.reset_view()}))
}

/// `POST /api/admin-password-reset`: a new password for the application's first administrator; with
/// `wait=1` the answer is how it ended.
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

/// Who does something.
struct Who {
    peer: IpAddr,
    session: String,
}

impl Who {
    fn of(peer: Peer, session: &Session) -> Self {
        let session = session.id().to_owned();
        Self {
            peer: peer.0,
            session,
        }
    }

    async fn record(&self, app: &App, event: &'static str, result: &'static str) {
        let event = AuditEvent {
            event,
            peer: self.peer,
            session: Some(&self.session),
            result,
        };
        app.audit.record(event).await;
    }
}

/// Does `work` to its end and notes who did it and what came of it, also when the client has gone.
async fn audited<T: Send + 'static>(
    app: &App,
    (peer, session): (Peer, &Session),
    event: &'static str,
    work: impl Future<Output = ApiResult<T>> + Send + 'static,
) -> ApiResult<T> {
    let (app, who) = (app.clone(), Who::of(peer, session));
    let done = tokio::spawn(async move {
        let result = work.await;
        let came_of_it = result.as_ref().map_or_else(ApiError::code, |_| "ok");
        who.record(&app, event, came_of_it).await;
        result
    });
    done.await.unwrap_or_else(|_| Err(ApiError::panicked()))
}
