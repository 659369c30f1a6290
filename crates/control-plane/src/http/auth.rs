//! `/api/auth/*`. Every check runs in the order method, lockout, credential, body, secret, policy.

mod refuse;

use appliance_common::secret::Secret;
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::router::Routes;
use super::session::{self, SignedIn};
use super::{Body, Peer, cookie};
use crate::app::App;
use crate::auth::{AuthError, Phase, Proof};

pub(super) fn open_routes() -> Routes {
    vec![
        ("/api/auth/state", get(state)),
        ("/api/auth/redeem-token", post(redeem_token)),
        ("/api/auth/set-password", post(set_password)),
        ("/api/auth/login", post(login)),
        ("/api/auth/logout", post(logout)),
    ]
}

pub(super) fn signed_in_routes() -> Routes {
    vec![
        ("/api/auth/logout-all", post(logout_all)),
        ("/api/auth/change-password", post(change_password)),
    ]
}

/// The peer of a request that may try the token: it is not locked out and no password is set.
struct MayRedeem(Peer);

impl FromRequestParts<App> for MayRedeem {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let peer = Peer::from_request_parts(parts, app).await?;
        app.auth.check_lockout(peer.0)?;
        app.auth.check_unset()?;
        Ok(Self(peer))
    }
}

/// The peer of a request that may try the password: it is not locked out and a password is set.
struct MayLogIn(Peer);

impl FromRequestParts<App> for MayLogIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let peer = Peer::from_request_parts(parts, app).await?;
        app.auth.check_lockout(peer.0)?;
        app.auth.check_configured()?;
        Ok(Self(peer))
    }
}

/// `GET /api/auth/state`: where the box and this browser stand.
async fn state(State(app): State<App>, peer: Peer, headers: HeaderMap) -> Json<Value> {
    let mode = app.mode.read();
    let phase = match app.auth.phase() {
        _ if session::of(&app, Some(peer), &headers).is_some() => "authenticated",
        Phase::NeedsToken => "needs-token",
        Phase::NeedsPassword => "needs-password",
        Phase::CredentialError => "credential-error",
    };
    let redeemed = cookie::ticket(&headers).is_some_and(|ticket| app.auth.holds_ticket(peer.0, ticket));
    let mut body = json!({
        "phase": phase,
        "mode": mode.mode,
        "setupReEditable": app.re_editable.get(),
        "tokenRedeemed": redeemed,
    });
    if mode.unreadable {
        body["stateUnreadable"] = Value::Bool(true);
    }
    Json(body)
}

#[derive(Deserialize)]
struct Redeem {
    token: Option<Secret<String>>,
}

/// `POST /api/auth/redeem-token`: the token for a ticket.
async fn redeem_token(
    State(app): State<App>,
    MayRedeem(peer): MayRedeem,
    Body(body): Body<Redeem>,
) -> ApiResult<Response> {
    let token = required(body.token, "token")?;
    let ticket = app.auth.redeem(peer.0, token).await?;
    let cookies = set_cookies([cookie::set_ticket(&ticket)]);
    Ok((cookies, Json(json!({"ok": true, "next": "set-password"}))).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SetPassword {
    token: Option<Secret<String>>,
    password: Option<Secret<String>>,
    password_confirm: Option<Secret<String>>,
}

/// `POST /api/auth/set-password`: the first password, with the token or a ticket for it.
async fn set_password(
    State(app): State<App>,
    MayRedeem(peer): MayRedeem,
    headers: HeaderMap,
    Body(body): Body<SetPassword>,
) -> ApiResult<Response> {
    let proof = match (body.token, cookie::ticket(&headers)) {
        (None, Some(ticket)) => Proof::Ticket(ticket.to_owned()),
        (token, _) => Proof::Token(required(token, "token")?),
    };
    let password = required(body.password, "password")?;
    confirmed(&password, body.password_confirm.as_ref())?;
    let session = app.auth.set_password(peer.0, proof, password).await?;
    let cookies = set_cookies([cookie::set_session(&session), cookie::clear_ticket()]);
    Ok((cookies, ok()).into_response())
}

#[derive(Deserialize)]
struct Login {
    password: Option<Secret<String>>,
}

/// `POST /api/auth/login`: the password for a session.
async fn login(
    State(app): State<App>,
    MayLogIn(peer): MayLogIn,
    Body(body): Body<Login>,
) -> ApiResult<Response> {
    let password = required(body.password, "password")?;
    let session = app.auth.login(peer.0, password).await?;
    Ok((set_cookies([cookie::set_session(&session)]), ok()).into_response())
}

/// `POST /api/auth/logout`: ends this session; without one it only clears the cookie.
async fn logout(State(app): State<App>, peer: Peer, headers: HeaderMap) -> ApiResult<Response> {
    if let Some(session) = session::of(&app, Some(peer), &headers) {
        app.auth.logout(peer.0, &session).await?;
    }
    Ok((set_cookies([cookie::clear_session()]), ok()).into_response())
}

/// `POST /api/auth/logout-all`: ends every session, this one too.
async fn logout_all(State(app): State<App>, peer: Peer, SignedIn(session): SignedIn) -> ApiResult<Response> {
    app.auth.logout_all(peer.0, &session).await?;
    Ok((set_cookies([cookie::clear_session()]), ok()).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangePassword {
    current_password: Option<Secret<String>>,
    new_password: Option<Secret<String>>,
    password_confirm: Option<Secret<String>>,
}

/// `POST /api/auth/change-password`: ends every session but this one.
async fn change_password(
    State(app): State<App>,
    MayLogIn(peer): MayLogIn,
    SignedIn(session): SignedIn,
    Body(body): Body<ChangePassword>,
) -> ApiResult<Response> {
    let current = required(body.current_password, "currentPassword")?;
    let new = required(body.new_password, "newPassword")?;
    confirmed(&new, body.password_confirm.as_ref())?;
    let session = app.auth.change_password(peer.0, &session, current, new).await?;
    Ok((set_cookies([cookie::set_session(&session)]), ok()).into_response())
}

fn ok() -> Json<Value> {
    Json(json!({"ok": true}))
}

fn set_cookies<const N: usize>(
    cookies: [Option<HeaderValue>; N],
) -> AppendHeaders<impl Iterator<Item = (HeaderName, HeaderValue)>> {
    AppendHeaders(
        cookies
            .into_iter()
            .flatten()
            .map(|value| (header::SET_COOKIE, value)),
    )
}

/// A field that was left out is no guess and counts as none.
fn required(value: Option<Secret<String>>, name: &'static str) -> ApiResult<Secret<String>> {
    value.ok_or_else(|| refuse::missing(name))
}

fn confirmed(password: &Secret<String>, again: Option<&Secret<String>>) -> ApiResult<()> {
    match again {
        Some(again) if !password.same_as(again.expose()) => Err(refuse::mismatch()),
        _ => Ok(()),
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        refuse::auth(&error)
    }
}
