//! Each class of blocker that keeps users out: what makes it, and what it says.

use super::super::healthy::*;
use super::{Change, claim, crash, disk, node, unschedulable};
use crate::findings::FindingId as Id;
use crate::names::APPLICATION;
use crate::readiness::judge;
use crate::readiness::observed::*;
use crate::readiness::wire::{RollupState, Severity};

/// What is changed, what stands first, and words that its reason or next action has.
pub(super) const KEEPS_OUT: &[(&str, Change, Id, &[&str])] = &[
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
        &["is not there, although HelmRelease alga-core is ready", "Repair"],
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
