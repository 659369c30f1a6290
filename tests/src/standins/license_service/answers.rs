//! Answers that no good service gives.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::header::{HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use serde_json::Value;

use super::super::http::respond;
use super::books::Refused;
use super::{refused, told};

/// Bytes of an answer that is too long.
const OVERSIZED: usize = 2 * 1024 * 1024;

/// How one answer is spoilt.
#[derive(Debug, Clone)]
pub enum Fault {
    /// A status with this code, without a look at the books; may ask to be left alone for some seconds.
    Status(u16, &'static str, Option<u64>),
    /// The code is taken, and the answer comes only after this time.
    Slow(Duration),
    /// The connection is cut, and the code is not taken.
    CutBefore,
    /// The code is taken, and the connection is cut.
    CutAfter,
    /// The code is taken, and a web page is all that comes.
    Html,
    /// The code is taken, and the answer lacks this field.
    Without(&'static str),
    /// The code is taken, and the answer has this field so.
    With(&'static str, Value),
    /// The code is taken, and the answer has no end that anybody waits for.
    Oversized,
    /// A redirect.
    Redirect(u16, String),
}

/// The spoilt answer; none where the connection is cut.
pub(super) async fn spoilt(
    fault: Fault,
    redeem: impl Fn() -> Result<Value, Refused>,
) -> Option<Response<Full<Bytes>>> {
    Some(match fault {
        Fault::Status(status, code, wait) => {
            let wait = wait.map(|seconds| seconds.to_string());
            with_header(refused(status, code, "Scripted."), RETRY_AFTER, wait)
        }
        Fault::Slow(time) => {
            let answer = told(redeem());
            tokio::time::sleep(time).await;
            answer
        }
        Fault::CutBefore => return None,
        Fault::CutAfter => {
            drop(redeem());
            return None;
        }
        Fault::Html => {
            drop(redeem());
            respond(200, Bytes::from_static(b"<!doctype html><title>Sign in</title>"))
        }
        Fault::Without(field) => changed(redeem(), field, Value::Null),
        Fault::With(field, value) => changed(redeem(), field, value),
        Fault::Oversized => {
            drop(redeem());
            respond(200, vec![b' '; OVERSIZED].into())
        }
        Fault::Redirect(status, location) => {
            with_header(respond(status, Bytes::new()), LOCATION, Some(location))
        }
    })
}

fn changed(answer: Result<Value, Refused>, field: &str, value: Value) -> Response<Full<Bytes>> {
    told(answer.map(|mut answer| {
        answer[field] = value;
        answer
    }))
}

fn with_header(
    mut response: Response<Full<Bytes>>,
    name: HeaderName,
    value: Option<String>,
) -> Response<Full<Bytes>> {
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        response.headers_mut().insert(name, value);
    }
    response
}
