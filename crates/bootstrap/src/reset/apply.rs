//! Carrying a confirmed reset out: phase after phase, each recorded before the next, each safe to run again.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use appliance_common::cluster::{Cluster, ClusterError};
use appliance_common::host::{ResetPhase, ResetScope, ResetState};
use appliance_common::process::chain;

use super::holders::holders;
use super::journal::{self, Journal, JournalError};
use super::keep::{KeepError, keep};
use super::place::{Place, PlaceError};
use super::wipe::{WipeError, wipe};
use super::{cluster, report};
use crate::settings::Places;
use crate::token;

/// Why a reset does not go on. It goes on where it stopped when it is begun again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error("the cluster did not let it go")]
    Cluster(#[source] ClusterError),
    #[error("data is in use, nothing of it was removed: {}; end them, then begin again", holders.join("; "))]
    InUse { holders: Vec<String> },
    #[error(transparent)]
    Keep(KeepError),
    #[error(transparent)]
    Place(PlaceError),
    #[error(transparent)]
    Wipe(WipeError),
    #[error("making the directory of the copy; nothing was removed")]
    KeepDir(#[source] io::Error),
    #[error("removing the documents of the setup")]
    Documents(#[source] io::Error),
    #[error("making a new setup token")]
    Token(#[source] token::TokenError),
    #[error(transparent)]
    Journal(JournalError),
    #[error("writing to the terminal")]
    Output(#[source] io::Error),
}

/// What it works on.
pub(super) struct Resets<'a> {
    pub(super) places: &'a Places,
    pub(super) cluster: &'a Cluster,
    pub(super) journal: &'a Journal,
    pub(super) place: &'a Place,
}

/// A directory that only root enters: it gets the box's secrets.
fn make_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

impl Resets<'_> {
    /// Goes on until it is complete; what stops it is recorded, for the control plane to show.
    pub(super) async fn carry_out(
        &self,
        state: &mut ResetState,
        out: &mut dyn Write,
    ) -> Result<(), ApplyError> {
        while state.phase != ResetPhase::Complete {
            match self.next(state).await {
                Ok(phase) => self.journal.reached(state, phase).map_err(ApplyError::Journal)?,
                Err(error) => {
                    state.error = Some(chain(&error));
                    // The reason itself is what must reach the operator.
                    if let Err(unwritten) = self.journal.store(state) {
                        tracing::warn!(error = chain(&unwritten), "the reset's record is behind");
                    }
                    return Err(error);
                }
            }
            writeln!(out, "[alga-bootstrap] reset: {}", report::reached(state.phase))
                .map_err(ApplyError::Output)?;
        }
        Ok(())
    }

    /// Does what comes after the phase that is reached, and names the one that then is.
    async fn next(&self, state: &ResetState) -> Result<ResetPhase, ApplyError> {
        let scope = state.scope;
        let asked = |done: Result<(), ClusterError>| done.map_err(ApplyError::Cluster);
        Ok(match state.phase {
            ResetPhase::Planned => {
                asked(cluster::suspend(self.cluster, true).await)?;
                ResetPhase::Quiesced
            }
            ResetPhase::Quiesced => {
                asked(cluster::remove_flux(self.cluster, scope).await)?;
                ResetPhase::FluxRemoved
            }
            ResetPhase::FluxRemoved => {
                asked(cluster::remove_workloads(self.cluster, scope).await)?;
                ResetPhase::WorkloadsGone
            }
            ResetPhase::WorkloadsGone => {
                asked(cluster::remove_volumes(self.cluster).await)?;
                ResetPhase::VolumesRemoved
            }
            ResetPhase::VolumesRemoved => {
                self.wipe(state)?;
                ResetPhase::DataWiped
            }
            ResetPhase::DataWiped => {
                self.clear(scope)?;
                ResetPhase::StateCleared
            }
            ResetPhase::StateCleared => {
                self.hand_back(scope).await?;
                ResetPhase::Complete
            }
            ResetPhase::Complete => ResetPhase::Complete,
        })
    }

    fn wipe(&self, state: &ResetState) -> Result<(), ApplyError> {
        let Some(open) = self
            .place
            .open(&self.places.host_root)
            .map_err(ApplyError::Place)?
        else {
            return Ok(());
        };
        let below = self.places.below_root(&state.storage_path);
        let holders = holders(Path::new("/proc"), &below);
        if !holders.is_empty() {
            return Err(ApplyError::InUse { holders });
        }
        if let Some(backup) = &state.backup {
            let kept = Path::new(backup);
            make_private(kept).map_err(ApplyError::KeepDir)?;
            keep(&self.places.state_dir, &kept.join("state")).map_err(ApplyError::Keep)?;
            keep(&below, &kept.join("volumes")).map_err(ApplyError::Keep)?;
        }
        let wiped = wipe(&open).map_err(ApplyError::Wipe)?;
        tracing::info!(entries = wiped.entries, path = %below.display(), "the data is removed");
        Ok(())
    }

    /// The new token comes before the password goes: the old one must not be live again in between.
    fn clear(&self, scope: ResetScope) -> Result<(), ApplyError> {
        if scope == ResetScope::Factory {
            token::renew(self.places).map(drop).map_err(ApplyError::Token)?;
        }
        journal::clear(&self.places.state_dir, scope).map_err(ApplyError::Documents)
    }

    async fn hand_back(&self, scope: ResetScope) -> Result<(), ApplyError> {
        let handed = match scope {
            ResetScope::Data => cluster::suspend(self.cluster, false).await,
            ResetScope::App | ResetScope::Factory => cluster::restart_control_plane(self.cluster).await,
        };
        handed.map_err(ApplyError::Cluster)
    }
}
