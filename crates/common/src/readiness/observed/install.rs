//! What is recorded of the installation.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is recorded of the installation.
#[derive(Debug, Clone)]
pub struct Install {
    /// The state document; `Err` says why it cannot be read.
    pub document: Result<Option<Value>, String>,
    /// A failure of the engine itself that could not be recorded, in the form of the document's `failure`.
    pub engine_failure: Option<Value>,
    /// Setup has handed the release to Flux once (`installedAt`).
    pub is_installed: bool,
    /// New answers may replace the old.
    pub editable: bool,
    /// What happens by itself about a recorded failure.
    pub auto_retry: Option<AutoRetry>,
    /// The latched outcome of the bootstrap Job.
    pub bootstrap: Option<Bootstrap>,
    /// Where users sign in, as the operator wants it now.
    pub login_url: Option<String>,
    /// Where this page is, as browsers of the network reach it.
    pub status_url: Option<String>,
    /// The version of the release that this box follows.
    pub release: Option<String>,
    /// Whether the process that runs an update still does; `None` while there is no update.
    pub update_owner: Option<UpdateOwner>,
}

/// Whether the process that runs an update still does: told by its lock, or by PID, start time and boot
/// id together, never by the PID alone (W-41).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateOwner {
    /// It does.
    Alive,
    /// It is gone, or was never recorded as it should be.
    Gone,
    /// That cannot be told.
    Unknown,
}

/// Whether and when setup is tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoRetry {
    /// An attempt is going to be made.
    pub will_retry: bool,
    /// Attempts were made as often as is allowed.
    pub exhausted: bool,
    /// Attempts made.
    pub attempts: u32,
    /// Attempts allowed.
    pub max_attempts: u32,
    /// When the next one is due.
    pub next_attempt_at: Option<Timestamp>,
    /// Whose answer is waited for before an attempt is spent, in the operator's words.
    pub waiting_for: Option<String>,
}

/// What the bootstrap Job came to; kept after the Job is gone (it goes 300 s after its end).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// Its outcome.
    pub state: BootstrapState,
    /// Pods it has started.
    pub attempts: u32,
    /// Why it failed.
    pub last_error: Option<String>,
    /// The end of the log of the last pod that failed, without secrets.
    pub log_excerpt: Option<String>,
    /// The pod that wrote it.
    pub log_pod: Option<String>,
    /// A Job was seen to complete once, whatever a later one did.
    pub was_complete: bool,
    /// The Job this is about.
    pub job_uid: Option<String>,
    /// Since when it is so.
    pub since: Option<Timestamp>,
}

impl Bootstrap {
    /// Whether a Job has done its work once.
    pub(in crate::readiness) fn has_completed(&self) -> bool {
        self.was_complete || self.state == BootstrapState::Complete
    }
}

/// The outcome of the bootstrap Job, also as it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootstrapState {
    /// The cluster does not tell.
    Unknown,
    /// There is no Job yet.
    Pending,
    /// It works.
    Running,
    /// It has given up; stays until another one starts.
    Failed,
    /// It has done its work; stays until another one starts.
    Complete,
}

impl Default for Install {
    /// A fresh box.
    fn default() -> Self {
        Self {
            document: Ok(None),
            engine_failure: None,
            is_installed: false,
            editable: true,
            auto_retry: None,
            bootstrap: None,
            login_url: None,
            status_url: None,
            release: None,
            update_owner: None,
        }
    }
}
