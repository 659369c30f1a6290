//! Each class of blocker: what makes it, how bad it is, what it says.

use serde_json::json;

use super::healthy::*;
use crate::agent_api::DiskFacts;
use crate::findings::FindingId as Id;
use crate::names::APPLICATION;
use crate::readiness::observed::*;
use crate::readiness::wire::{RollupState, Severity};
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

/// What is changed, what stands first, and words that its reason or next action has.
const KEEPS_OUT: &[(&str, Change, Id, &[&str])] = &[
    (
        "api",
        cut_off,
        Id::ApiUnreachable,
        &["Kubernetes API unreachable since"],
    ),
    (
        "node",
        |s| {
            node(s, "Ready", "False");
            down(stateful_set(s, "db"), 600);
        },
        Id::NodeReady,
        &["Node box is not ready since 2026-01-02 11:50 UTC"],
    ),
    (
        "disk pressure",
        |s| {
            node(s, "DiskPressure", "True");
            down(stateful_set(s, "db"), 600);
        },
        Id::DiskSpace,
        &["Node box has too little room"],
    ),
    (
        "disk full",
        |s| {
            s.data_disk = disk(0, 500);
            down(stateful_set(s, "db"), 600);
        },
        Id::DiskSpace,
        &["The database disk is full (0 B of 50 GB left on /var/mnt/alga-data)"],
    ),
    (
        "disk full, told by the database",
        |s| {
            down(stateful_set(s, "db"), 600);
            add_pod(s, "db-0", ("StatefulSet", "db"), waiting("CrashLoopBackOff", ""));
            let pod = s.cluster.pods.last.known.get_mut("msp/db-0").unwrap();
            pod.containers[0].last = Some(Ended {
                exit_code: 1,
                message: "PANIC: could not write: No space left on device".to_owned(),
                ..Ended::default()
            });
        },
        Id::DiskSpace,
        &["The database disk is full", "(db)"],
    ),
    (
        "inodes",
        |s| {
            s.data_disk = disk(40_000_000_000, 0);
            down(stateful_set(s, "db"), 600);
        },
        Id::InodeSpace,
        &["no inode left"],
    ),
    (
        "subpath by event",
        |s| {
            down(stateful_set(s, "db"), 600);
            add_pod(s, "db-0", ("StatefulSet", "db"), waiting("ContainerCreating", ""));
            s.cluster.events.last.push(event(
                "db-0",
                "Failed",
                "failed to create subpath directory for volumeMount",
                30,
            ));
        },
        Id::VolumeSubpath,
        &["The database (db)", "subpath"],
    ),
    (
        "claim",
        |s| {
            claim(s, "Pending", 200);
            down(stateful_set(s, "db"), 200);
        },
        Id::PendingPvc,
        &["Claim data-db-0 has no volume yet"],
    ),
    (
        "claim lost",
        |s| {
            claim(s, "Lost", 9000);
            down(stateful_set(s, "db"), 200);
        },
        Id::PendingPvc,
        &["has lost its volume"],
    ),
    (
        "image missing",
        |s| application_pod_waits(s, waiting("ErrImagePull", "manifest unknown")),
        Id::RegistryImageMissing,
        &["alga-core-sebastian", "ghcr.io/nine-minds/x:1"],
    ),
    (
        "image name",
        |s| application_pod_waits(s, waiting("InvalidImageName", "")),
        Id::RegistryImageMissing,
        &["names no image"],
    ),
    (
        "image dns",
        |s| {
            application_pod_waits(
                s,
                waiting("ErrImagePull", "dial tcp: lookup ghcr.io: no such host"),
            );
        },
        Id::DnsGhcr,
        &["registry's name is not resolved"],
    ),
    (
        "image tls",
        |s| application_pod_waits(s, waiting("ErrImagePull", "x509: unknown authority")),
        Id::TlsGhcr,
        &["connection it trusts"],
    ),
    (
        "image refused",
        |s| application_pod_waits(s, waiting("ImagePullBackOff", "403 denied")),
        Id::ImagePullBackoff,
        &["403", "credentials"],
    ),
    (
        "image other",
        |s| application_pod_waits(s, waiting("ImagePullBackOff", "odd")),
        Id::ImagePullBackoff,
        &["odd"],
    ),
    (
        "no room for image",
        |s| application_pod_waits(s, waiting("ErrImagePull", "write: no space left on device")),
        Id::DiskSpace,
        &["no room for its image"],
    ),
    (
        "unschedulable",
        |s| unschedulable(s, "Insufficient memory", 90),
        Id::PodUnschedulable,
        &["Insufficient memory"],
    ),
    (
        "oom",
        |s| crash(s, "OOMKilled", ""),
        Id::OomKills,
        &["has ended 6 times for lack of memory"],
    ),
    (
        "crash",
        |s| crash(s, "Error", "Listening\nTypeError: x is undefined\n\n"),
        Id::Crashloop,
        &["has ended 6 times with exit code 1: TypeError: x is undefined"],
    ),
    (
        "crash of schema",
        |s| crash(s, "Error", "sql schema version compatibility check failed"),
        Id::Crashloop,
        &["Repair", "temporal"],
    ),
    (
        "credentials",
        |s| crash(s, "Error", "FATAL: password authentication failed for user"),
        Id::DbCredentialsMismatch,
        &["is refused by the database"],
    ),
    (
        "settings",
        |s| {
            application_pod_waits(
                s,
                waiting(
                    "CreateContainerConfigError",
                    "secret \"alga-psa-shared\" not found",
                ),
            );
        },
        Id::ContainerConfig,
        &["alga-psa-shared"],
    ),
    (
        "mount",
        |s| {
            application_pod_waits(s, waiting("ContainerCreating", ""));
            s.cluster.events.last.push(event(
                "alga-core-sebastian-77-y",
                "FailedMount",
                "MountVolume.SetUp failed",
                30,
            ));
        },
        Id::PodStartFailed,
        &["MountVolume.SetUp failed"],
    ),
    (
        "bootstrap",
        |s| s.cluster.jobs = objects([job("b", Some("Failed"))]),
        Id::BootstrapJobFailed,
        &["gave up"],
    ),
    (
        "bootstrap without database",
        |s| s.install.bootstrap = latch(BootstrapState::Failed, "a", Some("ERROR connect ECONNREFUSED")),
        Id::BootstrapJobFailed,
        &["The database did not answer"],
    ),
    (
        "core",
        |s| down(stateful_set(s, "redis"), 301),
        Id::WorkloadNotReady,
        &["The cache (redis) has 0 of 1 pods ready since"],
    ),
    (
        "gave up",
        |s| {
            down(deployment(s, "pgbouncer"), 5);
            deployment(s, "pgbouncer").conditions.push(condition(
                "Progressing",
                "False",
                "ProgressDeadlineExceeded",
                "",
                5,
            ));
        },
        Id::WorkloadNotReady,
        &["pgbouncer"],
    ),
    (
        "scaled down",
        |s| deployment(s, APPLICATION).desired = 0,
        Id::WorkloadScaledDown,
        &["is scaled down", "kubectl -n msp scale"],
    ),
    (
        "gone",
        |s| {
            s.cluster.deployments.last.known.remove("msp/alga-core-sebastian");
        },
        Id::WorkloadMissing,
        &["is gone"],
    ),
    (
        "address",
        |s| s.login = Some(silent("timed out")),
        Id::LoginAddress,
        &["pods are ready, but", "timed out"],
    ),
    (
        "deployments forbidden",
        |s| s.cluster.deployments.trouble = trouble(TroubleKind::Forbidden),
        Id::ClusterReading,
        &["Deployments cannot be read"],
    ),
    (
        "state unreadable",
        |s| {
            s.install.document = Err("line 3".to_owned());
            down(stateful_set(s, "db"), 10);
        },
        Id::StateUnreadable,
        &["cannot be read"],
    ),
];

