//! What the kubelet would say of a pod that is in trouble. The pods of this cluster run; one that is to fail
//! is told so in its status, as the kubelet tells it, and is well again in its next life.

use anyhow::{Context, Result};
use appliance_common::clock::Clock;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;

const MSP: &str = "msp";

/// The trouble of a workload's pod.
pub(crate) struct Trouble {
    class: &'static str,
    workload: &'static str,
    /// Why its container waits, in a word and in words.
    waits: (&'static str, &'static str),
    /// How it ended before: reason, exit code, last words.
    ended: Option<(&'static str, i32, &'static str)>,
}

const CRASHES: (&str, &str) = ("CrashLoopBackOff", "back-off 5m0s restarting failed container");

const fn trouble(
    class: &'static str,
    workload: &'static str,
    waits: (&'static str, &'static str),
) -> Trouble {
    Trouble {
        class,
        workload,
        waits,
        ended: None,
    }
}

const fn crash(
    class: &'static str,
    workload: &'static str,
    ended: (&'static str, i32, &'static str),
) -> Trouble {
    Trouble {
        ended: Some(ended),
        ..trouble(class, workload, CRASHES)
    }
}

/// Each on a workload that no other trouble of the same round has.
const TROUBLES: [Trouble; 9] = [
    crash(
        "crashloop",
        "temporal-worker",
        ("Error", 1, "panic: the task queue has no name"),
    ),
    crash("oom-kills", "workflow-worker", ("OOMKilled", 137, "")),
    crash(
        "db-credentials-mismatch",
        "alga-core-sebastian",
        (
            "Error",
            1,
            "FATAL: password authentication failed for user \"app_user\"",
        ),
    ),
    trouble(
        "container-config",
        "temporal",
        ("CreateContainerConfigError", "secret \"temporal-tls\" not found"),
    ),
    trouble(
        "registry-image-missing",
        "workflow-worker",
        ("ErrImagePull", "failed to resolve reference: manifest unknown"),
    ),
    trouble(
        "image-pull-slow",
        "temporal",
        (
            "ErrImagePull",
            "failed to pull image: read tcp 10.0.0.5:443: i/o timeout",
        ),
    ),
    trouble(
        "tls-ghcr",
        "temporal-worker",
        (
            "ErrImagePull",
            "failed to pull image: x509: certificate signed by unknown authority",
        ),
    ),
    trouble(
        "dns-ghcr",
        "email-service",
        (
            "ErrImagePull",
            "failed to pull image: dial tcp: lookup registry.example.test: no such host",
        ),
    ),
    trouble(
        "volume-subpath",
        "alga-core-sebastian",
        (
            "CreateContainerConfigError",
            "failed to create subPath directory for volumeMount \"data\"",
        ),
    ),
];

/// The trouble that this class of blockers tells.
pub(crate) fn find(class: &str) -> Option<&'static Trouble> {
    TROUBLES.iter().find(|trouble| trouble.class == class)
}

/// Says it of the workload's pod.
pub(crate) async fn says(client: &Client, trouble: &Trouble) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), MSP);
    let pod = pod_of(&pods, trouble.workload).await?;
    let now = Clock::system().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (reason, message) = trouble.waits;
    let last = trouble.ended.map(|(reason, exit_code, message)| {
        json!({"terminated": {"reason": reason, "exitCode": exit_code, "message": message,
                              "startedAt": now, "finishedAt": now}})
    });
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let statuses: Vec<_> = containers
        .map(|container| {
            json!({"name": container.name, "image": container.image, "imageID": "", "ready": false,
                   "restartCount": if last.is_some() { 7 } else { 0 }, "lastState": last,
                   "state": {"waiting": {"reason": reason, "message": message}}})
        })
        .collect();
    let conditions = [
        ("PodScheduled", "True"),
        ("Initialized", "True"),
        ("ContainersReady", "False"),
        ("Ready", "False"),
    ]
    .map(|(kind, status)| json!({"type": kind, "status": status, "lastTransitionTime": now}));
    let told = json!({"status": {"containerStatuses": statuses, "conditions": conditions}});
    pods.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(told))
        .await?;
    Ok(())
}

/// The pod is taken away, and its successor is well.
pub(crate) async fn starts_again(client: &Client, trouble: &Trouble) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), MSP);
    let pod = pod_of(&pods, trouble.workload).await?;
    pods.delete(&pod.name_any(), &DeleteParams::default().grace_period(0))
        .await?;
    Ok(())
}

/// The pod of a workload that runs now: its name is the workload's, the version's (of a Deployment) and its own.
async fn pod_of(pods: &Api<Pod>, workload: &str) -> Result<Pod> {
    let is_of = |pod: &Pod| {
        let name = pod.name_any();
        let rest = name
            .strip_prefix(workload)
            .and_then(|rest| rest.strip_prefix('-'));
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        rest.is_some_and(|rest| rest.matches('-').count() <= 1) && phase == Some("Running")
    };
    let all = pods.list(&ListParams::default()).await?.items;
    let found = all.into_iter().find(is_of);
    found.with_context(|| format!("{workload} has no pod that runs"))
}
