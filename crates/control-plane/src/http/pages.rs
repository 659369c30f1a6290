//! The two pages: what this box is and where to go on. They hold no data and need no session.

use appliance_common::secret::Secret;
use axum::extract::{RawQuery, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{self, HeaderValue};
use utoipa::OpenApi;

use super::error::ApiError;
use super::router::Routes;
use super::{Peer, cookie};
use crate::app::App;
use crate::auth::AuthError;
use crate::mode::Mode;

pub(super) fn routes() -> Routes {
    vec![
        ("/", get(home)),
        ("/setup", get(setup)),
        ("/setup/", get(setup_slash)),
    ]
}

/// What is written down of these routes.
#[derive(OpenApi)]
#[openapi(paths(home, setup, setup_slash))]
pub(super) struct Documented;

/// The first page.
#[utoipa::path(get, path = "/", tag = "pages", responses((status = 200, body = String, content_type = "text/html")))]
async fn home(State(app): State<App>) -> Response {
    let reading = app.mode.read();
    let text = match (reading.mode, reading.unreadable) {
        (Mode::Setup, _) => {
            "This appliance is ready to be set up. <a href=\"/setup/\">Go on to the setup</a> with the token from its console."
        }
        (Mode::Status, false) => "This appliance has been set up. Sign in to see how it is doing.",
        (Mode::Status, true) => {
            "The record of this appliance's installation cannot be read. Nothing was changed; see the log of the control plane."
        }
    };
    page(StatusCode::OK, text)
}

/// `GET /setup`, also with `?token=` as printed notes have it: the token is checked, remembered in a
/// cookie and taken out of the address (00, decision 3).
#[utoipa::path(get, path = "/setup", tag = "pages",
    params(("token" = Option<String>, Query, description = "The setup token")),
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 303, description = "To `/setup` with a ticket, or to `/` when there is nothing to set up"),
        (status = 401, body = String, content_type = "text/html", description = "The token is wrong"),
        (status = 429, body = String, content_type = "text/html", description = "Too many attempts"),
        (status = 503, body = String, content_type = "text/html", description = "Token or credential cannot be read"),
    ))]
async fn setup(State(app): State<App>, peer: Peer, RawQuery(query): RawQuery) -> Response {
    if let Some(token) = query.as_deref().and_then(token) {
        return redeem(&app, peer, token).await;
    }
    if app.mode.read().mode == Mode::Status && !app.re_editable.get() {
        return see("/");
    }
    page(
        StatusCode::OK,
        "Enter the setup token that is shown on the appliance's console to begin.",
    )
}

/// The same with a slash, as the shipped product has it.
#[utoipa::path(get, path = "/setup/", tag = "pages",
    params(("token" = Option<String>, Query, description = "The setup token")),
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 303, description = "To `/setup` with a ticket, or to `/` when there is nothing to set up"),
        (status = 401, body = String, content_type = "text/html", description = "The token is wrong"),
        (status = 429, body = String, content_type = "text/html", description = "Too many attempts"),
        (status = 503, body = String, content_type = "text/html", description = "Token or credential cannot be read"),
    ))]
async fn setup_slash(app: State<App>, peer: Peer, query: RawQuery) -> Response {
    setup(app, peer, query).await
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

/// `text` is ours and may hold markup; nothing of a request ever becomes part of a page.
fn page(status: StatusCode, text: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Alga appliance</title></head>\
         <body><h1>Alga appliance</h1><p>{text}</p></body></html>"
    );
    let mut response = (status, Html(html)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
