//! How a bootstrap Job ended that is gone: it goes 300 s after its end, whoever has not looked by then.

use appliance_common::cluster::{Cluster, ClusterError};
use appliance_common::names::{APPLICATION, BOOTSTRAP_JOB, namespace};
use jiff::Timestamp;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};

use super::seen::Evidence;
use crate::setup::pods::shortened;

/// The init container that waits for the tables the Job makes.
const GATE: &str = "wait-for-bootstrap";

/// What the cluster still tells of a Job that ended after `since`. `is_available` says whether the
/// application's Deployment has all its pods.
pub(super) async fn find(
    cluster: &Cluster,
    since: Option<Timestamp>,
    is_available: bool,
) -> Result<Option<Evidence>, ClusterError> {
    // The watch may be behind: it is the Job itself that would tell.
    if cluster
        .get::<Job>(Some(namespace::MSP), BOOTSTRAP_JOB)
        .await?
        .is_some()
    {
        return Ok(None);
    }
    let events = cluster.events_about(namespace::MSP, "Job", BOOTSTRAP_JOB).await?;
    if let Some(evidence) = told_by(&events, since) {
        return Ok(Some(evidence));
    }
    if !is_available {
        return Ok(None);
    }
    let pods: Vec<Pod> = cluster.list(Some(namespace::MSP), "").await?;
    let mut own = pods.iter().filter(|pod| is_of_application(pod)).peekable();
    let passed = own.peek().is_some() && own.all(has_passed_gate);
    Ok(passed.then_some(Evidence::Works))
}

/// The newest word of the Job controller; the API server keeps events for an hour.
fn told_by(events: &[Event], since: Option<Timestamp>) -> Option<Evidence> {
    let time = |event: &&Event| event.last_timestamp.as_ref().map(|time| time.0);
    let is_end = |event: &&Event| {
        let reason = event.reason.as_deref().unwrap_or_default();
        ["Completed", "BackoffLimitExceeded", "DeadlineExceeded"].contains(&reason)
    };
    // Times of events are cut to the second.
    let is_later = |event: &&Event| {
        since.is_none_or(|since| time(event).is_some_and(|at| at.as_second() >= since.as_second()))
    };
    let newest = events.iter().filter(is_end).filter(is_later).max_by_key(time)?;
    let text = [&newest.reason, &newest.message].map(|text| text.as_deref().unwrap_or_default());
    let has_failed = newest.reason.as_deref() != Some("Completed");
    Some(Evidence::Ended {
        job: newest.involved_object.uid.clone(),
        failure: has_failed.then(|| shortened(&text.join(": "))),
    })
}

fn is_of_application(pod: &Pod) -> bool {
    let owners = pod.metadata.owner_references.iter().flatten();
    let prefix = format!("{APPLICATION}-");
    let mut owners = owners.filter(|owner| owner.kind == "ReplicaSet");
    owners.any(|owner| {
        let hash = owner.name.strip_prefix(&prefix);
        hash.is_some_and(|hash| !hash.contains('-'))
    })
}

fn has_passed_gate(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let statuses = status.and_then(|status| status.init_container_statuses.as_deref());
    let ended_well = |gate: &ContainerStatus| {
        let ended = gate.state.as_ref().and_then(|state| state.terminated.as_ref());
        ended.is_some_and(|ended| ended.exit_code == 0)
    };
    let gate = statuses.unwrap_or_default().iter().find(|init| init.name == GATE);
    gate.is_some_and(ended_well)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_word_of_the_job_controller_counts() {
        let event = |reason: &str, at: &str| -> Event {
            serde_json::from_value(json!({
                "metadata": {}, "involvedObject": {"uid": "u"}, "reason": reason, "message": "m", "lastTimestamp": at,
            }))
            .unwrap()
        };
        let failed = event("BackoffLimitExceeded", "2026-01-01T00:00:00Z");
        let completed = event("Completed", "2026-01-01T01:00:00Z");
        let started = event("SuccessfulCreate", "2026-01-01T02:00:00Z");
        let both = [failed.clone(), completed, started.clone()];
        let ended = |failure: Option<&str>| {
            let (job, failure) = (Some("u".to_owned()), failure.map(str::to_owned));
            Some(Evidence::Ended { job, failure })
        };
        let at = |text: &str| Some(text.parse().unwrap());
        assert_eq!(told_by(&both, None), ended(None));
        assert_eq!(told_by(&both, at("2026-01-01T00:30:00Z")), ended(None));
        assert_eq!(told_by(&both, at("2026-01-01T01:00:00.9Z")), ended(None));
        assert_eq!(
            told_by(&both, at("2026-01-01T01:00:01Z")),
            None,
            "that one is known"
        );
        assert_eq!(told_by(&[failed], None), ended(Some("BackoffLimitExceeded: m")));
        assert_eq!(told_by(&[started], None), None);
    }

    #[test]
    fn only_an_application_whose_gate_has_ended_well_works_on_what_the_job_made() {
        let pod = |owner: &str, code: i32| -> Pod {
            serde_json::from_value(json!({
                "metadata": {"ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": "u"}]},
                "status": {"initContainerStatuses": [{
                    "name": GATE, "image": "i", "imageID": "", "ready": true, "restartCount": 0,
                    "state": {"terminated": {"exitCode": code}},
                }]},
            }))
            .unwrap()
        };
        assert!(is_of_application(&pod("alga-core-sebastian-5d8f", 0)));
        assert!(!is_of_application(&pod("alga-core-sebastian-hocuspocus-5d8f", 0)));
        assert!(has_passed_gate(&pod("x", 0)));
        assert!(!has_passed_gate(&pod("x", 1)));
        assert!(!has_passed_gate(&Pod::default()));
    }
}
