//! `GET /healthz`, answered before the router: the kubelet kills a pod whose answer is late.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::Method;
use http::header::{self, HeaderValue};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::error::method_not_allowed;
use crate::mode::{InstallMode, Mode};

/// What is written down of this route.
#[derive(OpenApi)]
#[openapi(paths(probe))]
pub(super) struct Documented;

/// The server is up.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Health {
    /// True.
    ok: bool,
    /// What the box is for right now.
    mode: Mode,
    /// Present when the record of the installation cannot be read.
    #[schema(required = false)]
    state_unreadable: bool,
}

/// Whether the server is up; touches neither cluster nor network.
#[utoipa::path(get, path = "/healthz", tag = "about", responses((status = 200, body = Health)))]
#[expect(
    dead_code,
    reason = "only its annotation is used; `Front` answers before any router"
)]
fn probe() {}

/// Whether the server is up, and the mode of the box; touches neither cluster nor network.
pub(super) fn answer(method: &Method, mode: &InstallMode) -> Response {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return method_not_allowed()
            .header(header::ALLOW, HeaderValue::from_static("GET, HEAD"))
            .into_response();
    }
    let reading = mode.read();
    let body = match (reading.mode, reading.unreadable) {
        (Mode::Setup, _) => r#"{"ok":true,"mode":"setup"}"#,
        (Mode::Status, false) => r#"{"ok":true,"mode":"status"}"#,
        (Mode::Status, true) => r#"{"ok":true,"mode":"status","stateUnreadable":true}"#,
    };
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
