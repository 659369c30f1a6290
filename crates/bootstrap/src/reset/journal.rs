//! `reset-state.json`: each phase is on the disk before the next one begins.
//!
//! What is gone on from is in root's own directory. The copy on the state volume is for the pod, whose directory that
//! is: it is written, and never read back, or whoever writes there could say what root is to remove, and where to
//! root copies the volumes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use appliance_common::clock::Clock;
use appliance_common::host::{ResetPhase, ResetScope, ResetState};
use appliance_common::names::{file, host_file};
use appliance_common::random;
use appliance_common::state_file::{self, StateFile, StateFileError};
use jiff::{SignedDuration, Timestamp};

use crate::owned;
use crate::settings::Places;

/// How long a plan may be confirmed.
const NONCE_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What keeps a reset from being begun or from going on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    #[error("nothing was removed by this call; if the record is damaged, move it away to plan a reset anew")]
    Unreadable(#[source] StateFileError),
    #[error("keeping the record of the reset")]
    Unwritable(#[source] StateFileError),
    #[error("writing {}", path.display())]
    Copy { path: PathBuf, source: io::Error },
}

/// Why a confirmation does not count.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unconfirmed {
    #[error("nothing was planned; see first what would go: alga-appliance-bootstrap reset plan")]
    NoPlan,
    #[error(
        "the confirmation is not the one of the last plan; plan again: alga-appliance-bootstrap reset plan"
    )]
    WrongNonce,
    #[error("the plan is older than ten minutes; plan again: alga-appliance-bootstrap reset plan")]
    Stale,
    #[error("type exactly {wanted:?} to confirm")]
    WrongPhrase { wanted: String },
    #[error("the plan was for scope {planned} on {path}; plan again for another one")]
    OtherPlan { planned: &'static str, path: String },
}

/// What an operator confirms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Confirmation<'a> {
    pub(crate) nonce: &'a str,
    pub(crate) phrase: &'a str,
    pub(crate) site: &'a str,
    pub(crate) scope: ResetScope,
    pub(crate) storage_path: &'a Path,
}

/// The record and its copy.
#[derive(Debug)]
pub(crate) struct Journal {
    ours: StateFile<ResetState>,
    /// On the state volume.
    copy: PathBuf,
    clock: Clock,
}

impl Journal {
    pub(crate) fn at(places: &Places, clock: Clock) -> Self {
        Self {
            ours: StateFile::at(places.host_state_dir.join(host_file::RESET_STATE)),
            copy: places.state_dir.join(file::RESET_STATE),
            clock,
        }
    }

    pub(crate) fn load(&self) -> Result<Option<ResetState>, JournalError> {
        self.ours.load().map_err(JournalError::Unreadable)
    }

    /// A new plan, over an old one that was not confirmed.
    pub(crate) fn plan(&self, scope: ResetScope, storage_path: &Path) -> Result<ResetState, JournalError> {
        let path = storage_path.display().to_string();
        let planned = ResetState::planned(scope, path, random::id(), self.clock.now());
        self.store(&planned)?;
        Ok(planned)
    }

    /// Records that `phase` is reached.
    pub(crate) fn reached(&self, state: &mut ResetState, phase: ResetPhase) -> Result<(), JournalError> {
        state.phase = phase;
        state.error = None;
        self.store(state)
    }

    /// Writes it, with the time of now. The copy keeps the pod from working, so it never says longer than ours that
    /// a reset is under way: it begins after it and is over before it.
    pub(crate) fn store(&self, state: &ResetState) -> Result<(), JournalError> {
        let stored = ResetState {
            updated_at: self.clock.now(),
            ..state.clone()
        };
        if let Some(dir) = self.ours.path().parent() {
            let made = owned::directory(dir);
            made.map_err(|source| JournalError::Copy {
                path: dir.to_owned(),
                source,
            })?;
        }
        if stored.is_under_way() {
            self.own(&stored)?;
            self.copy(&stored)
        } else {
            self.copy(&stored)?;
            self.own(&stored)
        }
    }

    fn own(&self, state: &ResetState) -> Result<(), JournalError> {
        self.ours.store(state).map_err(JournalError::Unwritable)
    }