#[test]
fn every_class_of_blocker_that_keeps_users_out() {
    for &(what, change, id, words) in KEEPS_OUT {
        let verdict = judge(&with(change));
        let top = verdict
            .blockers
            .first()
            .unwrap_or_else(|| panic!("{what}: nothing"));
        assert_eq!(top.id, id, "{what}: {:#?}", verdict.blockers);
        assert_eq!(top.severity, Severity::Critical, "{what}: {top:#?}");
        for word in words {
            let text = format!("{} {}", top.reason, top.next_action);
            assert!(text.contains(word), "{what}: {text}");
        }
        assert!(
            !top.meaning.is_empty() && !top.next_action.is_empty(),
            "{what}: {top:#?}"
        );
        assert_eq!(verdict.rollup.state, RollupState::Blocked, "{what}");
        assert!(
            verdict.rollup.message.ends_with(&top.reason[1..]),
            "{what}: {:?}",
            verdict.rollup
        );
    }
}

const LETS_IN: &[(&str, Change, Id, Severity)] = &[
    (
        "memory",
        |s| node(s, "MemoryPressure", "True"),
        Id::MemoryPressure,
        Severity::Warning,
    ),
    (
        "processes",
        |s| node(s, "PIDPressure", "True"),
        Id::PidPressure,
        Severity::Warning,
    ),
    (
        "network",
        |s| node(s, "NetworkUnavailable", "True"),
        Id::NetworkUnavailable,
        Severity::Warning,
    ),
    (
        "cordoned",
        |s| s.cluster.nodes.last.known.get_mut("box").unwrap().unschedulable = true,
        Id::NodeUnschedulable,
        Severity::Warning,
    ),
    (
        "node",
        |s| node(s, "Ready", "Unknown"),
        Id::NodeReady,
        Severity::Warning,
    ),
    (
        "disk nearly full",
        |s| s.data_disk = disk(4_000_000_000, 500),
        Id::DiskSpace,
        Severity::Warning,
    ),
    (
        "source",
        |s| {
            failed(
                source(s, "alga-appliance"),
                "OCIArtifactPullFailed",
                "no such host",
            );
        },
        Id::FluxSourceNotReady,
        Severity::Warning,
    ),
    (
        "kustomization",
        |s| failed(kustomization(s, "alga-core"), "HealthCheckFailed", "timeout"),
        Id::KustomizationNotReady,
        Severity::Warning,
    ),
    (
        "kustomization of background",
        |s| failed(kustomization(s, "alga-background"), "BuildFailed", "m"),
        Id::KustomizationNotReady,
        Severity::Background,
    ),
    (
        "release",
        |s| failed(release(s, "alga-core"), "UpgradeFailed", "m"),
        Id::HelmreleaseFailed,
        Severity::Warning,
    ),
    (
        "release of background",
        |s| failed(release(s, "temporal"), "UpgradeFailed", "m"),
        Id::HelmreleaseFailed,
        Severity::Background,
    ),
    (
        "release stuck",
        |s| {
            failed(
                release(s, "pgbouncer"),
                "UpgradeFailed",
                "\"pgbouncer\" has no deployed releases",
            );
        },
        Id::HelmStorageStuck,
        Severity::Warning,
    ),
    (
        "release stuck",
        |s| {
            failed(
                release(s, "temporal"),
                "InstallFailed",
                "another operation (install/upgrade/rollback) is in progress",
            );
        },
        Id::HelmStorageStuck,
        Severity::Background,
    ),
    (
        "suspended",
        |s| release(s, "temporal").suspended = true,
        Id::FluxSuspended,
        Severity::Warning,
    ),
    (
        "release gone",
        |s| {
            s.cluster.helm_releases.last.known.remove("alga-system/temporal");
        },
        Id::FluxObjectMissing,
        Severity::Background,
    ),
    (
        "kustomization gone",
        |s| {
            s.cluster
                .kustomizations
                .last
                .known
                .remove("flux-system/alga-background");
        },
        Id::FluxObjectMissing,
        Severity::Background,
    ),
    (
        "background",
        |s| down(deployment(s, "email-service"), 301),
        Id::BackgroundWorkload,
        Severity::Background,
    ),
    (
        "background scaled down",
        |s| deployment(s, "email-service").desired = 0,
        Id::WorkloadScaledDown,
        Severity::Background,
    ),
    (
        "pods forbidden",
        |s| s.cluster.pods.trouble = trouble(TroubleKind::Forbidden),
        Id::ClusterReading,
        Severity::Warning,
    ),
    (
        "a new pod crashes while the old one serves",
        |s| {
            add_pod(s, "db-1", ("StatefulSet", "db"), waiting("CrashLoopBackOff", ""));
        },
        Id::Crashloop,
        Severity::Warning,
    ),
    (
        "a pod of Flux crashes",
        |s| {
            add_pod(
                s,
                "x",
                ("ReplicaSet", "helm-controller-5f"),
                waiting("CrashLoopBackOff", ""),
            );
            let mut pod = s.cluster.pods.last.known.remove("msp/x").unwrap();
            pod.namespace = "flux-system".to_owned();
            s.cluster.pods.last.known.insert("flux-system/x".to_owned(), pod);
        },
        Id::Crashloop,
        Severity::Warning,
    ),
    (
        "a Deployment of Flux is down",
        |s| {
            let mut workload = workload("helm-controller");
            workload.namespace = "flux-system".to_owned();
            down(&mut workload, 400);
            s.cluster
                .deployments
                .last
                .known
                .insert("flux-system/helm-controller".to_owned(), workload);
        },
        Id::WorkloadNotReady,
        Severity::Warning,
    ),
    (
        "update failed",
        |s| {
            s.install.document = Ok(Some(json!({"status": "update-blocked", "phase": "flux",
                "failure": {"message": "m", "step": "odd", "phase": "flux"}})));
            release(s, "alga-core").generation = 9;
        },
        Id::SetupFlux,
        Severity::Warning,
    ),
    (
        "state unreadable",
        |s| s.install.document = Err("line 3".to_owned()),
        Id::StateUnreadable,
        Severity::Warning,
    ),
];

