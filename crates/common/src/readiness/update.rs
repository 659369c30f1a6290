//! What became of an update, as the manage page shows it (40 §8.3).

use serde::{Deserialize, Serialize};

use super::observed::{Observed, UpdateOwner};
use super::parts::is_true;
use super::setup::{self, document, text};
use crate::names::namespace;

/// An update of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct UpdateState {
    /// One word.
    pub status: UpdateStatus,
    /// What happened.
    pub message: Option<String>,
    /// Stable code.
    pub code: Option<String>,
    /// Category of the failure.
    pub category: Option<String>,
    /// The cause.
    pub suspected_cause: Option<String>,
    /// What to do.
    pub suggested_next_step: Option<String>,
    /// Trying again unchanged can succeed.
    pub retry_safe: Option<bool>,
    /// When it was started, as it was recorded.
    pub started_at: Option<String>,
    /// The channel it goes to.
    pub requested_channel: Option<String>,
}

/// One word for an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum UpdateStatus {
    /// There is none.
    Idle,
    /// It is under way.
    Running,
    /// It is done.
    Complete,
    /// It has stopped.
    Blocked,
}

/// What became of the last update. One that stopped is over once the application's release is ready; one
/// that was interrupted never is by itself.
#[must_use]
pub fn update(seen: &Observed) -> UpdateState {
    let document = document(&seen.install);
    let of_record = |key: &str| document["update"][key].as_str().map(str::to_owned);
    let mut state = match phase(text(document, "status")) {
        UpdateStatus::Running if seen.install.update_owner == Some(UpdateOwner::Gone) => {
            of_failure(&setup::interrupted_update())
        }
        UpdateStatus::Blocked if is_over(seen, text(&document["failure"], "category")) => {
            plain(UpdateStatus::Idle)
        }
        UpdateStatus::Blocked => of_failure(&document["failure"]),
        status @ (UpdateStatus::Running | UpdateStatus::Complete | UpdateStatus::Idle) => UpdateState {
            message: document["lastAction"]
                .as_str()
                .filter(|_| status != UpdateStatus::Idle)
                .map(str::to_owned),
            ..plain(status)
        },
    };
    (state.started_at, state.requested_channel) = (of_record("startedAt"), of_record("requestedChannel"));
    state
}

fn phase(status: &str) -> UpdateStatus {
    match status {
        "update-queued" | "update-running" | "release-config-running" | "storage-install-running" => {
            UpdateStatus::Running
        }
        "update-complete" => UpdateStatus::Complete,
        "update-blocked"
        | "release-config-blocked"
        | "runtime-values-blocked"
        | "storage-install-blocked" => UpdateStatus::Blocked,
        _ => UpdateStatus::Idle,
    }
}

fn is_over(seen: &Observed, category: &str) -> bool {
    category != "update-interrupted" && core_release_is_ready(seen)
}

/// The release of the application is known to be ready at its newest generation.
pub(super) fn core_release_is_ready(seen: &Observed) -> bool {
    let Ok(releases) = seen.cluster.helm_releases.current() else {
        return false;
    };
    let key = format!("{}/{}", namespace::ALGA_SYSTEM, super::inventory::CORE_RELEASE);
    let release = releases.known.get(&key);
    release.is_some_and(|release| {
        release.observed_generation == release.generation && is_true(&release.conditions, "Ready")
    })
}

fn plain(status: UpdateStatus) -> UpdateState {
    UpdateState {
        status,
        message: None,
        code: None,
        category: None,
        suspected_cause: None,
        suggested_next_step: None,
        retry_safe: None,
        started_at: None,
        requested_channel: None,
    }
}

fn of_failure(failure: &serde_json::Value) -> UpdateState {
    let own = |key: &str| failure[key].as_str().map(str::to_owned);
    UpdateState {
        message: own("message"),
        code: own("code"),
        category: own("category"),
        suspected_cause: own("suspectedCause"),
        suggested_next_step: own("suggestedNextStep"),
        retry_safe: Some(failure["retrySafe"] != false),
        ..plain(UpdateStatus::Blocked)
    }
}
