//! `/setup`: the wizard's page where there is something to set up, and the printed address with the token.

use appliance_common::secret::Secret;
use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, StatusCode};

use crate::app::App;
use crate::auth::AuthError;
use crate::http::error::ApiError;
use crate::http::{Peer, cookie};
use crate::mode::Mode;

/// `GET /setup`, also with `?token=` as printed notes have it: the token is checked, remembered in a
/// cookie and taken out of the address (00, decision 3).
pub(super) async fn setup(
    State(app): State<App>,
    peer: Peer,
    RawQuery(query): RawQuery,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if let Some(token) = query.as_deref().and_then(token) {
        return redeem(&app, peer, token).await;
    }
    if app.mode.read().mode == Mode::Status && !app.re_editable.get() {
        return see("/");
    }
    app.ui.shell(&method, &headers)
}

fn token(query: &str) -> Option<Secret<String>> {
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == "token")
        .map(|(_, value)| Secret::new(value.into_owned()))
}

async fn redeem(app: &App, peer: Peer, token: Secret<String>) -> Response {
    match try_redeem(app, peer, token).await {
        Ok(ticket) => {
            let mut response = see("/setup");
            if let Some(cookie) = cookie::set_ticket(&ticket) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(AuthError::AlreadyConfigured) => see("/"),
        Err(error) => refused(ApiError::from(error)),
    }
}

async fn try_redeem(app: &App, peer: Peer, token: Secret<String>) -> Result<String, AuthError> {
    app.auth.check_lockout(peer.0)?;
    app.auth.check_unset()?;
    app.auth.redeem(peer.0, token).await
}

/// The words and headers of an API error, on a page.
fn refused(error: ApiError) -> Response {
    let html = page(error.status(), error.sentence());
    let mut response = error.into_response();
    *response.body_mut() = html.into_body();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    not_stored(response)
}

fn see(path: &'static str) -> Response {
    not_stored(Redirect::to(path).into_response())
}

/// Such an answer belongs to an address that has the token in it.
fn not_stored(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page without the pages: its address still has the token in it, so nothing is loaded from there.
/// `text` is ours; nothing of a request ever becomes part of it.
fn page(status: StatusCode, text: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Alga appliance</title>\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:10vh auto;padding:0 1rem}}</style></head>\
         <body><main><h1>Alga appliance</h1><p>{text}</p>\
         <p><a href=\"/setup/\">Enter the token by hand</a></p></main></body></html>"
    );
    (status, Html(html)).into_response()
}
