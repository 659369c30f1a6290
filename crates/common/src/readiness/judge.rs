//! The judgement: every rule in turn, then what they come to together.

use super::observed::Observed;
use super::told::Told;
use super::verdict::{TierStatus, Tiers, Verdict};
use super::wire::{BootstrapJob, BootstrapLogs, BootstrapSection, Flux, JobState, Rollup, RollupState};
use crate::names::BOOTSTRAP_JOB;

/// What one observation comes to. Pure: it neither asks nor waits, and takes the time from `seen.at`.
#[must_use]
pub fn judge(seen: &Observed) -> Verdict {
    let unknown = || {
        Told::of("the cluster", &seen.cluster.api, |()| {
            Told::unknown("not judged yet")
        })
    };
    let tier = || unknown().tier(TierStatus::Unknown);
    Verdict {
        tiers: Tiers {
            platform: tier(),
            core: tier(),
            bootstrap: tier(),
            login: tier(),
            background: tier(),
            full: tier(),
        },
        rollup: Rollup {
            state: RollupState::Installing,
            message: "The state of the appliance is not known yet".to_owned(),
            next_action: "Nothing: this page follows what happens.".to_owned(),
        },
        blockers: Vec::new(),
        failures: Vec::new(),
        recorded: None,
        components: Vec::new(),
        flux: Flux::default(),
        bootstrap: BootstrapSection {
            job: BootstrapJob {
                name: BOOTSTRAP_JOB.to_owned(),
                state: JobState::Unknown,
                failed: false,
                completed: false,
                uid: None,
                since: None,
            },
            logs: BootstrapLogs::default(),
        },
        login: Err("it was not asked yet".to_owned()),
        operations: Vec::new(),
        errors: Vec::new(),
        warnings: Vec::new(),
        suppressed_warnings: Vec::new(),
        stale: false,
        judge_again_at: None,
    }
}
