//! The error envelope `{"error": sentence, "code": stable}` and the statuses it travels with.

use std::borrow::Cow;
use std::error::Error;

use appliance_common::process::chain;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use serde_json::{Map, Value};

use appliance_common::random;

/// What a client is told when a request fails: nothing of the cause but what helps it go on.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    sentence: Cow<'static, str>,
    fields: Vec<(&'static str, Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The envelope as it is written down: a sentence and a code, and what else an error of that code has.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used; `ApiError` writes the body")]
pub(super) struct ErrorBody {
    /// What went wrong and what to do, for the operator.
    error: String,
    /// Stable, for programs.
    code: String,
    /// The field that is missing or wrong.
    field: Option<String>,
    /// Seconds after which another attempt makes sense.
    retry_after_seconds: Option<u64>,
    /// By which the cause is found in the log.
    correlation_id: Option<String>,
    /// The page where it goes on.
    redirect_to: Option<String>,
    /// The state of setup, in which that does nothing.
    state: Option<String>,
    /// The release that was to be repaired.
    helm_release: Option<String>,
    /// Why, in one word.
    reason: Option<String>,
    /// Whether what was asked for was recorded before the rest failed.
    recorded: Option<bool>,
}

/// The answer of a handler.
pub type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// An error with a stable code and a sentence for the operator.
    pub fn new(status: StatusCode, code: &'static str, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            sentence: sentence.into(),
            fields: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// A failure of ours: logged with its whole chain, of which the client learns nothing but an id to
    /// find it by.
    pub fn internal(doing: &'static str, error: &dyn Error) -> Self {
        let id = correlation_id();
        tracing::error!(error = chain(error), doing, id, "a request failed");
        Self::unexplained(id)
    }

    /// A failure of somebody we asked: logged with its whole chain, of which the client learns an id to find
    /// it by beside the code and the sentence.
    pub(super) fn upstream(code: &'static str, sentence: &'static str, error: &dyn Error) -> Self {
        let id = correlation_id();
        tracing::warn!(error = chain(error), code, id, "somebody we asked gave no answer");
        Self::new(StatusCode::BAD_GATEWAY, code, sentence).with("correlationId", id)
    }

    /// A panic of a handler; the panic hook has logged where it was.
    pub(super) fn panicked() -> Self {
        let id = correlation_id();
        tracing::error!(id, "a request panicked");
        Self::unexplained(id)
    }

    fn unexplained(id: String) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong inside the appliance. Try again; the log of the control plane has the details.",
        )
        .with("correlationId", id)
    }

    /// Adds a field to the body.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((key, value.into()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Tells the client when another attempt makes sense, in a header and in the body.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
            .with("retryAfterSeconds", seconds)
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence for the operator.
    #[must_use]
    pub fn sentence(&self) -> &str {
        &self.sentence
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("error".to_owned(), Value::from(self.sentence));
        body.insert("code".to_owned(), Value::from(self.code));
        for (key, value) in self.fields {
            body.insert(key.to_owned(), value);
        }
        let mut response = Response::new(Body::from(Value::Object(body).to_string()));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

fn correlation_id() -> String {
    random::url_safe::<6>()
}

/// A body that is not what the route takes.
pub(super) fn invalid_json(sentence: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", sentence)
}

/// Nobody is signed in.
pub(super) fn unauthenticated() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
        "Sign in to the appliance first.",
    )
}

/// No such route.
pub(super) fn not_found() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is nothing at this address.",
    )
}

/// A route that has other methods; the router adds which.
pub(super) fn method_not_allowed() -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take that method.",
    )
}
