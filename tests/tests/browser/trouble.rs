//! What goes wrong in the cluster, by the id of the blocker that tells it: made in the name of whoever would
//! bring it about, and mended again.

use anyhow::{Context, Result, bail};
use appliance_common::clock::Clock;
use appliance_tests::apply;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Node, PersistentVolumeClaim, Pod};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use crate::kubelet;

const MSP: &str = "msp";

/// What a node's conditions can say of it, and the blocker that tells it.
const PRESSURES: [(&str, &str); 4] = [
    ("disk-space", "DiskPressure"),
    ("memory-pressure", "MemoryPressure"),
    ("pid-pressure", "PIDPressure"),
    ("network-unavailable", "NetworkUnavailable"),
];

/// Makes what this class of blockers tells.
///
/// # Errors
/// It cannot be made here, or the API server does not take it.
pub(crate) async fn make(client: &Client, class: &str) -> Result<()> {
    if let Some(trouble) = kubelet::find(class) {
        return kubelet::says(client, trouble).await;
    }
    if let Some(condition) = pressure(class) {
        return node_condition(client, condition, "True").await;
    }
    match class {
        "workload-missing" => {
            let deployments: Api<Deployment> = Api::namespaced(client.clone(), MSP);
            deployments
                .delete("workflow-worker", &DeleteParams::background())
                .await?;
            Ok(())
        }
        "kustomization-not-ready" => says_it_failed(client, "alga-background").await,
        _ => apply(client, class, true).await,
    }
}

/// Takes it away again; what then comes back by itself comes later.
///
/// # Errors
/// The API server does not take it.
pub(crate) async fn mend(client: &Client, class: &str) -> Result<()> {
    if let Some(trouble) = kubelet::find(class) {
        return kubelet::starts_again(client, trouble).await;
    }
    if let Some(condition) = pressure(class) {
        return node_condition(client, condition, "False").await;
    }
    let at_once = DeleteParams::default().grace_period(0);
    match class {
        "workload-missing" => ask_for(client, "HelmRelease", "workflow-worker").await,
        "kustomization-not-ready" => ask_for(client, "Kustomization", "alga-background").await,
        "pending-pvc" => {
            let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), MSP);
            claims.delete("spare-data", &at_once).await?;
            Ok(())
        }
        "pod-unschedulable" => {
            let pods: Api<Pod> = Api::namespaced(client.clone(), MSP);
            pods.delete("spare", &at_once).await?;
            Ok(())
        }
        _ => apply(client, class, false).await,
    }
}

/// Has Flux look at an object now, whatever it has given up.
///
/// # Errors
/// The API server does not take it.
pub(crate) async fn ask_for(client: &Client, kind: &str, name: &str) -> Result<()> {
    let now = Clock::system().now().to_string();
    let mut object = flux(kind, name)?;
    object["metadata"]["annotations"] = json!({
        "reconcile.fluxcd.io/requestedAt": now, "reconcile.fluxcd.io/forceAt": now,
    });
    applied(client, "somebody-who-asks", &object).await
}

/// What kustomize-controller would say of a Kustomization that it cannot build, until it looks again.
async fn says_it_failed(client: &Client, name: &str) -> Result<()> {
    let now = Clock::system().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let told = json!({"status": {"conditions": [{
        "type": "Ready", "status": "False", "reason": "BuildFailed", "lastTransitionTime": now,
        "message": "kustomize build failed: no such file: kustomization.yaml",
    }]}});
    let version = GroupVersionKind::gvk("kustomize.toolkit.fluxcd.io", "v1", "Kustomization");
    let kind = ApiResource::from_gvk(&version);
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), "flux-system", &kind);
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(told))
        .await?;
    Ok(())
}

