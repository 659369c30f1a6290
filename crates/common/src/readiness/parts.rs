//! The eight workloads of the application: each is ready, not ready, or not known.

use super::flux;
use super::inventory::{PARTS, Part};
use super::observed::{Cluster, Condition, Objects, Reading, Workload};
use super::told::Told;
use super::verdict::Signal;
use super::wire::{Component, ComponentKind, ComponentStatus, ComponentTier};
use crate::names::namespace;

/// A workload and what is told of it.
#[derive(Debug)]
pub(super) struct Judged<'a> {
    pub(super) part: &'static Part,
    pub(super) told: Told,
    pub(super) status: ComponentStatus,
    /// The object; `None` where it is not known or not there.
    pub(super) workload: Option<&'a Workload>,
    /// It is known not to be there.
    pub(super) is_missing: bool,
}

/// Every part, in the order of the inventory.
pub(super) fn all(cluster: &Cluster) -> Vec<Judged<'_>> {
    PARTS
        .iter()
        .map(|part| match part.kind {
            ComponentKind::Deployment => judged(part, "Deployments", &cluster.deployments, cluster),
            ComponentKind::StatefulSet => judged(part, "StatefulSets", &cluster.stateful_sets, cluster),
        })
        .collect()
}

/// What the parts of a tier come to together.
pub(super) fn tier(parts: &[Judged], tier: ComponentTier) -> Told {
    let of = parts.iter().filter(|judged| judged.part.tier == tier);
    Told::all(of.map(|judged| judged.told.clone()))
}

fn judged<'a>(
    part: &'static Part,
    kinds: &str,
    reading: &'a Reading<Objects<Workload>>,
    cluster: &Cluster,
) -> Judged<'a> {
    let key = part.key();
    let workload = reading.current().ok().and_then(|objects| objects.known.get(&key));
    let told = Told::of(kinds, reading, |objects| match objects.unclear.get(&key) {
        Some(why) => Told::unknown(format!("{} cannot be understood: {why}", part.title())),
        None => workload.map_or_else(
            || Told::not(absent(part, cluster)),
            |workload| rule(part, workload),
        ),
    });
    Judged {
        part,
        status: status(&told, workload),
        is_missing: workload.is_none() && told.signal == Signal::NotReady,
        workload: workload.filter(|_| told.signal != Signal::Unknown),
        told,
    }
}

/// It is known not to be there; the rest is what is known of the release that brings it.
fn absent(part: &Part, cluster: &Cluster) -> String {
    let (title, name) = (part.title(), part.release);
    let Ok(releases) = cluster.helm_releases.current() else {
        return format!("{title} is not there yet");
    };
    match releases.known.get(&part.release_key()) {
        Some(release) if flux::is_ready(release, releases) => {
            format!("{title} is not there, although HelmRelease {name} is ready")
        }
        Some(_) => format!("{title} is not there yet: HelmRelease {name} is not ready"),
        None => format!("{title} is not there yet"),
    }
}

fn rule(part: &Part, workload: &Workload) -> Told {
    let title = part.title();
    let Workload {
        desired,
        ready,
        available,
        ..
    } = *workload;
    if desired < 1 {
        return Told::not(format!("{title} is scaled down to no pod"));
    }
    if workload.observed_generation != workload.generation {
        return Told::not(format!("{title} has a change that is not taken up yet"));
    }
    if ready < desired {
        return Told::not(format!("{title} has {ready} of {desired} pods ready"));
    }
    let must_be_available = part.tier == ComponentTier::Login;
    if must_be_available && available < desired && !is_true(&workload.conditions, "Available") {
        return Told::not(format!("{title} is ready, but not available yet"));
    }
    Told::ready()
}

fn status(told: &Told, workload: Option<&Workload>) -> ComponentStatus {
    match (told.signal, workload) {
        (Signal::Ready, _) => ComponentStatus::Healthy,
        (Signal::Unknown, _) => ComponentStatus::Unknown,
        (Signal::NotReady, Some(workload)) if workload.desired < 1 => ComponentStatus::ScaledDown,
        (Signal::NotReady, Some(workload)) if workload.ready > 0 => ComponentStatus::Degraded,
        (Signal::NotReady, _) => ComponentStatus::Unhealthy,
    }
}

/// The condition of this kind.
pub(super) fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// Whether the condition of this kind is `True`.
pub(super) fn is_true(conditions: &[Condition], kind: &str) -> bool {
    condition(conditions, kind).is_some_and(|condition| condition.status == "True")
}

impl Judged<'_> {
    /// Since when its condition `Available` is what it is.
    pub(super) fn since(&self) -> Option<jiff::Timestamp> {
        let workload = self.workload?;
        condition(&workload.conditions, "Available").and_then(|condition| condition.since)
    }

    pub(super) fn component(&self) -> Component {
        let count = |count: fn(&Workload) -> i32| self.workload.map(count);
        let (desired, ready) = (
            count(|workload| workload.desired),
            count(|workload| workload.ready),
        );
        let message = match (self.told.reasons.first(), desired, ready) {
            (Some(reason), ..) => reason.clone(),
            (None, Some(desired), Some(ready)) => format!("{ready} of {desired} pods are ready"),
            (None, ..) => String::new(),
        };
        Component {
            name: self.part.name.to_owned(),
            tier: self.part.tier,
            kind: self.part.kind,
            namespace: namespace::MSP.to_owned(),
            ready: self.told.is_ready(),
            signal: self.told.signal,
            status: self.status,
            desired,
            ready_replicas: ready,
            message,
            since: self.since().map(Into::into),
        }
    }
}
