//! Each tier, rule by rule: what makes it not ready, what makes it unknown, and the word for it.

use super::healthy::*;
use crate::names::APPLICATION;
use crate::readiness::Signal::{self, NotReady, Ready, Unknown};
use crate::readiness::TierName::{self, Background, Bootstrap, Core, Full, Login, Platform};
use crate::readiness::observed::*;
use crate::readiness::wire::ComponentStatus;
use crate::readiness::{Tier, TierStatus as S, judge};

type Change = fn(&mut Observed);

fn tier(name: TierName, change: Change) -> Tier {
    let verdict = judge(&with(change));
    let each = verdict.tiers.each();
    let found = each.iter().find(|(tier, _)| *tier == name).unwrap();
    found.1.clone()
}

const RULES: &[(&str, TierName, Change, Signal, S)] = &[
    (
        "no node",
        Platform,
        |s| s.cluster.nodes = objects([]),
        NotReady,
        S::WaitingForKubernetes,
    ),
    (
        "one node of two is not ready",
        Platform,
        |s| {
            let node = Node {
                name: "b".to_owned(),
                conditions: vec![condition("Ready", "Unknown", "NodeStatusUnknown", "", 9)],
                unschedulable: false,
            };
            s.cluster.nodes.last.known.insert("b".to_owned(), node);
        },
        NotReady,
        S::WaitingForKubernetes,
    ),
    (
        "a node that will not decode",
        Platform,
        |s| {
            s.cluster
                .nodes
                .last
                .unclear
                .insert("b".to_owned(), "no status".to_owned());
        },
        Unknown,
        S::Unknown,
    ),
    (
        "nodes forbidden",
        Platform,
        |s| s.cluster.nodes.trouble = trouble(TroubleKind::Forbidden),
        Unknown,
        S::Unknown,
    ),
    (
        "source gone",
        Platform,
        |s| s.cluster.sources = objects([]),
        NotReady,
        S::WaitingForKubernetes,
    ),
    (
        "platform lags",
        Platform,
        |s| kustomization(s, "alga-platform").generation = 4,
        NotReady,
        S::WaitingForKubernetes,
    ),
    (
        "db has no pod",
        Core,
        |s| stateful_set(s, "db").ready = 0,
        NotReady,
        S::WaitingForCore,
    ),
    (
        "db lags",
        Core,
        |s| stateful_set(s, "db").generation = 9,
        NotReady,
        S::WaitingForCore,
    ),
    (
        "redis scaled down",
        Core,
        |s| stateful_set(s, "redis").desired = 0,
        NotReady,
        S::WaitingForCore,
    ),
    (
        "pgbouncer and the node",
        Core,
        |s| {
            deployment(s, "pgbouncer").ready = 0;
            s.cluster.nodes = objects([]);
        },
        NotReady,
        S::BlockedByPlatform,
    ),
    (
        "db will not decode",
        Core,
        |s| {
            s.cluster.stateful_sets.last.known.remove("msp/db");
            s.cluster
                .stateful_sets
                .last
                .unclear
                .insert("msp/db".to_owned(), "bad".to_owned());
        },
        Unknown,
        S::Unknown,
    ),
    (
        "unknown and not ready is not ready",
        Core,
        |s| {
            s.cluster.stateful_sets.trouble = trouble(TroubleKind::Forbidden);
            deployment(s, "pgbouncer").ready = 0;
        },
        NotReady,
        S::WaitingForCore,
    ),
    (
        "no bootstrap yet",
        Bootstrap,
        no_bootstrap,
        NotReady,
        S::WaitingForBootstrap,
    ),
    (
        "bootstrap and db",
        Bootstrap,
        |s| {
            no_bootstrap(s);
            stateful_set(s, "db").ready = 0;
        },
        NotReady,
        S::BlockedByCore,
    ),
    (
        "jobs forbidden, although complete is latched",
        Bootstrap,
        |s| s.cluster.jobs.trouble = trouble(TroubleKind::Forbidden),
        Unknown,
        S::Unknown,
    ),
    (
        "application not available",
        Login,
        |s| down(deployment(s, APPLICATION), 5),
        NotReady,
        S::BlockedByBootstrap,
    ),
    (
        "application lags",
        Login,
        |s| deployment(s, APPLICATION).observed_generation = 1,
        NotReady,
        S::BlockedByBootstrap,
    ),
    ("not asked", Login, |s| s.login = None, Unknown, S::Unknown),
    (
        "asked too long ago",
        Login,
        |s| s.login.as_mut().unwrap().at = ago(301),
        Unknown,
        S::Unknown,
    ),
    (
        "asked of the old address",
        Login,
        |s| s.install.login_url = Some("https://new.example".to_owned()),
        Unknown,
        S::Unknown,
    ),
    (
        "502",
        Login,
        |s| s.login = Some(answered(502, None)),
        NotReady,
        S::BlockedByBootstrap,
    ),
    (
        "untrusted certificate",
        Login,
        |s| s.login.as_mut().unwrap().certificate_trusted = Some(false),
        Ready,
        S::Ready,
    ),
    (
        "background down",
        Login,
        |s| down(deployment(s, "temporal"), 9000),
        Ready,
        S::Ready,
    ),
    (
        "background down",
        Background,
        |s| down(deployment(s, "temporal"), 9),
        NotReady,
        S::DegradedBackgroundServices,
    ),
    (
        "background gone",
        Background,
        |s| s.cluster.deployments = objects([]),
        NotReady,
        S::DegradedBackgroundServices,
    ),
    (
        "release lags",
        Full,
        |s| release(s, "temporal").generation = 4,
        NotReady,
        S::NotFullyHealthy,
    ),
    (
        "release gone",
        Full,
        |s| {
            s.cluster.helm_releases.last.known.remove("alga-system/temporal");
        },
        NotReady,
        S::NotFullyHealthy,
    ),
    (
        "background kustomization fails",
        Full,
        |s| kustomization(s, "alga-background").conditions[0].status = "False".to_owned(),
        NotReady,
        S::NotFullyHealthy,
    ),
    (
        "releases forbidden",
        Full,
        |s| s.cluster.helm_releases.trouble = trouble(TroubleKind::Forbidden),
        NotReady,
        S::NotFullyHealthy,
    ),
    (
        "events forbidden",
        Full,
        |s| s.cluster.events.trouble = trouble(TroubleKind::Forbidden),
        NotReady,
        S::NotFullyHealthy,
    ),
];

