//! `/api/auth/*`. Every check runs in the order method, lockout, credential, body, secret, policy.

mod refuse;

use appliance_common::secret::Secret;
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::error::{ApiError, ApiResult, ErrorBody};
use super::router::Routes;
use super::session::{self, SignedIn};
use super::{Body, Peer, cookie};
use crate::app::App;
use crate::auth::{AuthError, Phase, Proof};
use crate::mode::Mode;

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

/// What is written down of these routes.
#[derive(OpenApi)]
#[openapi(paths(state, redeem_token, set_password, login, logout, logout_all, change_password))]
pub(super) struct Documented;

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

/// Where the box and this browser stand.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Standing {
    /// What comes next for this browser.
    phase: WirePhase,
    /// What the box is for right now.
    mode: Mode,
    /// Whether a submitted setup may be edited.
    setup_re_editable: bool,
    /// Whether this browser has redeemed the token.
    token_redeemed: bool,
    /// Present when the record of the installation cannot be read.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    state_unreadable: bool,
}

/// What comes next for a browser.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum WirePhase {
    Authenticated,
    NeedsToken,
    NeedsPassword,
    CredentialError,
}

/// `GET /api/auth/state`: where the box and this browser stand.
#[utoipa::path(get, path = "/api/auth/state", tag = "auth", responses((status = 200, body = Standing)))]
async fn state(State(app): State<App>, peer: Peer, headers: HeaderMap) -> Json<Standing> {
    let mode = app.mode.read();
    let phase = match app.auth.phase() {
        _ if session::of(&app, Some(peer), &headers).is_some() => WirePhase::Authenticated,
        Phase::NeedsToken => WirePhase::NeedsToken,
        Phase::NeedsPassword => WirePhase::NeedsPassword,
        Phase::CredentialError => WirePhase::CredentialError,
    };
    Json(Standing {
        phase,
        mode: mode.mode,
        setup_re_editable: app.re_editable.get(),
        token_redeemed: cookie::ticket(&headers).is_some_and(|ticket| app.auth.holds_ticket(peer.0, ticket)),
        state_unreadable: mode.unreadable,
    })
}

#[derive(Deserialize, ToSchema)]
struct Redeem {
    /// From the console.
    #[schema(value_type = String)]
    token: Option<Secret<String>>,
}

/// The token was right.
#[derive(Serialize, ToSchema)]
struct Redeemed {
    /// True.
    ok: bool,
    /// `set-password`.
    next: &'static str,
}

/// `POST /api/auth/redeem-token`: the token for a ticket.
#[utoipa::path(post, path = "/api/auth/redeem-token", tag = "auth", request_body = Redeem, responses(
    (status = 200, body = Redeemed, description = "The ticket is in a cookie"),
    (status = 400, body = ErrorBody, description = "`invalid_json`, `missing_field`"),
    (status = 401, body = ErrorBody, description = "The token is wrong"),
    (status = 409, body = ErrorBody, description = "A password is set already"),
    (status = 429, body = ErrorBody, description = "Too many attempts: `Retry-After` says when"),
    (status = 503, body = ErrorBody, description = "Token or credential cannot be read"),
))]
async fn redeem_token(
    State(app): State<App>,
    MayRedeem(peer): MayRedeem,
    Body(body): Body<Redeem>,
) -> ApiResult<Response> {
    let token = required(body.token, "token")?;
    let ticket = app.auth.redeem(peer.0, token).await?;
    let cookies = set_cookies([cookie::set_ticket(&ticket)]);
    Ok((
        cookies,
        Json(Redeemed {
            ok: true,
            next: "set-password",
        }),
    )
        .into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SetPassword {
    /// Not needed by a browser that has redeemed it.
    #[schema(value_type = Option<String>)]
    token: Option<Secret<String>>,
    /// The management password.
    #[schema(value_type = String)]
    password: Option<Secret<String>>,
    /// The same again.
    #[schema(value_type = Option<String>)]
    password_confirm: Option<Secret<String>>,
}

/// `POST /api/auth/set-password`: the first password, with the token or a ticket for it.
#[utoipa::path(post, path = "/api/auth/set-password", tag = "auth", request_body = SetPassword, responses(
    (status = 200, body = Done, description = "The session is in a cookie"),
    (status = 400, body = ErrorBody, description = "`invalid_json`, a field is missing, or the password is too weak"),
    (status = 401, body = ErrorBody, description = "Token or ticket is wrong"),
    (status = 409, body = ErrorBody, description = "A password is set already"),
    (status = 429, body = ErrorBody, description = "Too many attempts: `Retry-After` says when"),
    (status = 503, body = ErrorBody, description = "Token or credential cannot be read"),
    (status = 507, body = ErrorBody, description = "The password cannot be stored"),
))]
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

#[derive(Deserialize, ToSchema)]
struct Login {
    /// The management password.
    #[schema(value_type = String)]
    password: Option<Secret<String>>,
}

/// `POST /api/auth/login`: the password for a session.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = Login, responses(
    (status = 200, body = Done, description = "The session is in a cookie"),
    (status = 400, body = ErrorBody, description = "`invalid_json`, `missing_field`"),
    (status = 401, body = ErrorBody, description = "The password is wrong"),
    (status = 409, body = ErrorBody, description = "No password is set yet"),
    (status = 429, body = ErrorBody, description = "Too many attempts: `Retry-After` says when"),
    (status = 503, body = ErrorBody, description = "The credential cannot be read"),
))]
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
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses((status = 200, body = Done)))]
async fn logout(State(app): State<App>, peer: Peer, headers: HeaderMap) -> ApiResult<Response> {
    if let Some(session) = session::of(&app, Some(peer), &headers) {
        app.auth.logout(peer.0, &session).await?;
    }
    Ok((set_cookies([cookie::clear_session()]), ok()).into_response())
}

/// `POST /api/auth/logout-all`: ends every session, this one too.
#[utoipa::path(post, path = "/api/auth/logout-all", tag = "auth", responses((status = 200, body = Done)))]
async fn logout_all(State(app): State<App>, peer: Peer, SignedIn(session): SignedIn) -> ApiResult<Response> {
    app.auth.logout_all(peer.0, &session).await?;
    Ok((set_cookies([cookie::clear_session()]), ok()).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ChangePassword {
    /// The password so far.
    #[schema(value_type = String)]
    current_password: Option<Secret<String>>,
    /// The password from now on.
    #[schema(value_type = String)]
    new_password: Option<Secret<String>>,
    /// The same again.
    #[schema(value_type = Option<String>)]
    password_confirm: Option<Secret<String>>,
}

/// `POST /api/auth/change-password`: ends every session but this one.
#[utoipa::path(post, path = "/api/auth/change-password", tag = "auth", request_body = ChangePassword, responses(
    (status = 200, body = Done, description = "The new session is in a cookie"),
    (status = 400, body = ErrorBody, description = "`invalid_json`, a field is missing, or the password is too weak"),
    (status = 401, body = ErrorBody, description = "Not signed in, or the password so far is wrong"),
    (status = 409, body = ErrorBody, description = "No password is set yet"),
    (status = 429, body = ErrorBody, description = "Too many attempts: `Retry-After` says when"),
    (status = 503, body = ErrorBody, description = "The credential cannot be read"),
    (status = 507, body = ErrorBody, description = "The password cannot be stored"),
))]
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

/// It was done.
#[derive(Serialize, ToSchema)]
pub(super) struct Done {
    /// True.
    ok: bool,
}

pub(super) fn ok() -> Json<Done> {
    Json(Done { ok: true })
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
