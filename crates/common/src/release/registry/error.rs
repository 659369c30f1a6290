//! Why a release could not be had, and what to do about it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::outbound::{LookupError, Transport};
use crate::release::manifest::ManifestError;
use crate::release::reference::{Reference, RegistryHost, Repository};

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Getting a token.
    Token,
    /// Getting the OCI manifest.
    Manifest,
    /// Getting the release manifest.
    Blob,
    /// Reading JSON.
    Parse,
    /// Checking what the JSON says.
    Validate,
    /// Comparing digests and sizes.
    Integrity,
    /// Resolving the registry's name.
    Dns,
    /// Asking whether the registry answers.
    Probe,
}

impl Operation {
    pub(super) fn of(error: &ManifestError) -> Self {
        match error {
            ManifestError::NotJson { .. } => Self::Parse,
            ManifestError::Field { .. } => Self::Validate,
        }
    }

    /// Its name in state documents and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Manifest => "manifest",
            Self::Blob => "blob",
            Self::Parse => "parse",
            Self::Validate => "validate",
            Self::Integrity => "integrity",
            Self::Dns => "dns",
            Self::Probe => "probe",
        }
    }

    fn attempt(self) -> &'static str {
        match self {
            Self::Token => "getting a token for",
            Self::Manifest => "getting the manifest of",
            Self::Blob => "getting the release manifest of",
            Self::Parse => "reading",
            Self::Validate => "checking",
            Self::Integrity => "verifying",
            Self::Dns => "resolving the host of",
            Self::Probe => "reaching",
        }
    }
}

/// What kind of trouble it is, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// The host has no address.
    Dns,
    /// No connection, or one that broke.
    Connect,
    /// No trusted TLS.
    Tls,
    /// A deadline passed.
    Timeout,
    /// 401 even with a token.
    Http401,
    /// 403.
    Http403,
    /// No such channel or release.
    NotFound,
    /// 429.
    RateLimited,
    /// 5xx.
    Http5xx,
    /// Bytes that are not what was promised.
    Integrity,
    /// Verified bytes that are no release.
    InvalidManifest,
    /// An answer no registry should give.
    Protocol,
}

impl Category {
    /// Its name in state documents.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Http401 => "http-401",
            Self::Http403 => "http-403",
            Self::NotFound => "not-found",
            Self::RateLimited => "rate-limited",
            Self::Http5xx => "http-5xx",
            Self::Integrity => "integrity",
            Self::InvalidManifest => "invalid-manifest",
            Self::Protocol => "protocol",
        }
    }
}

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
    #[error("no complete answer within {after:?}")]
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

    fn category(&self, operation: Operation) -> Category {
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

/// Why a release could not be had: what was tried on what, and why it failed.
#[derive(Debug)]
pub struct RegistryError(Box<Context>);

#[derive(Debug)]
struct Context {
    host: RegistryHost,
    repository: Repository,
    reference: Option<Reference>,
    operation: Operation,
    failure: Failure,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context {
            host,
            repository,
            reference,
            operation,
            failure,
        } = &*self.0;
        let attempt = operation.attempt();
        match reference {
            Some(reference) => write!(f, "{attempt} {host}/{repository} at {reference}: {failure}"),
            None => write!(f, "{attempt} {host}/{repository}: {failure}"),
        }
    }
}

impl Error for RegistryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.failure.source()
    }
}

impl RegistryError {
    pub(super) fn new(
        host: &RegistryHost,
        repository: &Repository,
        reference: Option<&Reference>,
        operation: Operation,
        failure: Failure,
    ) -> Self {
        Self(Box::new(Context {
            host: host.clone(),
            repository: repository.clone(),
            reference: reference.cloned(),
            operation,
            failure,
        }))
    }

    /// The registry.
    #[must_use]
    pub fn host(&self) -> &RegistryHost {
        &self.0.host
    }

    /// The repository.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.0.repository
    }

    /// What was asked for, if anything particular.
    #[must_use]
    pub fn reference(&self) -> Option<&Reference> {
        self.0.reference.as_ref()
    }

    /// What was being done.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// What happened.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.0.failure
    }

    /// What kind of trouble it is.
    #[must_use]
    pub fn category(&self) -> Category {
        self.0.failure.category(self.0.operation)
    }

    /// Whether a person's retry, with nothing changed on this box, can succeed. Content that was asked for
    /// by its digest stays what it is.
    #[must_use]
    pub fn retry_safe(&self) -> bool {
        let pinned = matches!(self.0.reference, Some(Reference::Digest(_)));
        !(pinned && self.category() == Category::InvalidManifest)
    }

    /// Whether it may pass by itself, so that trying again needs no person.
    #[must_use]
    pub fn transient(&self) -> bool {
        !matches!(
            self.category(),
            Category::NotFound | Category::Integrity | Category::InvalidManifest
        )
    }

    /// How long the registry asked us to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.failure.retry_after()
    }

    /// What an operator can do about it, as a sentence.
    #[must_use]
    pub fn next_step(&self) -> String {
        let host = self.host();
        match self.category() {
            Category::Dns => format!("Check the DNS servers in use: they must resolve {host}."),
            Category::Connect => {
                format!("Check that this box can reach {host} over HTTPS: gateway, firewall, proxy settings.")
            }
            Category::Tls => format!(
                "Check the clock of this box. If a proxy inspects TLS to {host}, or {host} is a private registry, \
                 add its certification authority with ALGA_APPLIANCE_CA_BUNDLE."
            ),
            Category::Timeout => {
                format!("Check the connection to {host}: it is too slow, or a firewall drops the packets.")
            }
            Category::Http401 | Category::Http403 => format!(
                "{host} refuses to let {} be read without signing in. Check the registry and repository; \
                 a proxy in between can also be the cause.",
                self.repository()
            ),
            Category::NotFound => "Check the channel or release pin: there is no such release.".to_owned(),
            Category::RateLimited => format!("Wait a little: {host} limits how often it may be asked."),
            Category::Http5xx => {
                format!("Wait: {host} has a problem of its own. Nothing is wrong with this box.")
            }
            Category::Integrity => format!(
                "Do not use this release. Try again later; if it stays, something between this box and {host} \
                 changes what is downloaded, or the release is damaged: contact support."
            ),
            Category::InvalidManifest => {
                "Choose another release, or contact support: this one cannot be read.".to_owned()
            }
            Category::Protocol => {
                format!("Check that {host} is the registry and that no proxy or sign-in page answers for it.")
            }
        }
    }
}
