//! Repairing one release: look first, take away only what has failed, make Flux try again, watch how it
//! goes (60 §3.3). One engine, whoever asks.
//!
//! `plan` decides, `survey` reads what the decision needs, `logs` saves what would be lost, `carry_out`
//! acts, `board` shows how it goes.

mod board;
mod carry_out;
mod logs;
mod plan;
mod survey;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::cluster::ClusterError;
use appliance_common::meter::Meter;
use appliance_common::names::namespace;
use appliance_common::state_file::LockError;

use super::Setup;

pub(super) use board::Repairs;
pub use board::{RepairCondition, RepairState, RepairView};
pub use plan::{Removal, RepairPlan};

/// What is to be repaired, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairRequest {
    /// The release, by the name of its `HelmRelease`.
    pub release: String,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Make Flux try again also when nothing is wrong.
    pub force: bool,
    /// Take nothing away.
    pub skip_cleanup: bool,
}

impl RepairRequest {
    /// `alga-system/<release>`.
    #[must_use]
    pub fn helm_release(&self) -> String {
        format!("{}/{}", namespace::ALGA_SYSTEM, self.release)
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repaired {
    /// Nothing was done: it was a dry run.
    Planned(RepairPlan),
    /// Nothing was done: nothing is wrong.
    Nothing(RepairPlan),
    /// Flux tries again; the board shows how it goes.
    Begun {
        /// What was done.
        plan: RepairPlan,
        /// The time stamp of the request.
        requested_at: String,
        /// Directory of the logs that were saved.
        logs: Option<String>,
    },
}

/// Why a repair was not begun.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// Setup or an update works on this appliance.
    #[error("the appliance is being changed")]
    Busy(#[source] LockError),
    /// The release is being repaired.
    #[error("{0} is being repaired")]
    Running(String),
    /// It was repaired just now.
    #[error("it was repaired just now; again in {} s", .0.as_secs())]
    TooSoon(Duration),
    /// A repair cannot help as things are; the code is stable, the words are for the operator.
    #[error("{words}")]
    Refused {
        /// `release_not_found`, `release_suspended`, `source_not_ready`.
        code: &'static str,
        /// What is wrong and what to do.
        words: String,
    },
    /// The cluster did not do what was asked.
    #[error("repairing a release")]
    Cluster(#[source] ClusterError),
    /// The logs of a failed Job could not be saved, so it was left alone.
    #[error("saving the logs of what failed")]
    Logs(#[source] io::Error),
    /// The process is ending.
    #[error("the process is ending")]
    Ending,
}

impl Setup {
    /// Repairs a release, or says what would be done. Returns once Flux was told; the rest is on the board.
    /// Dropping this future before anything was changed changes nothing; after that it is seen through.
    ///
    /// # Errors
    /// [`RepairError`]; nothing was changed unless it is [`RepairError::Cluster`].
    pub async fn repair(&self, request: RepairRequest) -> Result<Repaired, RepairError> {
        let turn = self.repairs.begin(&request)?;
        let lock = self.lock("repair").map_err(RepairError::Busy)?;
        let cluster = self
            .settings
            .cluster
            .open(Arc::new(Meter::default()))
            .await
            .map_err(RepairError::Cluster)?;
        let survey = survey::survey(&cluster, &request.release).await?;
        let bootstrap = self.view().ok().and_then(|view| view.history.bootstrap.clone());
        let plan = plan::plan(&request, &survey, bootstrap.as_ref());
        if request.dry_run {
            return Ok(Repaired::Planned(plan));
        }
        if !plan.force {
            return Ok(Repaired::Nothing(plan));
        }
        let job = carry_out::Order {
            setup: self.clone(),
            cluster,
            plan,
            survey,
        };
        carry_out::begin(job, turn, lock).await
    }

    /// The last repair, or the one under way.
    #[must_use]
    pub fn repair_view(&self) -> Option<RepairView> {
        self.repairs.view()
    }
}

#[cfg(test)]
mod tests;
