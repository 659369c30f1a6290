//! Which path goes where, and what stands before it.

use std::any::Any;
use std::future::ready;
use std::path::Path;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use http::StatusCode;
use http::header::{self, HeaderValue};
use tower_http::catch_panic::CatchPanicLayer;

use super::error::{ApiError, method_not_allowed};
use super::{
    auth, manage, metrics, openapi, preflight, recover, session, setup, status, support_bundle, ui, upgrade,
    workloads,
};
use crate::app::App;

/// Paths of one group and the methods each takes.
pub(super) type Routes = Vec<(&'static str, MethodRouter<App>)>;

/// The whole API and the pages, over `app`.
pub(super) fn router(app: &App) -> Router {
    let mut router = Router::new();
    for (path, methods) in open(app.settings.metrics.metrics_token_file.as_deref()) {
        router = router.route(path, named(path, methods));
    }
    for (path, methods) in signed_in() {
        // On the methods, not on the path: a wrong method is told so whether or not one is signed in.
        let guarded = methods.route_layer(from_fn_with_state(app.clone(), session::require));
        router = router.route(path, named(path, guarded));
    }
    router
        .fallback(ui::serve)
        .method_not_allowed_fallback(|| async { method_not_allowed() })
        .layer(CatchPanicLayer::custom(panicked))
        .with_state(app.clone())
}

/// What anybody on the network may ask.
fn open(metrics_token: Option<&Path>) -> Routes {
    [
        auth::open_routes(),
        ui::routes(),
        openapi::open_routes(),
        metrics::open_routes(metrics_token),
    ]
    .concat()
}

/// Every path that the router takes, with its template.
#[must_use]
pub fn paths() -> Vec<&'static str> {
    open(None)
        .into_iter()
        .chain(signed_in())
        .map(|(path, _)| path)
        .collect()
}

/// Those that need a session.
pub(super) fn signed_in_paths() -> Vec<&'static str> {
    signed_in().into_iter().map(|(path, _)| path).collect()
}

/// Which route answered; what it measures has this name and never what a client wrote.
#[derive(Debug, Clone, Copy)]
pub(super) struct Template(pub(super) &'static str);

fn named(path: &'static str, methods: MethodRouter<App>) -> MethodRouter<App> {
    methods.layer(map_response(move |mut response: Response| {
        response.extensions_mut().insert(Template(path));
        ready(response)
    }))
}

/// What only a signed-in operator may ask.
fn signed_in() -> Routes {
    [
        auth::signed_in_routes(),
        setup::signed_in_routes(),
        preflight::signed_in_routes(),
        status::signed_in_routes(),
        recover::signed_in_routes(),
        upgrade::signed_in_routes(),
        workloads::signed_in_routes(),
        manage::signed_in_routes(),
        support_bundle::signed_in_routes(),
    ]
    .concat()
}

/// axum writes `Allow: GET,HEAD`, after every layer of the router; the contract has a space.
pub(super) fn space_allow(response: &mut Response) {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Some(allow) = response.headers().get(header::ALLOW)
        && let Ok(allow) = allow.to_str()
        && let Ok(spaced) = HeaderValue::from_str(&allow.replace(',', ", "))
    {
        response.headers_mut().insert(header::ALLOW, spaced);
    }
}

/// A panic ends its request and nothing else.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    ApiError::panicked().into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use http::Request;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_request_only() {
        async fn broken() -> &'static str {
            panic!("on purpose")
        }
        let router = Router::<()>::new()
            .route("/broken", get(broken))
            .layer(CatchPanicLayer::custom(panicked));
        for _ in 0..2 {
            let request = Request::get("/broken").body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
    }
}
