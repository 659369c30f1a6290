//! `GET /healthz`, answered before the router: the kubelet kills a pod whose answer is late.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::Method;
use http::header::{self, HeaderValue};

use super::error::method_not_allowed;
use crate::mode::{InstallMode, Mode};

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
