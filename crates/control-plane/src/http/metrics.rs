//! `GET /metrics`: on a Unix socket of this box to whoever may open it, and on the port to whoever has the
//! token. To everybody else there is nothing at this address.

mod observed;
pub(crate) mod socket;

use std::path::Path;

use appliance_common::secret::{Secret, ct_eq};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::Method;
use http::header::{self, HeaderMap, HeaderValue};
use std::sync::Arc;
use utoipa::OpenApi;

use super::error::{ApiError, ErrorBody, method_not_allowed, not_found};
use super::router::Routes;
use crate::app::App;
use crate::metrics::{CONTENT_TYPE, ProcessSample, Sample, StepSample, render};
use crate::watched::Watched;

/// A shorter token could be guessed.
const MIN_TOKEN: usize = 16;
/// A larger file is not a token's.
const MAX_TOKEN: u64 = 4096;

pub(super) fn open_routes(token_file: Option<&Path>) -> Routes {
    let token = Token::of(token_file);
    // Any method: a list of those that are allowed would tell that there is something here.
    vec![("/metrics", any(serve).layer(Extension(token)))]
}

/// What is written down of this route.
#[derive(OpenApi)]
#[openapi(paths(serve))]
pub(super) struct Documented;

/// The token of the file, read again when the file changes; none without a file.
#[derive(Debug, Clone)]
struct Token(Option<Arc<Watched<Option<Secret<String>>>>>);

impl Token {
    fn of(file: Option<&Path>) -> Self {
        Self(file.map(|path| {
            let file = path.to_owned();
            Arc::new(Watched::new(path.to_owned(), move || read(&file)))
        }))
    }

    /// Whether a request carries it.
    fn opens_to(&self, headers: &HeaderMap) -> bool {
        let Some(token) = self.0.as_ref().map(|watched| watched.get()) else {
            return false;
        };
        let given = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let given = given.and_then(|value| value.strip_prefix(b"Bearer "));
        match (&*token, given) {
            (Some(token), Some(given)) => ct_eq(token.expose().as_bytes(), given),
            _ => false,
        }
    }
}

fn read(path: &Path) -> Option<Secret<String>> {
    let is_small = std::fs::metadata(path).is_ok_and(|meta| meta.len() <= MAX_TOKEN);
    let text = is_small.then(|| std::fs::read_to_string(path).ok()).flatten();
    let token = text.map(|text| Secret::new(text.trim().to_owned()));
    let token = token.filter(|token| token.expose().len() >= MIN_TOKEN);
    if token.is_none() {
        tracing::warn!(
            path = %path.display(),
            "this file holds no token of {MIN_TOKEN} characters or more: metrics are not served on the port"
        );
    }
    token
}

/// Measurements of the appliance in the format that Prometheus reads.
#[utoipa::path(get, path = "/metrics", tag = "metrics",
    params(("Authorization" = String, Header, description = "`Bearer` and the token of the metrics token file")),
    responses(
        (status = 200, body = String, content_type = "application/openmetrics-text"),
        (status = 404, body = ErrorBody, description = "`not_found`: without the token"),
    ))]
async fn serve(
    State(app): State<App>,
    Extension(token): Extension<Token>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if !token.opens_to(&headers) {
        return not_found().into_response();
    }
    if !matches!(method, Method::GET | Method::HEAD) {
        let allow = HeaderValue::from_static("GET,HEAD");
        return method_not_allowed().header(header::ALLOW, allow).into_response();
    }
    answer(&app)
}

/// The text, now.
pub(super) fn answer(app: &App) -> Response {
    match render(&sample(app), app.metrics.requests()) {
        Ok(text) => {
            let mut response = Response::new(Body::from(text));
            let content_type = HeaderValue::from_static(CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, content_type);
            response
        }
        Err(error) => ApiError::internal("writing the metrics", &error).into_response(),
    }
}

fn sample(app: &App) -> Sample {
    let plan = app.setup.plan().ok();
    let steps = plan.iter().flat_map(|plan| &plan.steps);
    let started = app.metrics.started();
    let now = app.clock.now();
    Sample {
        steps: steps
            .map(|step| StepSample {
                id: step.id.clone(),
                state: step.state.clone(),
            })
            .collect(),
        run: plan.map_or_else(|| "unknown".to_owned(), |plan| plan.state),
        status: observed::sample(&app.status, now),
        process: ProcessSample {
            started_at_seconds: started.as_duration().as_secs_f64(),
            uptime_seconds: now.duration_since(started).as_secs_f64(),
            ..ProcessSample::take()
        },
    }
}