#[test]
fn every_rule_of_every_tier() {
    for &(what, name, change, signal, status) in RULES {
        let tier = tier(name, change);
        assert_eq!((tier.signal, tier.status), (signal, status), "{what}: {tier:?}");
        assert_eq!(tier.ready, signal == Signal::Ready, "{what}");
        assert_eq!(tier.reasons.is_empty(), tier.ready, "{what}: {tier:?}");
    }
}

fn no_bootstrap(seen: &mut Observed) {
    seen.install.bootstrap = None;
    down(deployment(seen, APPLICATION), 5);
}

const BOOTSTRAPS: &[(&str, Change, Signal)] = &[
    ("latched", |s| s.cluster.jobs = objects([]), Signal::Ready),
    (
        "live and complete",
        |s| {
            s.install.bootstrap = None;
            s.cluster.jobs = objects([job("a", Some("Complete"))]);
        },
        Signal::Ready,
    ),
    (
        "live and at work",
        |s| {
            s.install.bootstrap = None;
            s.cluster.jobs = objects([job("a", None)]);
        },
        Signal::NotReady,
    ),
    (
        "a newer Job is at work",
        |s| s.cluster.jobs = objects([job("b", None)]),
        Signal::NotReady,
    ),
    (
        "the latched Job still shows as at work",
        |s| s.cluster.jobs = objects([job("job-1", None)]),
        Signal::Ready,
    ),
    (
        "a newer Job failed",
        |s| s.cluster.jobs = objects([job("b", Some("Failed"))]),
        Signal::NotReady,
    ),
    (
        "failed and latched",
        |s| s.install.bootstrap = latch(BootstrapState::Failed, "a", None),
        Signal::NotReady,
    ),
    (
        "failed, and a newer one is complete",
        |s| {
            s.install.bootstrap = latch(BootstrapState::Failed, "a", None);
            s.cluster.jobs = objects([job("b", Some("Complete"))]);
        },
        Signal::Ready,
    ),
    (
        "a Job that goes away tells nothing",
        |s| {
            let (key, mut job) = job("b", None);
            job.deleting = true;
            s.cluster.jobs = objects([(key, job)]);
        },
        Signal::Ready,
    ),
    (
        "no Job, no latch, the gate is passed",
        |s| s.install.bootstrap = None,
        Signal::Ready,
    ),
    (
        "the same while the latch says it ran",
        |s| s.install.bootstrap = latch(BootstrapState::Running, "a", None),
        Signal::Ready,
    ),
    (
        "the gate is not passed",
        |s| {
            s.install.bootstrap = None;
            let pod = s
                .cluster
                .pods
                .last
                .known
                .get_mut("msp/alga-core-sebastian-5d8f-x")
                .unwrap();
            pod.init_containers[0].state = ContainerState::Running { since: None };
        },
        Signal::NotReady,
    ),
    (
        "no pod of the application",
        |s| {
            s.install.bootstrap = None;
            s.cluster.pods = objects([]);
        },
        Signal::NotReady,
    ),
    (
        "pods are not known",
        |s| {
            s.install.bootstrap = None;
            s.cluster.pods.trouble = trouble(TroubleKind::Forbidden);
        },
        Signal::Unknown,
    ),
    (
        "complete, and Jobs are not known",
        |s| {
            s.install.bootstrap = latch(BootstrapState::Complete, "a", None);
            s.cluster.jobs.trouble = trouble(TroubleKind::Unreachable);
        },
        Signal::Unknown,
    ),
];

