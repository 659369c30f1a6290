//! `k3s-replacement.json`: how the replacement of k3s by another version goes. Root's own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct K3sReplacement {
    /// How far it is.
    pub phase: ReplacementPhase,
    /// The version that ran before: `v1.36.3+k3s1`.
    pub from: String,
    /// The version that is tried.
    pub to: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Why the version before is put back, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl K3sReplacement {
    /// Whether somebody has to end it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(
            self.phase,
            ReplacementPhase::Trying | ReplacementPhase::PuttingBack
        )
    }
}

/// How far a replacement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplacementPhase {
    /// The new version is put in its place, and has to show that the node becomes Ready with it.
    Trying,
    /// The version before is put back, with the database as it was.
    PuttingBack,
    /// The new version runs.
    Done,
    /// The version before runs.
    PutBack,
}
