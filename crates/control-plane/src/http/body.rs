//! Request bodies: JSON objects only, of a bounded size, within a deadline.

use std::time::Duration;

use axum::extract::{FromRequest, Request};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::error::{ApiError, invalid_json};
use crate::app::App;

const SMALL: u64 = 16 * 1024;
const LARGE: u64 = 64 * 1024;

/// The largest body that the route at `path` takes.
fn cap(path: &str) -> u64 {
    if path == "/api/setup" || path.starts_with("/api/license/") {
        LARGE
    } else {
        SMALL
    }
}

/// Refuses a body that announces itself as too large, before a byte of it is read.
pub(super) fn check_declared(path: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse::<u64>().ok());
    match declared {
        Some(length) if length > cap(path) => Err(too_large(cap(path))),
        _ => Ok(()),
    }
}

fn too_large(cap: u64) -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "request_too_large",
        format!(
            "The request is larger than the {} KiB this address takes.",
            cap / 1024
        ),
    )
}

/// A JSON object decoded into `T`.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let bytes = json_bytes(request, app).await?;
        decode(&bytes).map(Self)
    }
}

/// The bytes of a body that says it is JSON, for handlers that read it by rules of their own.
pub(super) async fn json_bytes(request: Request, app: &App) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    check_type(request.headers())?;
    let cap = cap(request.uri().path());
    read(request.into_body(), cap, app.limits.body_read).await
}

fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_json = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            let essence = text.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("application/json")
        })
    };
    match headers.get(header::CONTENT_TYPE) {
        Some(value) if !is_json(value) => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "The body must be JSON, sent as application/json.",
        )),
        _ => Ok(()),
    }
}

/// Bodies may carry passwords: what was read is wiped when it is done with.
async fn read(body: axum::body::Body, cap: u64, limit: Duration) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let limited = Limited::new(body, usize::try_from(cap).unwrap_or(usize::MAX));
    match tokio::time::timeout(limit, limited.collect()).await {
        Ok(Ok(collected)) => Ok(Zeroizing::new(collected.to_bytes().into())),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large(cap)),
        Ok(Err(_)) => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "bad_request",
            "The body of the request ended early.",
        )),
        Err(_) => Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "The body of the request took too long to arrive.",
        )),
    }
}

/// serde would also read a struct from an array; the API takes objects only.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(invalid_json("The body must be a JSON object."));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        // Only the place: the parser's message may quote what was sent.
        invalid_json(format!(
            "The body is not the JSON object this address takes (line {}, column {}).",
            error.line(),
            error.column()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Login {
        #[expect(dead_code, reason = "only decoded")]
        password: Option<String>,
    }

    #[test]
    fn only_a_well_formed_object_is_decoded() {
        for bad in [
            "",
            " ",
            "null",
            "[]",
            r#"["x"]"#,
            r#""x""#,
            "1",
            "{",
            "{}}",
            r#"{"password":1}"#,
            r#"{"password":["x"]}"#,
            r#"{"password":"a","password":"b"}"#,
            "{\"password\":\"\u{1}\"}",
        ] {
            let error = decode::<Login>(bad.as_bytes()).unwrap_err();
            assert_eq!(
                (error.status(), error.code()),
                (StatusCode::BAD_REQUEST, "invalid_json"),
                "{bad}"
            );
        }
        for good in [
            "{}",
            " \n{\"password\":\"x\",\"other\":1}",
            r#"{"password":null}"#,
        ] {
            decode::<Login>(good.as_bytes()).unwrap();
        }
        decode::<Login>(b"{\"password\":\"\xff\"}").unwrap_err();
    }

    #[test]
    fn what_was_sent_is_not_quoted_back() {
        let error = decode::<Login>(br#"{"password":hunter2canary}"#).unwrap_err();
        assert!(!error.sentence().contains("hunter2"));
    }
}
