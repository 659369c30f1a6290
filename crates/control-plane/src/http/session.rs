//! The layer before routes of signed-in operators.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header;
use http::request::Parts;

use super::error::{ApiError, ApiResult, unauthenticated};
use super::{Peer, cookie};
use crate::app::App;
use crate::auth::Session;

/// Lets a request through only with a valid session, which its handler finds as [`SignedIn`]; writes
/// the time of its use into the cookie now and then.
pub(super) async fn require(State(app): State<App>, mut request: Request, next: Next) -> ApiResult<Response> {
    let session =
        of(&app, request.extensions().get().copied(), request.headers()).ok_or_else(unauthenticated)?;
    let renewed = app.auth.renewal(&session).as_ref().and_then(cookie::set_session);
    request.extensions_mut().insert(SignedIn(session));
    let mut response = next.run(request).await;
    if let Some(renewed) = renewed
        && !response.headers().contains_key(header::SET_COOKIE)
    {
        response.headers_mut().insert(header::SET_COOKIE, renewed);
    }
    Ok(response)
}

/// The session of a request, if it carries a valid one.
pub(super) fn of(app: &App, peer: Option<Peer>, headers: &http::HeaderMap) -> Option<Session> {
    app.auth.session(peer?.0, cookie::sessions(headers))
}

/// The session of the request at hand; only behind [`require`].
#[derive(Debug, Clone)]
pub(super) struct SignedIn(pub(super) Session);

impl<S: Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().cloned().ok_or_else(unauthenticated)
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get().copied().ok_or_else(unauthenticated)
    }
}
