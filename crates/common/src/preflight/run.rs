//! One run of all checks: every reading at the same time, within one deadline.

use std::path::PathBuf;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use super::checks::Stage;
use super::facts::{Disks, Facts, HostFacts, NetworkFacts};
use super::network::Targets;
use super::report::Report;
use super::{host, network};
use crate::agent_api;
use crate::clock::Clock;
use crate::findings::FindingId;

/// Longest time a whole run may take, asking the host agent included.
pub const LIMIT: Duration = Duration::from_secs(10);
/// Readings end a little earlier: the host agent was asked before, and what was learnt is judged.
const MARGIN: Duration = Duration::from_millis(1500);

/// What is checked.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Root directory of the host's files.
    pub host_root: PathBuf,
    /// Directory of the appliance's state.
    pub state_dir: PathBuf,
    /// Whether the cluster is already there.
    pub stage: Stage,
    /// Who is asked over the network; `None` leaves the network alone.
    pub network: Option<Targets>,
    /// Whether the disk is written to, to see how fast it is.
    pub times_writes: bool,
    /// What the host agent told, where there is one.
    pub told: Option<agent_api::HostFacts>,
    /// Checks that the operator waived.
    pub waived: Vec<FindingId>,
}

/// Runs every check of the catalogue. Ends within [`LIMIT`], whatever hangs; writes nothing that stays.
pub async fn run(scope: &Scope, clock: &Clock) -> Report {
    Report::of(&read(scope, clock).await, &scope.waived)
}

async fn read(scope: &Scope, clock: &Clock) -> Facts {
    let deadline = Instant::now() + LIMIT - MARGIN;
    let (root, state) = (scope.host_root.clone(), scope.state_dir.clone());
    let timed = scope.times_writes;
    // The disks apart: a network share that is gone must not hide the rest.
    let (host, disks, network) = tokio::join!(
        timeout_at(deadline, spawn_blocking(move || host::read(&root))),
        timeout_at(deadline, {
            let root = scope.host_root.clone();
            spawn_blocking(move || host::read_disks(&root, &state, timed))
        }),
        async {
            match &scope.network {
                Some(targets) => network::ask(targets, clock, deadline).await,
                None => NetworkFacts::unasked("the network was not asked this time"),
            }
        },
    );
    let host = match host {
        Ok(Ok(host)) => host,
        _ => HostFacts::unseen(&not_finished()),
    };
    let disks = match disks {
        Ok(Ok(disks)) => disks,
        _ => Disks::unseen(&not_finished()),
    };
    let mut host = HostFacts { disks, ..host };
    if let Some(told) = &scope.told {
        host.fill_in(told);
    }
    Facts {
        stage: scope.stage,
        host,
        network,
        at: clock.now(),
    }
}

pub(super) fn not_finished() -> String {
    format!("not finished within {} s", LIMIT.as_secs())
}
