//! What can happen to one request.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It is answered late.
    Delay,
    /// The connection is cut before it reaches the server.
    CutBefore,
    /// The server has done it, and the connection is cut before the answer.
    CutAfter,
    /// The connection is cut in the middle of the answer.
    CutInBody,
    /// The answer ends early, and says that it is whole.
    Truncate,
    /// 200 with something that is no answer.
    Garbage,
    /// 409.
    Conflict,
    /// 429, to come again in a second.
    Busy,
    /// 500.
    Broken,
    /// 503.
    Unavailable,
    /// The answer comes after that of a later request.
    Reorder,
    /// No answer at all.
    Stall,
    /// The port is closed: this connection ends, and no other is taken.
    Refuse,
    /// The program is killed before the request reaches the server.
    KillBefore,
    /// The program is killed when the server has done it.
    KillAfter,
}

/// All of them.
pub const ALL: [Fault; 15] = [
    Fault::Delay,
    Fault::CutBefore,
    Fault::CutAfter,
    Fault::CutInBody,
    Fault::Truncate,
    Fault::Garbage,
    Fault::Conflict,
    Fault::Busy,
    Fault::Broken,
    Fault::Unavailable,
    Fault::Reorder,
    Fault::Stall,
    Fault::Refuse,
    Fault::KillBefore,
    Fault::KillAfter,
];

/// How late an answer is.
pub(super) const LATE: Duration = Duration::from_millis(700);

/// Longest time an answer is held back for a later one to pass it.
pub(super) const HOLD_LIMIT: Duration = Duration::from_millis(900);

impl Fault {
    /// Whether it lasts until it is lifted: an outage, not a hiccup.
    #[must_use]
    pub fn lasts(self) -> bool {
        matches!(
            self,
            Self::Broken | Self::Unavailable | Self::Stall | Self::Refuse
        )
    }

    /// Whether it ends the program.
    #[must_use]
    pub fn kills(self) -> bool {
        matches!(self, Self::KillBefore | Self::KillAfter)
    }

    /// Whether the server may have done something, as far as the program can tell, of which it hears nothing
    /// whole.
    pub(super) fn loses_the_answer(self) -> bool {
        matches!(
            self,
            Self::CutAfter | Self::CutInBody | Self::Truncate | Self::Garbage | Self::KillAfter
        )
    }

    /// Status of an answer that the server did not give, and how long it asks to wait.
    pub(super) fn status(self) -> Option<(StatusCode, Option<u32>)> {
        match self {
            Self::Garbage => Some((StatusCode::OK, None)),
            Self::Conflict => Some((StatusCode::CONFLICT, None)),
            Self::Busy => Some((StatusCode::TOO_MANY_REQUESTS, Some(1))),
            Self::Broken => Some((StatusCode::INTERNAL_SERVER_ERROR, None)),
            Self::Unavailable => Some((StatusCode::SERVICE_UNAVAILABLE, None)),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = serde_json::to_value(self).map_err(|_| fmt::Error)?;
        f.write_str(name.as_str().unwrap_or_default())
    }
}

/// How a server words its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `Status` of the Kubernetes API.
    Kubernetes,
    /// Errors of the OCI distribution API.
    Registry,
    /// Errors of the licence service.
    License,
}

impl Dialect {
    /// An answer with this status in the server's own words; no answer at all for a success.
    pub(super) fn answer(self, status: StatusCode, retry_after: Option<u32>) -> Response<Full<Bytes>> {
        let body = if status.is_success() {
            "<html>\u{fffd} this is not an answer".to_owned()
        } else {
            self.words(status, retry_after)
        };
        let mut answer = Response::new(Full::new(Bytes::from(body)));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert("content-type", http::HeaderValue::from_static("application/json"));
        if let Some(seconds) = retry_after {
            headers.insert("retry-after", seconds.into());
        }
        answer
    }

    fn words(self, status: StatusCode, retry_after: Option<u32>) -> String {
        let text = "injected by the fault harness";
        match self {
            Self::Kubernetes => json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": text, "reason": reason(status), "code": status.as_u16(),
                "details": {"retryAfterSeconds": retry_after.unwrap_or_default()},
            }),
            Self::Registry => json!({"errors": [{"code": "UNKNOWN", "message": text}]}),
            Self::License => json!({"error": "unavailable", "message": text}),
        }
        .to_string()
    }
}

/// The API server's word for a status.
fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::CONFLICT => "Conflict",
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
        _ => "InternalError",
    }
}
