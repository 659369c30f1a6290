//! What stands before what, and what is told once.

use super::super::healthy::*;
use super::{Change, claim, crash, disk, failed, node, unschedulable};
use crate::findings::FindingId as Id;
use crate::readiness::judge;
use crate::readiness::wire::OperationKind;

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
    assert_eq!(operation.kind, OperationKind::ImagePull);
    assert_eq!(operation.image.as_deref(), Some("ghcr.io/nine-minds/x:1"));
    assert_eq!(
        (operation.started_at.map(|at| at.0), operation.elapsed_seconds),
        (Some(ago(120)), Some(120))
    );
}