    fn copy(&self, state: &ResetState) -> Result<(), JournalError> {
        let unwritable = |source| JournalError::Copy {
            path: self.copy.clone(),
            source,
        };
        let mut bytes = serde_json::to_vec_pretty(state).map_err(|error| unwritable(error.into()))?;
        bytes.push(b'\n');
        state_file::replace(&self.copy, &bytes, 0o600).map_err(unwritable)?;
        owned::give_to_pod(&self.copy).map_err(unwritable)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// What is to be typed.
pub(crate) fn phrase(site: &str) -> String {
    format!("WIPE {site}")
}

/// Whether a plan was confirmed; pure. White space between the words does not matter, case does.
pub(crate) fn confirmed(
    plan: Option<&ResetState>,
    by: &Confirmation<'_>,
    now: Timestamp,
) -> Result<(), Unconfirmed> {
    let plan = plan
        .filter(|plan| plan.phase == ResetPhase::Planned)
        .ok_or(Unconfirmed::NoPlan)?;
    if plan.nonce != by.nonce {
        return Err(Unconfirmed::WrongNonce);
    }
    let age = now.duration_since(plan.planned_at);
    if age > NONCE_LIFE || age < SignedDuration::ZERO {
        return Err(Unconfirmed::Stale);
    }
    if plan.scope != by.scope || Path::new(&plan.storage_path) != by.storage_path {
        return Err(Unconfirmed::OtherPlan {
            planned: plan.scope.name(),
            path: plan.storage_path.clone(),
        });
    }
    let typed: Vec<_> = by.phrase.split_whitespace().collect();
    let wanted = phrase(by.site);
    if typed.join(" ") == wanted {
        Ok(())
    } else {
        Err(Unconfirmed::WrongPhrase { wanted })
    }
}

/// Documents of the state volume that a scope takes away.
pub(crate) fn documents(scope: ResetScope) -> impl Iterator<Item = &'static str> {
    /// What says that the application is installed.
    const INSTALLED: &[&str] = &[
        file::SETUP_JOURNAL,
        file::INSTALL_STATE,
        file::AUTO_RETRY_STATE,
        file::SETUP_RELEASE,
        file::RELEASE_SELECTION,
        file::LICENSE_PENDING,
        file::STORAGE_STATE,
    ];
    // The ledger and the appliance's id stay: a single-use code stays redeemed, and is not lost with them.
    const OURS: &[&str] = &[
        file::SETUP_INPUTS,
        file::MAINTENANCE_METADATA,
        "update-history.json",
        file::PASSWORD_RESETS,
        file::SESSION_REVOCATIONS,
        file::AUTH_LOCKOUT,
        file::SESSION_SECRET,
        file::ADMIN_CREDENTIAL,
    ];
    let (installed, ours): (&[_], &[_]) = match scope {
        ResetScope::Data => (&[], &[]),
        ResetScope::App => (INSTALLED, &[]),
        ResetScope::Factory => (INSTALLED, OURS),
    };
    installed.iter().chain(ours).copied()
}

/// Removes a scope's documents; those that are not there are fine.
pub(crate) fn clear(state_dir: &Path, scope: ResetScope) -> io::Result<()> {
    for name in documents(scope) {
        match fs::remove_file(state_dir.join(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::new(error.kind(), format!("{name}: {error}"))),
        }
    }
    fs::File::open(state_dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> ResetState {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        ResetState::planned(ResetScope::Data, "/var/mnt/alga-data", "n-1".to_owned(), now)
    }

    fn by<'a>(nonce: &'a str, phrase: &'a str) -> Confirmation<'a> {
        Confirmation {
            nonce,
            phrase,
            site: "site-7",
            scope: ResetScope::Data,
            storage_path: Path::new("/var/mnt/alga-data"),
        }
    }

    /// 60 C2.
    #[test]
    fn only_the_nonce_of_a_fresh_plan_and_the_phrase_confirm_it() {
        let soon: Timestamp = "2026-01-01T00:09:59Z".parse().unwrap();
        let late: Timestamp = "2026-01-01T00:10:01Z".parse().unwrap();
        let of = |by: &Confirmation<'_>, now| confirmed(Some(&plan()), by, now);
        assert_eq!(of(&by("n-1", "WIPE site-7"), soon), Ok(()));
        assert_eq!(of(&by("n-1", "  WIPE \t site-7\n"), soon), Ok(()));
        assert_eq!(of(&by("n-1", "WIPE site-7"), late), Err(Unconfirmed::Stale));
        assert_eq!(of(&by("n-2", "WIPE site-7"), soon), Err(Unconfirmed::WrongNonce));
        assert_eq!(of(&by("", "WIPE site-7"), soon), Err(Unconfirmed::WrongNonce));
        for phrase in ["", "wipe site-7", "WIPE site-8", "WIPE", "WIPE site-7 x"] {
            assert!(matches!(
                of(&by("n-1", phrase), soon),
                Err(Unconfirmed::WrongPhrase { .. })
            ));
        }
        let more = Confirmation {
            scope: ResetScope::Factory,
            ..by("n-1", "WIPE site-7")
        };
        assert!(matches!(of(&more, soon), Err(Unconfirmed::OtherPlan { .. })));
        assert_eq!(
            confirmed(None, &by("n-1", "WIPE site-7"), soon),
            Err(Unconfirmed::NoPlan)
        );
        let over = ResetState {
            phase: ResetPhase::Complete,
            ..plan()
        };
        assert_eq!(
            confirmed(Some(&over), &by("n-1", "WIPE site-7"), soon),
            Err(Unconfirmed::NoPlan)
        );
    }
}