/// Applies what the class consists of, or the same object without it.
async fn apply(client: &Client, class: &str, is_wrong: bool) -> Result<()> {
    let mut object = object(class)?;
    let wrong = object["spec"].take();
    object["spec"] = match (is_wrong, class) {
        (true, _) => wrong,
        // A field that is let go would be set to what it was told last.
        (false, "workload-scaled-down") => json!({"replicas": 1}),
        (false, "node-unschedulable") => json!({"unschedulable": false}),
        (false, "flux-suspended") => json!({"suspend": false}),
        (false, _) => json!({}),
    };
    if class == "node-unschedulable" {
        object["metadata"]["name"] = node(client).await?.into();
    }
    applied(client, class, &object).await
}

/// The object that shows the class; its `spec` is what is wrong with it.
fn object(class: &str) -> Result<Value> {
    let deployment = |name: &str, spec: Value| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": MSP},
               "spec": spec})
    };
    let with = |mut object: Value, spec: Value| {
        object["spec"] = spec;
        object
    };
    Ok(match class {
        // kwok's stage: a pod that never gets its image.
        "image-pull-backoff" => deployment(
            "email-service",
            json!({"template": {"metadata": {"annotations": {"test-outcome": "image-pull"}}}}),
        ),
        "workload-scaled-down" => deployment("temporal-worker", json!({"replicas": 0})),
        "pending-pvc" => json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "spare-data", "namespace": MSP},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "on-a-disk-that-is-gone",
                     "resources": {"requests": {"storage": "1Gi"}}},
        }),
        "pod-unschedulable" => json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "spare", "namespace": MSP},
            "spec": {"nodeSelector": {"disk": "fast"},
                     "containers": [{"name": "spare", "image": "alga.test/spare:1"}]},
        }),
        "node-unschedulable" => json!({"apiVersion": "v1", "kind": "Node", "metadata": {},
                                       "spec": {"unschedulable": true}}),
        "flux-suspended" => with(flux("HelmRelease", "pgbouncer")?, json!({"suspend": true})),
        // Nobody finds a node for them: they are many, and take nothing from others.
        "crowd" => json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "crowd", "namespace": "default"},
            "spec": {"replicas": 130, "selector": {"matchLabels": {"app": "crowd"}},
                     "template": {"metadata": {"labels": {"app": "crowd"}},
                                  "spec": {"schedulerName": "nobody",
                                           "containers": [{"name": "one", "image": "alga.test/crowd:1"}]}}},
        }),
        unknown => bail!("nobody here knows how to bring {unknown} about"),
    })
}

/// An object of Flux without its `spec`.
fn flux(kind: &str, name: &str) -> Result<Value> {
    let (version, namespace) = match kind {
        "HelmRelease" => ("helm.toolkit.fluxcd.io/v2", "alga-system"),
        "Kustomization" => ("kustomize.toolkit.fluxcd.io/v1", "flux-system"),
        "OCIRepository" => ("source.toolkit.fluxcd.io/v1", "flux-system"),
        unknown => bail!("{unknown} is no kind of Flux"),
    };
    Ok(json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}))
}

/// Each class has a field manager of its own, so that what it lets go is what it has set.
async fn applied(client: &Client, manager: &str, object: &Value) -> Result<()> {
    apply::yaml(client, manager, MSP, &object.to_string()).await?;
    Ok(())
}

fn pressure(class: &str) -> Option<&'static str> {
    let found = PRESSURES.iter().find(|(id, _)| *id == class);
    found.map(|(_, condition)| *condition)
}

async fn node_condition(client: &Client, condition: &str, status: &str) -> Result<()> {
    let now = Clock::system().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let told = json!({"status": {"conditions": [{
        "type": condition, "status": status, "reason": "Scripted", "message": "the test says so",
        "lastHeartbeatTime": now, "lastTransitionTime": now,
    }]}});
    let nodes: Api<Node> = Api::all(client.clone());
    let name = node(client).await?;
    nodes
        .patch_status(&name, &PatchParams::default(), &Patch::Strategic(told))
        .await?;
    Ok(())
}

/// The one node.
async fn node(client: &Client) -> Result<String> {
    let nodes: Api<Node> = Api::all(client.clone());
    let first = nodes.list(&ListParams::default()).await?.items.into_iter().next();
    Ok(first.context("there is no node")?.name_any())
}
