//! Each class of blocker: what makes it, how bad it is, what it says.

mod keeps_out;
mod lets_in;
mod normal;
mod order;

use super::healthy::*;
use crate::agent_api::DiskFacts;
use crate::readiness::observed::*;
use crate::readiness::wire::RollupState;
use crate::readiness::{catalogue, judge};

type Change = fn(&mut Observed);

fn crash(seen: &mut Observed, reason: &str, message: &str) {
    application_pod_waits(seen, waiting("CrashLoopBackOff", "back-off 5m0s"));
    let pod = seen
        .cluster
        .pods
        .last
        .known
        .get_mut("msp/alga-core-sebastian-77-y")
        .unwrap();
    pod.phase = "Running".to_owned();
    pod.containers[0].restarts = 6;
    pod.containers[0].last = Some(Ended {
        exit_code: 1,
        reason: reason.to_owned(),
        message: message.to_owned(),
        at: Some(ago(60)),
    });
}

fn node(seen: &mut Observed, kind: &str, status: &str) {
    let node = seen.cluster.nodes.last.known.get_mut("box").unwrap();
    node.conditions.retain(|condition| condition.kind != kind);
    node.conditions.push(condition(kind, status, "r", "m", 600));
}

#[expect(clippy::unnecessary_wraps, reason = "it fills a field that is optional")]
fn disk(free: u64, free_inodes: u64) -> Option<DiskFacts> {
    Some(DiskFacts {
        path: "/var/mnt/alga-data".into(),
        total_bytes: 50_000_000_000,
        free_bytes: free,
        total_inodes: 1000,
        free_inodes,
    })
}

fn failed(object: &mut FluxObject, reason: &str, message: &str) {
    object.conditions = vec![condition("Ready", "False", reason, message, 600)];
}

fn claim(seen: &mut Observed, phase: &str, seconds: i64) {
    let claim = seen.cluster.claims.last.known.get_mut("msp/data-db-0").unwrap();
    claim.phase = phase.to_owned();
    claim.created = Some(ago(seconds));
}

fn unschedulable(seen: &mut Observed, message: &str, seconds: i64) {
    application_pod_waits(seen, ContainerState::Unknown);
    let pod = seen
        .cluster
        .pods
        .last
        .known
        .get_mut("msp/alga-core-sebastian-77-y")
        .unwrap();
    pod.phase = "Pending".to_owned();
    pod.conditions = vec![condition(
        "PodScheduled",
        "False",
        "Unschedulable",
        message,
        seconds,
    )];
}

#[test]
fn journey_6_the_first_line_says_what_happened_and_the_second_what_to_do() {
    let verdict = judge(&with(|seen| {
        seen.data_disk = disk(0, 500);
        down(stateful_set(seen, "db"), 600);
        seen.login = Some(silent("connection refused"));
    }));
    assert_eq!(
        verdict.rollup.message,
        "Login is down: the database disk is full (0 B of 50 GB left on /var/mnt/alga-data)"
    );
    assert_eq!(
        verdict.rollup.next_action,
        "Enlarge the disk, or delete what does not belong on it; what was stopped starts again by itself."
    );
}

#[test]
fn an_application_that_answers_without_the_api_is_said_to() {
    let verdict = judge(&with(cut_off));
    assert_eq!(verdict.rollup.state, RollupState::Blocked);
    assert!(
        verdict.blockers[0]
            .meaning
            .starts_with("The application still answers.")
    );
    assert!(!verdict.blockers[0].login_blocking);
    assert!(!verdict.rollup.message.contains("Login is down"));
}

#[test]
fn the_catalogue_has_each_id_once_with_all_its_texts() {
    let mut seen = std::collections::BTreeSet::new();
    for entry in catalogue() {
        assert!(seen.insert(entry.id), "{} twice", entry.id);
        for text in [entry.when, entry.meaning, entry.next] {
            assert!(
                text.ends_with('.') || text.ends_with("-n 100"),
                "{}: {text:?}",
                entry.id
            );
        }
    }
}
