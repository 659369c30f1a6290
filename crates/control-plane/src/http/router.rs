//! Which path goes where, and what stands before it.

use std::any::Any;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{self, HeaderValue};
use tower_http::catch_panic::CatchPanicLayer;

use super::error::{ApiError, method_not_allowed, not_found};
use crate::app::App;

/// The whole API and the pages, over `app`.
pub(super) fn router(app: &App) -> Router {
    Router::new()
        .fallback(|| async { not_found() })
        .method_not_allowed_fallback(|| async { method_not_allowed() })
        .layer(from_fn(spaced_allow))
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(app.clone())
}

/// axum writes `Allow: GET,HEAD`; the contract has a space after the comma.
async fn spaced_allow(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Some(allow) = response.headers().get(header::ALLOW)
        && let Ok(allow) = allow.to_str()
        && let Ok(spaced) = HeaderValue::from_str(&allow.replace(',', ", "))
    {
        response.headers_mut().insert(header::ALLOW, spaced);
    }
    response
}

/// A panic ends its request and nothing else; the default hook has logged where it was.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "Something went wrong inside the appliance. Try again; the log of the control plane has the details.",
    )
    .into_response()
}
