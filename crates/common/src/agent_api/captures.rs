//! Diagnostics of the host, as the shipped agent answered them; clients in the field rely on the keys (50 §8).

use serde::{Deserialize, Serialize};

/// Answer of `POST /v1/support-bundle`: always 200, whatever became of the single captures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SupportCaptures {
    /// Always `true`.
    pub ok: bool,
    /// When they were taken: RFC 3339 with milliseconds, UTC.
    pub generated_at: String,
    /// `alga-host-agent`.
    pub agent: String,
    /// One for each command, in the agent's order.
    pub files: Vec<CapturedFile>,
}

/// What one command wrote, without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapturedFile {
    /// Relative path in a bundle.
    pub path: String,
    /// Exit code 0, within its time and size.
    pub ok: bool,
    /// The exit code; 124 when its time was up, 1 when there is none.
    pub status: i32,
    /// A line `$ <command>`, then output, then errors.
    pub content: String,
}
