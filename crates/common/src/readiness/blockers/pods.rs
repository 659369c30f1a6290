//! Pods that are not ready, by what owns them: one blocker for each workload and kind of trouble.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Scene;
use super::container::{self, Found};
use crate::findings::FindingId;
use crate::names::{BOOTSTRAP_JOB, namespace};
use crate::readiness::catalogue;
use crate::readiness::draft::{Draft, Gates};
use crate::readiness::due::Due;
use crate::readiness::index::owner;
use crate::readiness::inventory::{NAMESPACES, Part, carries_others};
use crate::readiness::observed::{ContainerState, Event, Pod};
use crate::readiness::parts::{condition, is_true};
use crate::readiness::words::shortened;

/// A pod finds its node within this.
const SCHEDULED: Duration = Duration::from_mins(1);
/// A pod whose images are there starts within this.
const STARTED: Duration = Duration::from_mins(2);
/// A pull may take this long, and may be cut off as often as it likes meanwhile.
const PULLED: Duration = Duration::from_mins(30);

/// Namespace, kind and name of what owns pods.
type Owner<'a> = (&'a str, &'a str, &'a str);

pub(super) fn drafts(scene: &Scene, due: &mut Due) -> Vec<Draft> {
    let Ok(pods) = scene.seen.cluster.pods.current() else {
        return Vec::new();
    };
    let mut worst: BTreeMap<Owner, (usize, Found, &Pod)> = BTreeMap::new();
    for pod in pods.known.values().filter(|pod| is_of_concern(pod)) {
        let events = scene.index.events_of_pod(pod);
        let Some(found) = look(pod, &events, due) else {
            continue;
        };
        let rank = catalogue::find(found.id).map_or(usize::MAX, |(rank, _)| rank);
        let (kind, name) = owner(pod);
        let key = (pod.namespace.as_str(), kind, name);
        if worst.get(&key).is_none_or(|(before, ..)| rank < *before) {
            worst.insert(key, (rank, found, pod));
        }
    }
    worst
        .into_iter()
        .filter_map(|(key, (_, found, pod))| draft(scene, key, &found, pod, due))
        .collect()
}

/// Ours, and neither ready nor done nor going away.
pub(in crate::readiness) fn is_of_concern(pod: &Pod) -> bool {
    !pod.deleting
        && !["Succeeded", "Failed"].contains(&pod.phase.as_str())
        && NAMESPACES.contains(&pod.namespace.as_str())
        && !is_true(&pod.conditions, "Ready")
}

/// The worst that is wrong with a pod.
pub(in crate::readiness) fn look(pod: &Pod, events: &[&Event], due: &mut Due) -> Option<Found> {
    let containers = pod.init_containers.iter().chain(&pod.containers);
    let found = containers.filter_map(|container| container::look(container, events, due));
    let rank = |found: &Found| catalogue::find(found.id).map_or(usize::MAX, |(rank, _)| rank);
    found
        .min_by_key(rank)
        .or_else(|| unscheduled(pod, due))
        .or_else(|| not_started(pod, events, due))
        .or_else(|| slow_pull(pod, events, due))
}

fn unscheduled(pod: &Pod, due: &mut Due) -> Option<Found> {
    let scheduled = condition(&pod.conditions, "PodScheduled")?;
    let waits = scheduled.status == "False" && scheduled.reason == "Unschedulable";
    if !waits || !due.is_over(scheduled.since.or(pod.created), SCHEDULED) {
        return None;
    }
    Some(Found {
        id: FindingId::PodUnschedulable,
        what: format!("finds no node: {}", shortened(&scheduled.message)),
        next: None,
        since: scheduled.since,
    })
}

