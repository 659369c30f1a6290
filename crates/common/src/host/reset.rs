//! `reset-state.json`: how far a data reset is (60 §4). While one is not over, setup, updates and repairs
//! are refused.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::names::file;
use crate::state_file::{FileLock, LockError, StateFile};

/// The document, on the state volume, 0600 and the pod's: root writes it, the control plane reads it. Nothing
/// in it is believed by root: paths are judged again, the cluster and the disk are looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetState {
    /// How far it is.
    pub phase: ResetPhase,
    /// What goes.
    pub scope: ResetScope,
    /// Directory of the volumes.
    pub storage_path: String,
    /// What the operator confirms the plan by; valid for ten minutes after `plannedAt`.
    pub nonce: String,
    /// When the plan was shown.
    pub planned_at: Timestamp,
    /// When it last went on.
    pub updated_at: Timestamp,
    /// Whether it was confirmed: from then on it is carried to its end.
    pub confirmed: bool,
    /// Where the volumes and documents are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<String>,
    /// Why it does not go on: what was tried, why it failed, what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ResetState {
    /// A plan that nobody has confirmed.
    #[must_use]
    pub fn planned(
        scope: ResetScope,
        storage_path: impl Into<String>,
        nonce: String,
        now: Timestamp,
    ) -> Self {
        Self {
            phase: ResetPhase::Planned,
            scope,
            storage_path: storage_path.into(),
            nonce,
            planned_at: now,
            updated_at: now,
            confirmed: false,
            backup: None,
            error: None,
        }
    }

    /// Whether it was begun and is not over.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.confirmed && self.phase != ResetPhase::Complete
    }
}

/// How far a reset is; each is reached before the next is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetPhase {
    /// The plan was shown.
    Planned,
    /// Flux makes nothing again.
    Quiesced,
    /// Releases are gone, and with them what they had installed.
    FluxRemoved,
    /// Nothing of the application runs.
    WorkloadsGone,
    /// The cluster knows no volume of the application.
    VolumesRemoved,
    /// The volumes' files are gone.
    DataWiped,
    /// The box's documents say so too.
    StateCleared,
    /// Everything is done.
    Complete,
}

/// How much goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetScope {
    /// The application's volumes; Flux then installs it anew.
    Data,
    /// The application as well: namespaces, releases, Flux objects.
    App,
    /// The box's own documents as well: it is as on its first day.
    Factory,
}

impl ResetScope {
    /// Its name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::App => "app",
            Self::Factory => "factory",
        }
    }
}

/// Takes the lock of every mutation of the appliance, `update.lock`, unless somebody has it or a reset is under
/// way that was stopped: until it is begun again, cluster and disk are not what anybody else would build on.
///
/// # Errors
/// [`LockError::Held`], by whoever has it or by the reset; [`LockError::Unusable`].
pub fn lock_appliance(path: &Path, note: &str) -> Result<FileLock, LockError> {
    let lock = FileLock::try_acquire(path, note)?;
    let reset = path.with_file_name(file::RESET_STATE);
    // A record that cannot be read was not written by us whole; it stops nobody.
    let state = StateFile::<ResetState>::at(&reset).load().ok().flatten();
    if state.is_some_and(|state| state.is_under_way()) {
        return Err(LockError::Held {
            path: path.to_owned(),
            holder: "a data reset that was stopped; it is carried on by: sudo alga-appliance-bootstrap reset apply"
                .to_owned(),
        });
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(phase: ResetPhase, confirmed: bool) -> ResetState {
        let now = Timestamp::UNIX_EPOCH;
        ResetState {
            phase,
            confirmed,
            ..ResetState::planned(ResetScope::App, "/var/mnt/alga-data", "n".to_owned(), now)
        }
    }

    #[test]
    fn while_a_confirmed_reset_is_not_over_nobody_else_changes_the_appliance() {
        let dir = tempfile::tempdir().unwrap();
        let (lock, document) = (
            dir.path().join(file::UPDATE_LOCK),
            dir.path().join(file::RESET_STATE),
        );
        let document = StateFile::at(document);
        assert!(lock_appliance(&lock, "setup").is_ok());
        for (phase, confirmed, is_free) in [
            (ResetPhase::Planned, false, true),
            (ResetPhase::Planned, true, false),
            (ResetPhase::DataWiped, true, false),
            (ResetPhase::Complete, true, true),
        ] {
            document.store(&state(phase, confirmed)).unwrap();
            let taken = lock_appliance(&lock, "setup");
            assert_eq!(taken.is_ok(), is_free, "{phase:?}");
            if let Err(error) = taken {
                assert!(error.to_string().contains("reset apply"), "{error}");
            }
        }
    }
}
