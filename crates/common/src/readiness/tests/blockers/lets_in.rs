//! Each class of blocker that users can log in with, and how bad it is.

use serde_json::json;

use super::super::healthy::*;
use super::{Change, disk, failed, node};
use crate::findings::FindingId as Id;
use crate::readiness::judge;
use crate::readiness::observed::*;
use crate::readiness::wire::{RollupState, Severity};

pub(super) const LETS_IN: &[(&str, Change, Id, Severity)] = &[
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
        "kustomization that failed before its controller said what it had seen",
        |s| {
            let object = kustomization(s, "alga-background");
            failed(object, "BuildFailed", "m");
            object.generation += 1;
            object.conditions[0].observed_generation = Some(object.generation);
        },
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