#[test]
fn every_class_of_blocker_that_lets_users_in() {
    for &(what, change, id, severity) in LETS_IN {
        let verdict = judge(&with(change));
        let top = verdict
            .blockers
            .first()
            .unwrap_or_else(|| panic!("{what}: nothing"));
        assert_eq!(
            (top.id, top.severity),
            (id, severity),
            "{what}: {:#?}",
            verdict.blockers
        );
        assert!(!top.login_blocking && verdict.tiers.login.ready, "{what}");
        assert!(top.meaning.starts_with("Users can log in. "), "{what}: {top:#?}");
        assert!(!verdict.tiers.full.ready, "{what}");
        let state = verdict.rollup.state;
        assert!(
            [RollupState::ReadyToLogIn, RollupState::ReadyWithBackgroundIssues].contains(&state),
            "{what}: {state:?}"
        );
        assert!(
            verdict.rollup.message.starts_with("Users can log in"),
            "{what}: {:?}",
            verdict.rollup
        );
    }
}

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
            let pod = seen
                .cluster
                .pods
                .last
                .known
                .get_mut("msp/alga-core-sebastian-77-y")
                .unwrap();
            pod.created = Some(ago(seconds));
        });
        assert_eq!((found[0].id, found[0].severity), (Id::ImagePullSlow, severity));
    }
}

