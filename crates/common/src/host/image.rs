//! `control-plane-image.json`: which image the control plane runs, which one ran well, which ones never again
//! (decision 8, 50 §6.5, 10 §12.2).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The document. Written under the host lock only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageRecord {
    /// The last image whose pod was Ready and answered `/healthz`: what a rollback goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_known_good: Option<String>,
    /// An image that the operator chose and that boot keeps (`reapply --baked`, a pinned release).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinned: Option<String>,
    /// The channel's newer image, offered and not taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available: Option<String>,
    /// An image that was applied and has not become healthy yet. Whoever finds it goes on: it is awaited, or the one
    /// before is put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trying: Option<Trying>,
    /// Images that were tried and did not become healthy; never taken by themselves again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quarantined: Vec<Quarantined>,
    /// How the last choice ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<ImageOutcome>,
    /// Why, for the operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// An image on trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trying {
    /// Repository and digest.
    pub image: String,
    /// What ran before, to go back to.
    pub previous: String,
    /// Since when.
    pub since: Timestamp,
}

/// An image that did not become healthy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quarantined {
    /// Repository and digest.
    pub image: String,
    /// What was seen of it.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// How a choice of image ended (10 §12.2); the exit codes of `run --control-plane-only` are 0, 0, 3, 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageOutcome {
    /// The resolved digest runs and is healthy.
    Complete,
    /// It ran already.
    Unchanged,
    /// Another image was kept; `reason` says why.
    Held,
    /// The new one failed and the previous one was restored, or nothing could be applied.
    Blocked,
}

impl ImageOutcome {
    /// The exit code that says it (10 §12.2).
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Complete | Self::Unchanged => 0,
            Self::Held => 3,
            Self::Blocked => 1,
        }
    }
}
