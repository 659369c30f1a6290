//! A verified release, and its stored form.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::release::manifest::{ManifestError, ReleaseManifest};
use crate::release::reference::{Digest, Reference};

/// A release whose bytes matched their digests.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// What was asked for.
    pub reference: Reference,
    /// Digest of the OCI manifest: the identity of the release.
    pub manifest_digest: Digest,
    /// Digest of [`Resolved::raw`].
    pub config_digest: Digest,
    /// The release manifest.
    pub release: ReleaseManifest,
    /// The release manifest as it was received.
    pub raw: Bytes,
    /// When the release was made, if its publisher said so.
    pub created: Option<String>,
}

/// A resolved release as a state document holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredRelease {
    reference: Reference,
    manifest_digest: Digest,
    config_digest: Digest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    raw: String,
}

/// Why a stored release is not used.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    /// The stored text is not the one that was verified.
    #[error("the stored release manifest has digest {found}, resolved was {expected}")]
    Changed {
        /// What was resolved.
        expected: Digest,
        /// What is stored.
        found: Digest,
    },
    /// The stored text was written by a version that read manifests otherwise.
    #[error("reading the stored release manifest")]
    Manifest {
        /// What is wrong with it.
        source: ManifestError,
    },
}

impl Resolved {
    /// The form to store.
    #[must_use]
    pub fn to_stored(&self) -> StoredRelease {
        StoredRelease {
            reference: self.reference.clone(),
            manifest_digest: self.manifest_digest.clone(),
            config_digest: self.config_digest.clone(),
            created: self.created.clone(),
            // It was read as JSON, so it is UTF-8; were it not, its digest would tell.
            raw: String::from_utf8_lossy(&self.raw).into_owned(),
        }
    }

    /// The release that was stored, if it is still what was verified.
    ///
    /// # Errors
    /// [`StoredError`].
    pub fn from_stored(stored: StoredRelease) -> Result<Self, StoredError> {
        let found = Digest::of(stored.raw.as_bytes());
        if found != stored.config_digest {
            return Err(StoredError::Changed {
                expected: stored.config_digest,
                found,
            });
        }
        let raw = Bytes::from(stored.raw);
        Ok(Self {
            release: ReleaseManifest::from_json(&raw).map_err(|source| StoredError::Manifest { source })?,
            reference: stored.reference,
            manifest_digest: stored.manifest_digest,
            config_digest: stored.config_digest,
            raw,
            created: stored.created,
        })
    }
}