#[test]
fn the_bootstrap_is_told_by_the_job_then_by_the_latch_then_by_the_gate() {
    for &(what, change, signal) in BOOTSTRAPS {
        assert_eq!(tier(TierName::Bootstrap, change).signal, signal, "{what}");
    }
}

#[test]
fn a_component_has_a_word_for_its_state() {
    let table: Vec<(Change, ComponentStatus, Option<i32>)> = vec![
        (|_| {}, ComponentStatus::Healthy, Some(1)),
        (
            |s| deployment(s, "temporal").desired = 2,
            ComponentStatus::Degraded,
            Some(1),
        ),
        (
            |s| deployment(s, "temporal").ready = 0,
            ComponentStatus::Unhealthy,
            Some(0),
        ),
        (
            |s| deployment(s, "temporal").desired = 0,
            ComponentStatus::ScaledDown,
            Some(1),
        ),
        (
            |s| s.cluster.deployments.trouble = trouble(TroubleKind::Forbidden),
            ComponentStatus::Unknown,
            None,
        ),
        (
            |s| s.cluster.deployments = objects([]),
            ComponentStatus::Unhealthy,
            None,
        ),
    ];
    for (change, status, ready) in table {
        let verdict = judge(&with(change));
        let component = verdict
            .components
            .iter()
            .find(|component| component.name == "temporal")
            .unwrap();
        assert_eq!((component.status, component.ready_replicas), (status, ready));
    }
}

#[test]
fn before_a_source_is_applied_the_platform_is_the_nodes() {
    let mut seen = early(serde_json::json!({"status": "storage-install-running", "phase": "storage"}));
    assert!(judge(&seen).tiers.platform.ready);
    seen.cluster.sources.trouble = trouble(TroubleKind::NotServed);
    assert!(
        judge(&seen).tiers.platform.ready,
        "a kind that is not there has no objects"
    );
    seen.cluster.sources.trouble = trouble(TroubleKind::Forbidden);
    assert_eq!(judge(&seen).tiers.platform.signal, Signal::Unknown);
}

#[test]
fn what_others_keep_in_the_cluster_makes_nothing_unclear() {
    let with_unclear = |key: &'static str| {
        judge(&with(|seen| {
            seen.cluster
                .pods
                .last
                .unclear
                .insert(key.to_owned(), "no spec".to_owned());
        }))
    };
    assert!(with_unclear("theirs/x").tiers.full.ready);
    let verdict = with_unclear("kube-system/x");
    assert_eq!(
        verdict.warnings,
        ["Some Pods cannot be understood: kube-system/x: no spec"]
    );
    assert_eq!(
        (verdict.tiers.login.ready, verdict.tiers.full.ready),
        (true, false)
    );
}
