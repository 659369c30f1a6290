//! `control-plane-upgrade.json` (10 §9.5): how an upgrade of the control plane goes. Its path is published; who
//! reads it opens no link.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlPlaneUpgrade {
    /// How it stands.
    pub status: UpgradeStatus,
    /// When that was.
    pub updated_at: Timestamp,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// What goes on, or why it ended so, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The image that ran before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_image: Option<String>,
    /// The image that runs now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_image: Option<String>,
    /// The image that the channel names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_image: Option<String>,
}

impl ControlPlaneUpgrade {
    /// One that begins now, of which nothing is known yet.
    #[must_use]
    pub fn begun(now: Timestamp) -> Self {
        Self {
            status: UpgradeStatus::Running,
            updated_at: now,
            started_at: Some(now),
            finished_at: None,
            message: None,
            from_image: None,
            to_image: None,
            resolved_image: None,
        }
    }
}

/// How an upgrade stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpgradeStatus {
    /// It is under way.
    Running,
    /// The channel's image runs, and is healthy.
    Complete,
    /// It ran already.
    Unchanged,
    /// Another one is kept; the message says why.
    Held,
    /// It failed, and the one before runs; or nobody saw its end.
    Blocked,
}
