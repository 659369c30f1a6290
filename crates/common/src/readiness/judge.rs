//! The judgement: every rule in turn, then what they come to together.

use serde_json::{Value, json};

use super::blockers::{self, Scene};
use super::bootstrap;
use super::draft::sort;
use super::due::Due;
use super::index::Index;
use super::network::{self, Live};
use super::observed::Observed;
use super::parts::{self, Judged};
use super::setup::{self, Recorded};
use super::update::core_release_is_ready;
use super::verdict::Verdict;
use super::wire::{Blocker, Moment};
use super::{failures, flux, login, operations, readings, rollup, tiers};

/// Blockers that are told; what is left out is less bad than all of them.
const BLOCKERS_TOLD: usize = 50;

/// What one observation comes to. Pure: it neither asks nor waits, and takes the time from `seen.at`.
#[must_use]
pub fn judge(seen: &Observed) -> Verdict {
    let mut due = Due::new(seen.at);
    let index = Index::new(&seen.cluster);
    let parts = parts::all(&seen.cluster);
    let bootstrap = bootstrap::outcome(seen, &parts, &index);
    let basis = tiers::basis(seen, &parts, &bootstrap, &mut due);
    let recorded = setup::recorded(seen, core_release_is_ready(seen));
    let live = network::live(seen, recorded.as_ref());
    // What has passed since is no failure any more: what is expected so early is expected again.
    let has_failure = recorded.is_some() && !matches!(live, Live::Resolves(_));
    let readings = readings::read(seen, has_failure);
    let scene = Scene {
        seen,
        index: &index,
        parts: &parts,
        bootstrap: &bootstrap,
        basis: &basis,
        recorded: recorded.as_ref(),
        live: &live,
    };
    let mut drafts = readings.drafts(&scene);
    drafts.extend(blockers::all(&scene, &mut due));
    let judged = |draft: super::draft::Draft| draft.judged(basis.login.is_ready());
    let mut blockers: Vec<Blocker> = drafts.into_iter().map(judged).collect();
    sort(&mut blockers);
    blockers.truncate(BLOCKERS_TOLD);
    let reasons: Vec<String> = blockers.iter().map(|blocker| blocker.reason.clone()).collect();
    let tiers = tiers::tiers(&basis, &readings, &reasons);
    Verdict {
        rollup: rollup::rollup(&scene, &tiers, &blockers),
        failures: failures::all(&scene, &blockers),
        recorded: recorded.as_ref().map(|recorded| on_record(recorded, &live)),
        components: parts.iter().map(Judged::component).collect(),
        flux: flux::rows(&seen.cluster),
        login: login::counted(&basis.probe),
        operations: operations::all(&scene),
        errors: readings.errors,
        warnings: readings.warnings,
        suppressed_warnings: readings.suppressed,
        stale: readings.stale,
        judge_again_at: due.next(),
        tiers,
        blockers,
        bootstrap: bootstrap.section,
    }
}

/// The failure as it was recorded, with what a look has shown since.
fn on_record(recorded: &Recorded, live: &Live) -> Value {
    let mut value = recorded.value.clone();
    if let (Live::Resolves(probe), Some(fields)) = (live, value.as_object_mut()) {
        fields.insert("resolvedByLiveCheck".to_owned(), true.into());
        fields.insert("checkedAt".to_owned(), json!(Moment(probe.at)));
    }
    value
}
