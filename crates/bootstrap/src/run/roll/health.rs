//! Whether the control plane's pod is Ready, and what it waits for when it is not.

use std::time::Duration;

use appliance_common::cluster::{Cluster, Wait, rolled_out};
use appliance_common::names::{CONTROL_PLANE_WORKLOAD, namespace};
use appliance_common::process::chain;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ApiResource;

/// Waits until the Deployment runs what it should, which is when the pod's own probe of `/healthz` was answered;
/// else why not.
pub(super) async fn healthy(cluster: &Cluster, limit: Duration) -> Result<(), String> {
    let wait = Wait {
        resource: &ApiResource::erase::<Deployment>(&()),
        namespace: Some(namespace::CONTROL_PLANE),
        names: &[CONTROL_PLANE_WORKLOAD],
        limit,
    };
    let Err(error) = cluster.wait_until(&wait, rolled_out).await else {
        return Ok(());
    };
    let pods: Result<Vec<Pod>, _> = cluster.list(Some(namespace::CONTROL_PLANE), "").await;
    let seen = pods.unwrap_or_default().iter().find_map(waiting);
    Err(seen.unwrap_or_else(|| chain(&error)))
}

/// What a container of a pod waits for, in the kubelet's words.
fn waiting(pod: &Pod) -> Option<String> {
    let seen = pod.status.as_ref()?;
    let all = [&seen.init_container_statuses, &seen.container_statuses];
    let containers = all.into_iter().flatten().flatten();
    let mut waiting = containers.filter_map(|container| container.state.as_ref()?.waiting.as_ref());
    let first = waiting.next()?;
    let reason = first.reason.as_deref().unwrap_or("it waits");
    Some(match first.message.as_deref() {
        Some(message) => format!("{reason}: {message}"),
        None => reason.to_owned(),
    })
}
