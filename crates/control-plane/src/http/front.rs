//! The whole HTTP surface as one value: guards, the probe, the router, the headers of every answer.

use std::net::IpAddr;
use std::time::Instant;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::Request;
use http::header::{self, HeaderValue};
use tower::ServiceExt;
use tracing::Instrument;

use super::arrival::Arrival;
use super::guard::{self, Peer};
use super::router::Template;
use super::{health, router};
use crate::app::App;

/// Answers requests; the server gives it sockets, tests call it without any.
#[derive(Debug, Clone)]
pub struct Front {
    app: App,
    router: Router,
}

impl Front {
    /// The surface over `app`.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self {
            router: router::router(&app),
            app,
        }
    }

    /// The answer to one request of `peer`.
    pub async fn answer<B>(self, request: Request<B>, peer: IpAddr) -> Response
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<axum::BoxError>,
    {
        let begun = Instant::now();
        let (mut parts, body) = request.into_parts();
        let arrival = Arrival::of(&body);
        let is_api = guard::is_api(parts.uri.path());
        let mut response = match guard::check(&parts, &self.app.settings.http.allowed_hosts) {
            Err(refusal) => refusal.into_response(),
            Ok(()) if parts.uri.path() == guard::HEALTHZ => {
                let mut response = health::answer(&parts.method, &self.app.mode);
                response.extensions_mut().insert(Template(guard::HEALTHZ));
                response
            }
            Ok(()) => {
                let span =
                    tracing::info_span!("request", method = %parts.method, path = parts.uri.path(), %peer);
                parts.extensions.insert(Peer(peer));
                let request = Request::from_parts(parts, arrival.watch(Body::new(body)));
                let mut response = self
                    .router
                    .oneshot(request)
                    .instrument(span)
                    .await
                    .into_response();
                router::space_allow(&mut response);
                response
            }
        };
        let route = response.extensions().get().map(|Template(path)| *path);
        let status = response.status().as_u16();
        let requests = self.app.metrics.requests();
        requests.answered(route, status, begun.elapsed());
        guard::add_headers(response.headers_mut(), is_api);
        if !arrival.is_whole() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        response
    }
}