/// Its volumes or its network are not made.
fn not_started(pod: &Pod, events: &[&Event], due: &mut Due) -> Option<Found> {
    if !is_starting(pod) {
        return None;
    }
    let reasons = [
        "FailedMount",
        "FailedAttachVolume",
        "FailedCreatePodSandBox",
        "Failed",
    ];
    let failed = events
        .iter()
        .rfind(|event| event.kind == "Warning" && reasons.contains(&event.reason.as_str()))?;
    if let Some(found) = container::volume_trouble(&failed.message) {
        return Some(found);
    }
    due.is_over(pod.created, STARTED).then(|| Found {
        id: FindingId::PodStartFailed,
        what: format!("does not start: {}", shortened(&failed.message)),
        next: None,
        since: pod.created,
    })
}

fn slow_pull(pod: &Pod, events: &[&Event], due: &mut Due) -> Option<Found> {
    let pulling = pulling(pod, events)?;
    due.is_over(pulling.at, PULLED).then(|| Found {
        id: FindingId::ImagePullSlow,
        what: format!(
            "has waited for its image for more than half an hour: {}",
            shortened(&pulling.message)
        ),
        next: None,
        since: pulling.at,
    })
}

/// The pull that is under way.
pub(in crate::readiness) fn pulling<'a>(pod: &Pod, events: &[&'a Event]) -> Option<&'a Event> {
    let of_images = ["Pulling", "Pulled", "Failed", "Created", "Started"];
    let newest = events
        .iter()
        .rfind(|event| of_images.contains(&event.reason.as_str()))?;
    (newest.reason == "Pulling" && is_starting(pod)).then_some(*newest)
}

/// A container of it waits to be started.
pub(in crate::readiness) fn is_starting(pod: &Pod) -> bool {
    let containers = pod.init_containers.iter().chain(&pod.containers);
    let mut states = containers.map(|container| &container.state);
    pod.phase == "Pending"
        && states.any(|state| match state {
            ContainerState::Waiting { reason, .. } => {
                ["ContainerCreating", "PodInitializing"].contains(&reason.as_str())
            }
            ContainerState::Unknown => true,
            ContainerState::Running { .. } | ContainerState::Terminated(_) => false,
        })
}

fn draft(scene: &Scene, owner: Owner, found: &Found, pod: &Pod, due: &mut Due) -> Option<Draft> {
    let (in_namespace, kind, name) = owner;
    let part = Part::find(name).filter(|_| in_namespace == namespace::MSP);
    let is_crash = [FindingId::Crashloop, FindingId::OomKills].contains(&found.id);
    let is_of_bootstrap = in_namespace == namespace::MSP && name == BOOTSTRAP_JOB;
    // The Job tries again by itself; when it has given up, that is told.
    if is_crash && kind == "Job" {
        return None;
    }
    let gates = match part {
        Some(part) => scene.gates(part),
        None if is_of_bootstrap && !scene.basis.bootstrap.is_ready() => Gates::Login,
        None if carries_others(in_namespace, name) && !scene.basis.platform.is_ready() => Gates::Login,
        None => Gates::Nothing,
    };
    let waits_for_others = is_crash && part.is_some_and(|part| !scene.has_what_it_needs(part));
    let goes_on = found.id == FindingId::ImagePullSlow && !due.is_over(pod.created, PULLED);
    let gates = match gates {
        Gates::Login if waits_for_others || goes_on => Gates::Nothing,
        gates => gates,
    };
    let title = match part {
        Some(part) => part.title(),
        None => format!("{kind} {in_namespace}/{name}"),
    };
    let component = part.map_or_else(|| name.to_owned(), |part| part.name.to_owned());
    let reason = if found.id == FindingId::DiskSpace && part.is_some() {
        format!("The database disk is full: {title} {}", found.what)
    } else {
        format!("{title} {}", found.what)
    };
    Some(
        Draft::new(found.id, gates, component, reason)
            .next(found.next)
            .since(found.since.or(pod.created))
            .object("Pod", Some(&pod.namespace), &pod.name)
            .explained_by(&scene.index.events_of_pod(pod)),
    )
}
