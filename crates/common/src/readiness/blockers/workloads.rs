//! Workloads that are not ready although no pod of them says why.

use std::time::Duration;

use jiff::Timestamp;

use super::{Scene, pods};
use crate::findings::FindingId;
use crate::names::namespace;
use crate::readiness::draft::{Draft, Gates};
use crate::readiness::due::Due;
use crate::readiness::flux::is_ready;
use crate::readiness::inventory::{NAMESPACES, Part, carries_others};
use crate::readiness::observed::{Pod, Workload};
use crate::readiness::parts::{Judged, condition};
use crate::readiness::verdict::Signal;
use crate::readiness::wire::{ComponentKind, ComponentStatus, ComponentTier};
use crate::readiness::words::since;

/// How long a workload may take to start while the application is being installed.
const INSTALL: Duration = Duration::from_mins(20);
/// How long it may take afterwards.
const AFTERWARDS: Duration = Duration::from_mins(5);
/// A release that is ready has made its workloads.
const MADE: Duration = Duration::from_mins(1);

pub(super) fn drafts(scene: &Scene, of_pods: &[Draft], due: &mut Due) -> Vec<Draft> {
    let is_told = |part: &Part| of_pods.iter().any(|draft| draft.component == part.name);
    let open = scene
        .parts
        .iter()
        .filter(|judged| judged.told.signal == Signal::NotReady && !is_told(judged.part));
    let mut drafts: Vec<Draft> = open.filter_map(|judged| part(scene, judged, due)).collect();
    drafts.extend(infrastructure(scene, of_pods, due));
    drafts
}

fn part(scene: &Scene, judged: &Judged, due: &mut Due) -> Option<Draft> {
    if judged.is_missing {
        return missing(scene, judged, due);
    }
    let workload = judged.workload?;
    let draft = |id, reason: String, since| {
        let draft = Draft::new(id, scene.gates(judged.part), judged.part.name, reason);
        Some(about(draft.since(since), judged.part))
    };
    let title = judged.part.title();
    if judged.status == ComponentStatus::ScaledDown {
        let reason = format!("{title} is scaled down to no pod");
        return draft(FindingId::WorkloadScaledDown, reason, None);
    }
    if !scene.has_what_it_needs(judged.part) {
        return None;
    }
    let own = scene
        .index
        .pods_of(namespace::MSP, kind(judged.part.kind), judged.part.name);
    let is_pulling = |pod: &&&Pod| pods::pulling(pod, &scene.index.events_of_pod(pod)).is_some();
    if own.iter().any(|pod| is_pulling(&pod)) {
        return None;
    }
    let began = began(judged, workload, own);
    if !has_given_up(workload) && !due.is_over(began, limit(scene)) {
        return None;
    }
    let when = since(began);
    let reason = match judged.told.reasons.first() {
        Some(reason) => format!("{reason}{when}"),
        None => format!("{title} is not ready{when}"),
    };
    let id = match judged.part.tier {
        ComponentTier::Background => FindingId::BackgroundWorkload,
        _ => FindingId::WorkloadNotReady,
    };
    draft(id, reason, began)
}

fn about(draft: Draft, part: &Part) -> Draft {
    draft.object(kind(part.kind), Some(namespace::MSP), part.name)
}

fn kind(kind: ComponentKind) -> &'static str {
    match kind {
        ComponentKind::Deployment => "Deployment",
        ComponentKind::StatefulSet => "StatefulSet",
    }
}

/// Since when it is not ready, as far as objects tell.
fn began(judged: &Judged, workload: &Workload, pods: &[&Pod]) -> Option<Timestamp> {
    let of_pods = pods.iter().filter_map(|pod| {
        let ready = condition(&pod.conditions, "Ready").filter(|ready| ready.status != "True");
        ready.and_then(|ready| ready.since).or(pod.created)
    });
    judged
        .since()
        .or(of_pods.max())
        .or(workload
            .generation_seen
            .filter(|_| workload.observed_generation != workload.generation))
        .or(workload.created)
}

fn has_given_up(workload: &Workload) -> bool {
    condition(&workload.conditions, "Progressing")
        .is_some_and(|progress| progress.status == "False" && progress.reason == "ProgressDeadlineExceeded")
}

fn limit(scene: &Scene) -> Duration {
    let latch = scene.seen.install.bootstrap.as_ref();
    match latch {
        Some(latch) if latch.has_completed() => AFTERWARDS,
        Some(_) | None => INSTALL,
    }
}

/// Not there although the release that brings it is ready.
fn missing(scene: &Scene, judged: &Judged, due: &mut Due) -> Option<Draft> {
    let releases = scene.seen.cluster.helm_releases.current().ok()?;
    let release = releases.known.get(&judged.part.release_key())?;
    let since = condition(&release.conditions, "Ready")?.since;
    let is_made = is_ready(release, releases) && (since.is_none() || due.is_over(since, MADE));
    is_made.then(|| {
        let gates = scene.gates(judged.part);
        let reason = judged.told.reasons.join("; ");
        let draft = Draft::new(FindingId::WorkloadMissing, gates, judged.part.name, reason);
        about(draft, judged.part)
    })
}

/// Workloads of the cluster and of Flux.
fn infrastructure(scene: &Scene, of_pods: &[Draft], due: &mut Due) -> Vec<Draft> {
    let Ok(deployments) = scene.seen.cluster.deployments.current() else {
        return Vec::new();
    };
    let is_told = |workload: &Workload| of_pods.iter().any(|draft| draft.component == workload.name);
    let others = deployments.known.values().filter(|workload| {
        workload.namespace != namespace::MSP
            && NAMESPACES.contains(&workload.namespace.as_str())
            && workload.ready < workload.desired
            && !is_told(workload)
    });
    let mut drafts = Vec::new();
    for workload in others {
        let available = condition(&workload.conditions, "Available");
        let began = available
            .and_then(|available| available.since)
            .or(workload.created);
        if !has_given_up(workload) && !due.is_over(began, limit(scene)) {
            continue;
        }
        let carries = carries_others(&workload.namespace, &workload.name);
        let gates = if carries && !scene.basis.platform.is_ready() {
            Gates::Login
        } else {
            Gates::Nothing
        };
        let reason = format!(
            "Deployment {}/{} has {} of {} pods ready{}",
            workload.namespace,
            workload.name,
            workload.ready,
            workload.desired,
            since(began)
        );
        drafts.push(
            Draft::new(FindingId::WorkloadNotReady, gates, &workload.name, reason)
                .since(began)
                .object("Deployment", Some(&workload.namespace), &workload.name),
        );
    }
    drafts
}