const ORDERED: &[(&str, Change, &[Id])] = &[
    (
        "the disk before the database before the application",
        |s| {
            s.data_disk = disk(0, 500);
            down(stateful_set(s, "db"), 600);
            crash(s, "Error", "connect ECONNREFUSED");
            failed(
                release(s, "alga-core"),
                "UpgradeFailed",
                "context deadline exceeded",
            );
            failed(kustomization(s, "alga-core"), "HealthCheckFailed", "timeout");
        },
        &[
            Id::DiskSpace,
            Id::WorkloadNotReady,
            Id::HelmreleaseFailed,
            Id::KustomizationNotReady,
            Id::Crashloop,
        ],
    ),
    (
        "the node before all",
        |s| {
            crash(s, "Error", "x");
            down(stateful_set(s, "db"), 600);
            node(s, "Ready", "False");
        },
        &[Id::NodeReady, Id::WorkloadNotReady, Id::Crashloop],
    ),
    (
        "the image before the release",
        |s| {
            application_pod_waits(s, waiting("ErrImagePull", "not found"));
            failed(release(s, "alga-core"), "UpgradeFailed", "timeout");
        },
        &[Id::RegistryImageMissing, Id::HelmreleaseFailed],
    ),
    (
        "the claim, and not the pod that waits for it",
        |s| {
            claim(s, "Pending", 200);
            down(stateful_set(s, "db"), 200);
            unschedulable(s, "pod has unbound immediate PersistentVolumeClaims", 200);
        },
        &[Id::PendingPvc],
    ),
    (
        "the bootstrap before the application's release",
        |s| {
            s.cluster.jobs = objects([job("b", Some("Failed"))]);
            failed(release(s, "alga-core"), "UpgradeFailed", "timeout");
        },
        &[Id::BootstrapJobFailed, Id::HelmreleaseFailed],
    ),
];

#[test]
fn a_cause_stands_before_what_follows_from_it() {
    for &(what, change, expected) in ORDERED {
        let verdict = judge(&with(change));
        assert_eq!(ids(&verdict), expected, "{what}: {:#?}", verdict.blockers);
    }
}

#[test]
fn a_workload_with_a_thousand_pods_in_trouble_is_one_blocker() {
    let verdict = judge(&with(|seen| {
        for number in 0..1000 {
            let name = format!("temporal-77-{number}");
            add_pod(
                seen,
                &name,
                ("ReplicaSet", "temporal-77"),
                waiting("CrashLoopBackOff", ""),
            );
        }
        for number in 0..1000 {
            let name = format!("w{number}-77-x");
            add_pod(
                seen,
                &name,
                ("ReplicaSet", &format!("w{number}-77")),
                waiting("ContainerCreating", ""),
            );
        }
    }));
    assert_eq!(ids(&verdict), [Id::Crashloop]);
    assert_eq!(verdict.operations.len(), 8);
}

#[test]
fn a_crash_that_is_told_is_not_an_operation_and_a_pull_is_one() {
    let verdict = judge(&with(|seen| crash(seen, "Error", "x")));
    assert_eq!(verdict.operations, []);
    let verdict = judge(&with(|seen| {
        application_pod_waits(seen, waiting("ContainerCreating", ""));
        let mut pulling = event("alga-core-sebastian-77-y", "Pulling", "Pulling image \"x\"", 120);
        pulling.kind = "Normal".to_owned();
        seen.cluster.events.last.push(pulling);
    }));
    let operation = &verdict.operations[0];
    assert_eq!(operation.kind, "image-pull");
    assert_eq!(operation.image.as_deref(), Some("ghcr.io/nine-minds/x:1"));
    assert_eq!(
        (operation.started_at.map(|at| at.0), operation.elapsed_seconds),
        (Some(ago(120)), Some(120))
    );
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
