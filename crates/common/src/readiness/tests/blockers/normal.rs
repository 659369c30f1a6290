//! What is normal on the way, and until when.

use super::super::healthy::*;
use super::{Change, claim, unschedulable, waiting_pod};
use crate::findings::FindingId as Id;
use crate::names::APPLICATION;
use crate::readiness::judge;
use crate::readiness::observed::*;
use crate::readiness::wire::{RollupState, Severity};

/// Each of them becomes a blocker later, or with something else; just now it is on its way.
const NORMAL: &[(&str, Change)] = &[
    ("a start after a restart", |s| down(stateful_set(s, "db"), 290)),
    ("a pod that ended once", |s| {
        down(stateful_set(s, "db"), 20);
        add_pod(
            s,
            "db-0",
            ("StatefulSet", "db"),
            ContainerState::Running { since: Some(ago(20)) },
        );
        let pod = s.cluster.pods.last.known.get_mut("msp/db-0").unwrap();
        pod.containers[0].restarts = 1;
        pod.containers[0].last = Some(Ended {
            exit_code: 1,
            at: Some(ago(25)),
            ..Ended::default()
        });
        pod.conditions[0].since = Some(ago(25));
    }),
    ("a claim that was just made", |s| {
        claim(s, "Pending", 100);
        down(stateful_set(s, "db"), 100);
    }),
    ("a pod that looks for its node", |s| {
        unschedulable(s, "Insufficient cpu", 30);
        down(deployment(s, APPLICATION), 30);
    }),
    ("a change that is being taken up", |s| {
        let workload = deployment(s, "pgbouncer");
        workload.generation = 3;
        workload.generation_seen = Some(ago(5));
        workload.conditions.clear();
    }),
    ("the application waits for the bootstrap", |s| {
        s.cluster.jobs = objects([job("b", None)]);
        down(deployment(s, APPLICATION), 9000);
    }),
    ("background waits for the core", |s| {
        down(stateful_set(s, "db"), 20);
        down(deployment(s, "temporal"), 9000);
        add_pod(
            s,
            "db-0",
            ("StatefulSet", "db"),
            ContainerState::Running { since: Some(ago(20)) },
        );
    }),
    ("a source that failed once", |s| {
        source(s, "alga-appliance").conditions =
            vec![condition("Ready", "False", "OCIArtifactPullFailed", "m", 30)];
    }),
    ("a source of which no controller speaks", |s| {
        let charts = source(s, "alga-charts");
        charts.is_address = true;
        charts.observed_generation = -1;
        charts.conditions.clear();
    }),
    ("a kustomization at work", |s| {
        kustomization(s, "alga-core").conditions =
            vec![condition("Ready", "Unknown", "Progressing", "m", 600)];
    }),
    ("a kustomization whose source is not fetched yet", |s| {
        kustomization(s, "alga-core").conditions = vec![condition(
            "Ready",
            "False",
            "ArtifactFailed",
            "Source artifact not found, retrying in 30s",
            30,
        )];
    }),
    ("a generation that was just seen", |s| {
        let release = release(s, "alga-core");
        release.generation = 9;
        release.generation_seen = Some(ago(10));
    }),
    ("a release that was just made", |s| {
        let release = release(s, "temporal");
        release.conditions.clear();
        release.observed_generation = -1;
        release.created = Some(ago(10));
    }),
    ("an address that has its pods for ten seconds", |s| {
        deployment(s, APPLICATION).conditions[0].since = Some(ago(10));
        s.login = Some(silent("connection refused"));
    }),
    ("a pull that is under way", |s| {
        application_pod_waits(s, waiting("ContainerCreating", ""));
        let mut pulling = event("alga-core-sebastian-77-y", "Pulling", "Pulling image \"x\"", 500);
        pulling.kind = "Normal".to_owned();
        s.cluster.events.last.push(pulling);
    }),
    ("a pod of somebody else", |s| {
        add_pod(s, "x", ("Pod", "x"), waiting("CrashLoopBackOff", ""));
        let mut pod = s.cluster.pods.last.known.remove("msp/x").unwrap();
        pod.namespace = "theirs".to_owned();
        s.cluster.pods.last.known.insert("theirs/x".to_owned(), pod);
    }),
    ("a pod that goes away", |s| {
        add_pod(
            s,
            "x",
            ("ReplicaSet", "temporal-5f"),
            waiting("CrashLoopBackOff", ""),
        );
        s.cluster.pods.last.known.get_mut("msp/x").unwrap().deleting = true;
    }),
    ("an evicted pod that was replaced", |s| {
        add_pod(
            s,
            "x",
            ("ReplicaSet", "temporal-5f"),
            waiting("CrashLoopBackOff", ""),
        );
        let pod = s.cluster.pods.last.known.get_mut("msp/x").unwrap();
        (pod.phase, pod.reason) = ("Failed".to_owned(), Some("Evicted".to_owned()));
    }),
];

#[test]
fn what_is_normal_on_the_way_is_no_blocker() {
    for &(what, change) in NORMAL {
        let verdict = judge(&with(change));
        assert_eq!(ids(&verdict), [], "{what}: {:#?}", verdict.blockers);
        assert_ne!(verdict.rollup.state, RollupState::Blocked, "{what}");
    }
}

#[test]
fn what_takes_too_long_is_told_and_the_verdict_names_the_moment() {
    let seen = |seconds| with(|seen| down(stateful_set(seen, "db"), seconds));
    let verdict = judge(&seen(280));
    assert_eq!(
        verdict.judge_again_at,
        Some(ago(-20)),
        "five minutes after it went down"
    );
    assert_eq!(ids(&judge(&seen(300))), [Id::WorkloadNotReady]);
    let during_install = judge(&with(|seen| {
        seen.install.bootstrap = None;
        down(deployment(seen, APPLICATION), 900);
        down(stateful_set(seen, "db"), 900);
    }));
    assert_eq!(ids(&during_install), [], "an install may take longer");
}

#[test]
fn a_pull_that_is_cut_off_goes_on_for_half_an_hour_before_it_is_critical() {
    for (seconds, severity) in [(600, Severity::Warning), (1900, Severity::Critical)] {
        let found = blockers(|seen| {
            application_pod_waits(seen, waiting("ErrImagePull", "context canceled"));
            waiting_pod(seen).created = Some(ago(seconds));
        });
        assert_eq!((found[0].id, found[0].severity), (Id::ImagePullSlow, severity));
    }
}
