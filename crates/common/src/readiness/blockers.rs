//! Everything that is wrong, class by class. A blocker needs the current state of an object; events only
//! explain it (W-18). What is normal on the way there is none (W-15).

mod claims;
mod container;
mod flux;
mod host;
mod pods;
mod recorded;
mod workloads;

pub(super) use pods::{is_of_concern, is_starting, look, pulling};
pub(super) use recorded::message;

use super::bootstrap::Outcome;
use super::draft::{Draft, Gates};
use super::due::Due;
use super::index::Index;
use super::inventory::Part;
use super::log_scan;
use super::network::Live;
use super::observed::Observed;
use super::parts::Judged;
use super::setup::{self, Recorded};
use super::tiers::Basis;
use super::verdict::Signal;
use super::wire::ComponentTier;
use crate::findings::FindingId;
use crate::names::{BOOTSTRAP_JOB, namespace};

/// What all classes look at.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) seen: &'a Observed,
    pub(super) index: &'a Index<'a>,
    pub(super) parts: &'a [Judged<'a>],
    pub(super) bootstrap: &'a Outcome,
    pub(super) basis: &'a Basis,
    pub(super) recorded: Option<&'a Recorded>,
    pub(super) live: &'a Live<'a>,
}

impl Scene<'_> {
    pub(super) fn is_installed(&self) -> bool {
        setup::is_installed(&self.seen.install)
    }

    /// Setup goes on by itself: what keeps it meanwhile is waited for.
    pub(super) fn goes_on(&self) -> bool {
        let will_retry = self
            .seen
            .install
            .auto_retry
            .as_ref()
            .is_some_and(|auto| auto.will_retry);
        self.recorded
            .is_some_and(|recorded| recorded.is_interruption || (recorded.retry_safe && will_retry))
    }

    /// What was told of a part.
    pub(super) fn part(&self, name: &str) -> Option<&Judged<'_>> {
        self.parts.iter().find(|judged| judged.part.name == name)
    }

    /// What a trouble with this part holds up.
    fn gates(&self, part: &Part) -> Gates {
        let is_ready = self.part(part.name).is_some_and(|judged| judged.told.is_ready());
        match part.tier {
            ComponentTier::Background => Gates::Background,
            _ if is_ready => Gates::Nothing,
            _ => Gates::Login,
        }
    }

    /// What this part needs is ready: before that it may fail, and goes on by itself.
    fn has_what_it_needs(&self, part: &Part) -> bool {
        let is_ready = |name: &str| self.part(name).is_none_or(|judged| judged.told.is_ready());
        match part.tier {
            ComponentTier::Core => part.name != "pgbouncer" || is_ready("db"),
            ComponentTier::Background if part.name.ends_with("-worker") => {
                self.basis.bootstrap.is_ready() && is_ready("temporal")
            }
            _ => self.basis.bootstrap.is_ready(),
        }
    }
}

/// Everything that is wrong, in no order.
pub(super) fn all(scene: &Scene, due: &mut Due) -> Vec<Draft> {
    let mut drafts = recorded::drafts(scene, due);
    drafts.extend(host::drafts(scene));
    let claims = claims::drafts(scene, due);
    let pods = pods::drafts(scene, due);
    let waits_for_claim = |draft: &&Draft| draft.id == FindingId::PodUnschedulable && is_about_claim(draft);
    let explained = !claims.is_empty();
    drafts.extend(workloads::drafts(scene, &pods, due));
    drafts.extend(
        pods.into_iter()
            .filter(|draft| !(explained && waits_for_claim(&draft))),
    );
    drafts.extend(claims);
    drafts.extend(bootstrap(scene));
    drafts.extend(flux::drafts(scene, due));
    drafts.extend(address(scene, due));
    one_full_disk(drafts)
}

fn is_about_claim(draft: &Draft) -> bool {
    super::words::mentions(&draft.reason, &["persistentvolumeclaim"])
}

/// However many say that the disk is full, it is one disk.
fn one_full_disk(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut is_told = None;
    let mut kept: Vec<Draft> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        if draft.id != FindingId::DiskSpace {
            kept.push(draft);
            continue;
        }
        match is_told {
            None => {
                is_told = Some(kept.len());
                kept.push(draft);
            }
            Some(first) if kept[first].gates != Gates::Login && draft.gates == Gates::Login => {
                kept[first].gates = Gates::Login;
            }
            Some(_) => {}
        }
    }
    kept
}

fn bootstrap(scene: &Scene) -> Option<Draft> {
    let cause = scene.bootstrap.failed.as_ref()?;
    let section = &scene.bootstrap.section;
    let errors = &section.logs.detected_errors;
    let reason = match errors.last() {
        Some(line) => format!(
            "The bootstrap Job ({BOOTSTRAP_JOB}) failed: {}",
            super::words::shortened(line)
        ),
        None => format!("The bootstrap Job ({BOOTSTRAP_JOB}) failed: {cause}"),
    };
    Some(
        Draft::new(FindingId::BootstrapJobFailed, Gates::Login, BOOTSTRAP_JOB, reason)
            .next(log_scan::next_step(errors))
            .since(section.job.since.map(|since| since.0))
            .object("Job", Some(namespace::MSP), BOOTSTRAP_JOB),
    )
}

/// Only the address does not let users in. A new pod gets a minute until the way to it is there.
fn address(scene: &Scene, due: &mut Due) -> Option<Draft> {
    const GRACE: std::time::Duration = std::time::Duration::from_mins(1);
    let application = scene
        .parts
        .iter()
        .find(|judged| judged.part.tier == ComponentTier::Login)?;
    let why = scene.basis.probe.reasons.first()?;
    let is_alone = application.told.is_ready() && scene.basis.bootstrap.is_ready();
    if scene.basis.probe.signal != Signal::NotReady || !is_alone {
        return None;
    }
    let since = application.since();
    if since.is_some() && !due.is_over(since, GRACE) {
        return None;
    }
    let reason = format!("The application's pods are ready, but {why}");
    let name = application.part.name;
    Some(
        Draft::new(FindingId::LoginAddress, Gates::Login, name, reason).object(
            "Deployment",
            Some(namespace::MSP),
            name,
        ),
    )
}
