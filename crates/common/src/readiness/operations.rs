//! What is under way and not in trouble, oldest first (40 §7).

use jiff::Timestamp;

use super::blockers::{Scene, is_of_concern, is_starting, look, pulling};
use super::due::Due;
use super::flux::{Standing, standing};
use super::observed::{ContainerState, Pod};
use super::parts::condition;
use super::wire::{JobState, Operation, OperationKind};
use super::words::shortened;
use crate::names::{BOOTSTRAP_JOB, namespace};

/// Operations that are shown.
const SHOWN: usize = 8;

pub(super) fn all(scene: &Scene) -> Vec<Operation> {
    let at = scene.seen.at;
    let mut operations: Vec<Operation> = Vec::new();
    operations.extend(bootstrap(scene));
    if let Ok(releases) = scene.seen.cluster.helm_releases.current() {
        let ours = releases.known.values().filter(|release| !release.suspended);
        operations.extend(ours.filter_map(|release| {
            let Standing::Progress(what) = standing(release, releases, &mut Due::new(at)) else {
                return None;
            };
            let ready = condition(&release.conditions, "Ready");
            let component = format!("{}/{}", release.namespace, release.name);
            let started = ready.and_then(|ready| ready.since).or(release.created);
            Some(operation(
                component,
                OperationKind::Helm,
                format!("Release {} {what}", release.name),
                started,
                at,
            ))
        }));
    }
    if let Ok(pods) = scene.seen.cluster.pods.current() {
        let open = pods.known.values().filter(|pod| is_of_concern(pod));
        operations.extend(open.filter_map(|pod| of_pod(scene, pod)));
    }
    operations.sort_by_cached_key(|operation| (operation.started_at, operation.component.clone()));
    operations.truncate(SHOWN);
    operations
}

fn bootstrap(scene: &Scene) -> Option<Operation> {
    let job = &scene.bootstrap.section.job;
    (job.state == JobState::Running).then(|| {
        operation(
            format!("{}/{BOOTSTRAP_JOB}", namespace::MSP),
            OperationKind::Bootstrap,
            "Making the database, the company and its administrator".to_owned(),
            job.since.map(|since| since.0),
            scene.seen.at,
        )
    })
}

fn of_pod(scene: &Scene, pod: &Pod) -> Option<Operation> {
    let at = scene.seen.at;
    let events = scene.index.events_of_pod(pod);
    // What is in trouble is a blocker, not an operation (W-18).
    if look(pod, &events, &mut Due::new(at)).is_some() {
        return None;
    }
    let component = format!("{}/{}", pod.namespace, pod.name);
    if let Some(event) = pulling(pod, &events) {
        let message = shortened(&event.message);
        let operation = operation(component, OperationKind::ImagePull, message, event.at, at);
        return Some(Operation {
            image: waiting_image(pod),
            ..operation
        });
    }
    let scheduled = condition(&pod.conditions, "PodScheduled");
    if scheduled.is_some_and(|scheduled| scheduled.status == "False") {
        let message = "Waits for a place on a node".to_owned();
        return Some(operation(
            component,
            OperationKind::Scheduling,
            message,
            pod.created,
            at,
        ));
    }
    (is_starting(pod) || pod.phase == "Pending").then(|| {
        operation(
            component,
            OperationKind::ContainerStart,
            "Starts its containers".to_owned(),
            pod.created,
            at,
        )
    })
}

fn waiting_image(pod: &Pod) -> Option<String> {
    let mut containers = pod.init_containers.iter().chain(&pod.containers);
    let waiting = containers.find(|container| matches!(container.state, ContainerState::Waiting { .. }));
    waiting.map(|container| container.image.clone())
}

fn operation(
    component: String,
    kind: OperationKind,
    message: String,
    started_at: Option<Timestamp>,
    at: Timestamp,
) -> Operation {
    Operation {
        component,
        kind,
        image: None,
        message,
        started_at: started_at.map(Into::into),
        elapsed_seconds: started_at.map(|since| at.as_second().saturating_sub(since.as_second()).max(0)),
        estimated_size_human: None,
        progress_available: false,
        progress_percent: None,
    }
}
