//! Each class of blocker: what makes it, how bad it is, what it says.

mod keeps_out;
mod lets_in;
mod normal;
mod order;
mod recorded;

use super::healthy::*;
use crate::agent_api::DiskFacts;
use crate::findings::FindingId;
use crate::readiness::observed::*;
use crate::readiness::wire::RollupState;
use crate::readiness::{catalogue, judge};

type Change = fn(&mut Observed);

/// The pod that [`application_pod_waits`] has added.
fn waiting_pod(seen: &mut Observed) -> &mut Pod {
    let pods = &mut seen.cluster.pods.last.known;
    pods.get_mut("msp/alga-core-sebastian-77-y").unwrap()
}

fn crash(seen: &mut Observed, reason: &str, message: &str) {
    application_pod_waits(seen, waiting("CrashLoopBackOff", "back-off 5m0s"));
    let pod = waiting_pod(seen);
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
    let pod = waiting_pod(seen);
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
        let layer = serde_json::to_value(entry.layer).unwrap();
        assert_eq!(layer, entry.layer.as_str(), "written as it is named");
        for text in [entry.when, entry.meaning, entry.next] {
            assert!(
                text.ends_with('.') || text.ends_with("-n 100"),
                "{}: {text:?}",
                entry.id
            );
        }
    }
}

#[test]
fn of_a_workload_that_is_not_there_only_what_is_known_is_said() {
    let gone = |change: Change| {
        let verdict = judge(&with(|seen| {
            seen.cluster.deployments.last.known.remove("msp/temporal");
            change(seen);
        }));
        let is_it = |component: &&crate::readiness::wire::Component| component.name == "temporal";
        let message = verdict.components.iter().find(is_it).unwrap().message.clone();
        let told = ids(&verdict).contains(&FindingId::WorkloadMissing);
        (message, told)
    };
    let title = "The workflow engine (temporal)";
    let cases: [(Change, String, bool); 5] = [
        (
            |_| {},
            format!("{title} is not there, although HelmRelease temporal is ready"),
            true,
        ),
        (
            |seen| release(seen, "temporal").conditions[0].since = Some(ago(30)),
            format!("{title} is not there, although HelmRelease temporal is ready"),
            false,
        ),
        (
            |seen| failed(release(seen, "temporal"), "InstallFailed", "m"),
            format!("{title} is not there yet: HelmRelease temporal is not ready"),
            false,
        ),
        (
            |seen| {
                seen.cluster
                    .helm_releases
                    .last
                    .known
                    .remove("alga-system/temporal");
            },
            format!("{title} is not there yet"),
            false,
        ),
        (
            |seen| seen.cluster.helm_releases.trouble = trouble(TroubleKind::Forbidden),
            format!("{title} is not there yet"),
            false,
        ),
    ];
    for (change, message, told) in cases {
        assert_eq!(gone(change), (message, told));
    }
}

/// Kinds that no table of this directory makes, because it takes time or nothing at all for them.
const FURTHER: [Change; 1] = [|s| application_pod_waits(s, waiting("ErrImagePull", "context canceled"))];

#[test]
fn each_kind_of_the_catalogue_is_made_by_a_case_of_these_tables() {
    let mut open: std::collections::BTreeSet<_> = catalogue().map(|entry| entry.id).collect();
    let keeps_out = keeps_out::KEEPS_OUT.iter().map(|case| case.1);
    let lets_in = lets_in::LETS_IN.iter().map(|case| case.1);
    let seen = keeps_out
        .chain(lets_in)
        .chain(FURTHER)
        .map(|change| judge(&with(change)));
    let recorded = recorded::RECORDED.iter();
    let recorded = recorded.map(|(step, phase, category, _)| recorded::stopped(step, phase, category));
    for id in seen.chain(recorded).flat_map(|verdict| ids(&verdict)) {
        open.remove(&id);
    }
    assert!(open.is_empty(), "without a case: {open:?}");
}
