//! What can happen to one request and to what it brought.

use std::time::Duration;

use super::kinds::{Category, Operation};
use crate::outbound::{self, LookupError, Transport};
use crate::release::manifest::ManifestError;

/// What happened. Holds no token and no redirect target.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The host has no address.
    #[error(transparent)]
    Lookup(LookupError),
    /// The request did not get a whole answer.
    #[error("{}", transport_text(*kind))]
    Transport {
        /// What kind of trouble it was.
        kind: Transport,
        /// What the HTTP client said, without the URL.
        source: Box<reqwest::Error>,
    },
    /// The deadline passed.
    #[error("no complete answer within {:.1} s", after.as_secs_f64())]
    Timeout {
        /// How long it was waited for.
        after: Duration,
    },
    /// An answer that is not a success.
    #[error("the registry answered {status}")]
    Status {
        /// The status code.
        status: u16,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
        /// Its `WWW-Authenticate` headers.
        challenge: Vec<String>,
    },
    /// One redirect more than is followed.
    #[error("too many redirects")]
    TooManyRedirects,
    /// A redirect that is not followed, and why.
    #[error("a redirect was refused: {0}")]
    Redirect(&'static str),
    /// An answer that breaks the rules in another way.
    #[error("{0}")]
    Protocol(String),
    /// More bytes than are accepted.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Bytes that do not match their digest or size.
    #[error("{0}")]
    Integrity(String),
    /// The OCI manifest is not JSON within the limits.
    #[error("the manifest cannot be read as JSON")]
    NotJson(#[source] serde_json::Error),
    /// The OCI manifest is not one of a release.
    #[error("{0}")]
    InvalidManifest(String),
    /// The release manifest cannot be read.
    #[error(transparent)]
    Manifest(ManifestError),
}

fn transport_text(kind: Transport) -> &'static str {
    match kind {
        Transport::Dns => "the host has no address",
        Transport::Connect => "no connection",
        Transport::Tls => "no trusted TLS connection",
        Transport::Timeout => "no connection in time",
        Transport::Interrupted => "the answer was cut short",
    }
}

impl Failure {
    pub(super) fn transport(error: reqwest::Error) -> Self {
        Self::Transport {
            kind: Transport::of(&error),
            // A URL can hold a signature in its query.
            source: Box::new(error.without_url()),
        }
    }

    /// Whether there was a TLS server, only not one that is trusted.
    pub(super) fn is_untrusted(&self) -> bool {
        matches!(self, Self::Transport { source, .. } if outbound::is_untrusted(source))
    }

    /// Whether the same request may work in a moment.
    pub(super) fn worth_another_try(&self) -> bool {
        match self {
            Self::Transport { kind, .. } => matches!(kind, Transport::Connect | Transport::Interrupted),
            Self::Status { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            _ => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(super) fn category(&self, operation: Operation) -> Category {
        match self {
            Self::Lookup(_) => Category::Dns,
            Self::Transport { kind, .. } => match kind {
                Transport::Dns => Category::Dns,
                Transport::Connect | Transport::Interrupted => Category::Connect,
                Transport::Tls => Category::Tls,
                Transport::Timeout => Category::Timeout,
            },
            Self::Timeout { .. } => Category::Timeout,
            Self::Status { status, .. } => match status {
                401 => Category::Http401,
                403 => Category::Http403,
                404 if matches!(operation, Operation::Manifest | Operation::Blob) => Category::NotFound,
                429 => Category::RateLimited,
                500..=599 => Category::Http5xx,
                _ => Category::Protocol,
            },
            Self::TooLarge { .. } if operation == Operation::Manifest => Category::InvalidManifest,
            Self::TooManyRedirects | Self::Redirect(_) | Self::Protocol(_) | Self::TooLarge { .. } => {
                Category::Protocol
            }
            Self::Integrity(_) => Category::Integrity,
            Self::NotJson(_) | Self::InvalidManifest(_) | Self::Manifest(_) => Category::InvalidManifest,
        }
    }
}
