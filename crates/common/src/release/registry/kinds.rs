//! What was being done, and what kind of trouble came of it: the words of state documents and logs.

use crate::release::manifest::ManifestError;

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Getting a token.
    Token,
    /// Getting the OCI manifest.
    Manifest,
    /// Getting the release manifest.
    Blob,
    /// Getting the config of an image.
    ImageConfig,
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
            Self::ImageConfig => "image-config",
            Self::Parse => "parse",
            Self::Validate => "validate",
            Self::Integrity => "integrity",
            Self::Dns => "dns",
            Self::Probe => "probe",
        }
    }

    /// What is got, for a sentence.
    pub(super) fn object(self) -> &'static str {
        match self {
            Self::ImageConfig => "the image's config",
            _ => "the release manifest",
        }
    }

    pub(super) fn attempt(self) -> &'static str {
        match self {
            Self::Token => "getting a token for",
            Self::Manifest => "getting the manifest of",
            Self::Blob => "getting the release manifest of",
            Self::ImageConfig => "getting the image config of",
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
