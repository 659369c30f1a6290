//! The cluster's side of a reset. Each function may run again: what is gone already is fine, and it returns
//! only when the server says that it is so.

use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError, Judgement, Wait};
use appliance_common::host::ResetScope;
use appliance_common::names::{self, namespace, object};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume, PersistentVolumeClaim, Pod};
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

/// Longest wait for one kind of object to be gone.
const GONE_LIMIT: Duration = Duration::from_mins(10);

/// The Kustomizations that would make everything again, children first.
const KUSTOMIZATIONS: [&str; 4] = [
    "alga-background",
    "alga-core",
    "alga-platform",
    object::FLUX_SOURCE,
];

/// Namespaces of the application, in the order they go.
const NAMESPACES: [&str; 2] = [namespace::ALGA_SYSTEM, namespace::MSP];

/// A volume of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Volume {
    pub(super) name: String,
    pub(super) claim: String,
    pub(super) size: String,
}

fn flux(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    let group = format!("{group}.toolkit.fluxcd.io");
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(&group, version, kind), plural)
}

fn kustomizations() -> ApiResource {
    flux("kustomize", "v1", "Kustomization", "kustomizations")
}

fn releases() -> ApiResource {
    flux("helm", "v2", "HelmRelease", "helmreleases")
}

/// The application's volumes, as the cluster knows them.
pub(super) async fn volumes(cluster: &Cluster) -> Result<Vec<Volume>, ClusterError> {
    let volumes = application_volumes(cluster).await?;
    Ok(volumes.iter().map(shown).collect())
}

fn shown(volume: &PersistentVolume) -> Volume {
    let spec = volume.spec.as_ref();
    let claim = spec.and_then(|spec| spec.claim_ref.as_ref());
    let capacity = spec.and_then(|spec| spec.capacity.as_ref());
    Volume {
        name: volume.name_any(),
        claim: claim.and_then(|claim| claim.name.clone()).unwrap_or_default(),
        size: capacity
            .and_then(|capacity| capacity.get("storage"))
            .map_or_else(|| "unknown size".to_owned(), |size| size.0.clone()),
    }
}

async fn application_volumes(cluster: &Cluster) -> Result<Vec<PersistentVolume>, ClusterError> {
    let mut volumes: Vec<PersistentVolume> = cluster.list(None, "").await?;
    volumes.retain(is_the_applications);
    Ok(volumes)
}

/// Of our class, and claimed from the application's namespace: nothing else is ever touched.
fn is_the_applications(volume: &PersistentVolume) -> bool {
    volume.spec.as_ref().is_some_and(|spec| {
        let claim = spec
            .claim_ref
            .as_ref()
            .and_then(|claim| claim.namespace.as_deref());
        spec.storage_class_name.as_deref() == Some(object::STORAGE_CLASS) && claim == Some(namespace::MSP)
    })
}

/// Which of the application's namespaces there are.
pub(super) async fn namespaces(cluster: &Cluster) -> Result<Vec<String>, ClusterError> {
    let mut found = Vec::new();
    for name in NAMESPACES {
        if cluster.get::<Namespace>(None, name).await?.is_some() {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

/// Suspends, or sets going again, everything that applies the application.
pub(super) async fn suspend(cluster: &Cluster, suspended: bool) -> Result<(), ClusterError> {
    let change = json!({"spec": {"suspend": suspended}});
    for name in KUSTOMIZATIONS {
        let changed = cluster
            .merge_dynamic(&kustomizations(), Some(namespace::FLUX_SYSTEM), name, &change)
            .await;
        match changed {
            Ok(_) | Err(ClusterError::Missing { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Removes the releases, and with a wider scope the sources and Kustomizations too.
pub(super) async fn remove_flux(cluster: &Cluster, scope: ResetScope) -> Result<(), ClusterError> {
    all_gone(cluster, &releases(), Some(namespace::ALGA_SYSTEM)).await?;
    if scope == ResetScope::Data {
        return Ok(());
    }
    // A suspended Kustomization prunes nothing when it goes: the namespaces take everything with them.
    let in_flux = Some(namespace::FLUX_SYSTEM);
    gone(cluster, &kustomizations(), in_flux, &KUSTOMIZATIONS).await?;
    for source in [
        flux("source", "v1", "OCIRepository", "ocirepositories"),
        flux("source", "v1", "GitRepository", "gitrepositories"),
    ] {
        gone(cluster, &source, in_flux, &[object::FLUX_SOURCE]).await?;
    }
    Ok(())
}

/// Nothing of the application runs, and nothing claims its volumes.
pub(super) async fn remove_workloads(cluster: &Cluster, scope: ResetScope) -> Result<(), ClusterError> {
    if scope == ResetScope::Data {
        let msp = Some(namespace::MSP);
        all_gone(cluster, &ApiResource::erase::<Job>(&()), msp).await?;
        all_gone(cluster, &ApiResource::erase::<Pod>(&()), msp).await?;
        return all_gone(cluster, &ApiResource::erase::<PersistentVolumeClaim>(&()), msp).await;
    }
    gone(cluster, &ApiResource::erase::<Namespace>(&()), None, &NAMESPACES).await
}

/// The cluster knows no volume of the application any more.
pub(super) async fn remove_volumes(cluster: &Cluster) -> Result<(), ClusterError> {
    let volumes = application_volumes(cluster).await?;
    for volume in &volumes {
        cluster.delete_seen(volume).await?;
    }
    let names: Vec<_> = volumes.iter().map(ResourceExt::name_any).collect();
    absent(
        cluster,
        &ApiResource::erase::<PersistentVolume>(&()),
        None,
        &names,
    )
    .await
}

/// Has the control plane read its documents anew.
pub(super) async fn restart_control_plane(cluster: &Cluster) -> Result<(), ClusterError> {
    let labels = format!("app.kubernetes.io/name={}", names::CONTROL_PLANE_WORKLOAD);
    let pods: Vec<Pod> = cluster.list(Some(namespace::CONTROL_PLANE), &labels).await?;
    for pod in &pods {
        cluster
            .delete::<Pod>(pod.meta().namespace.as_deref(), &pod.name_any())
            .await?;
    }
    Ok(())
}

/// Deletes all objects of a kind and waits until they are gone.
async fn all_gone(
    cluster: &Cluster,
    resource: &ApiResource,
    namespace: Option<&str>,
) -> Result<(), ClusterError> {
    let names = match cluster.names_of(resource, namespace).await {
        Ok(names) => names,
        Err(ClusterError::Missing { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    gone(cluster, resource, namespace, &names).await
}

/// Deletes these objects and waits until they are gone.
async fn gone(
    cluster: &Cluster,
    resource: &ApiResource,
    namespace: Option<&str>,
    names: &[&str],
) -> Result<(), ClusterError> {
    let mut there = Vec::new();
    for name in names {
        match cluster.get_dynamic(resource, namespace, name).await {
            Ok(Some(_)) => there.push((*name).to_owned()),
            Ok(None) | Err(ClusterError::Missing { .. }) => continue,
            Err(error) => return Err(error),
        }
        cluster.delete_dynamic(resource, namespace, name).await?;
    }
    absent(cluster, resource, namespace, &there).await
}

async fn absent(
    cluster: &Cluster,
    resource: &ApiResource,
    namespace: Option<&str>,
    names: &[String],
) -> Result<(), ClusterError> {
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let wait = Wait {
        resource,
        namespace,
        names: &names,
        limit: GONE_LIMIT,
    };
    cluster.wait_until(&wait, judge_absent).await
}

/// Gone, or what keeps it: its finalizers, and what a namespace says of what is left in it.
fn judge_absent(live: Option<&DynamicObject>) -> Judgement {
    let Some(live) = live else {
        return Judgement::Reached;
    };
    let finalizers = live.metadata.finalizers.clone().unwrap_or_default();
    let mut held: Vec<_> = finalizers
        .iter()
        .map(|name| format!("finalizer {name}"))
        .collect();
    let conditions = live.data.pointer("/status/conditions").and_then(Value::as_array);
    for condition in conditions.into_iter().flatten() {
        let is_kept = condition["type"]
            .as_str()
            .is_some_and(|kind| kind.ends_with("Remaining"));
        if is_kept && condition["status"] == "True" {
            held.extend(condition["message"].as_str().map(str::to_owned));
        }
    }
    if held.is_empty() {
        held.push("it is being deleted".to_owned());
    }
    Judgement::Waiting(held.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(class: &str, claimed_from: &Value) -> PersistentVolume {
        let spec = json!({"storageClassName": class, "claimRef": claimed_from});
        serde_json::from_value(json!({"metadata": {"name": "v"}, "spec": spec})).unwrap()
    }

    #[test]
    fn only_volumes_of_our_class_that_the_application_claims_are_its() {
        let msp = json!({"namespace": "msp", "name": "db"});
        assert!(is_the_applications(&volume("local-path", &msp)));
        assert!(!is_the_applications(&volume("other", &msp)));
        assert!(!is_the_applications(&volume(
            "local-path",
            &json!({"namespace": "default", "name": "db"})
        )));
        assert!(!is_the_applications(&volume("local-path", &Value::Null)));
    }

    #[test]
    fn what_keeps_a_namespace_is_named() {
        let left = json!({"type": "NamespaceFinalizersRemaining", "status": "True",
            "message": "Some content in the namespace has finalizers remaining: x/y in 1 resource instances"});
        let quiet = json!({"type": "NamespaceContentRemaining", "status": "False", "message": "none"});
        let live: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "msp"},
            "status": {"conditions": [quiet, left]},
        }))
        .unwrap();
        let Judgement::Waiting(why) = judge_absent(Some(&live)) else {
            panic!("it is there");
        };
        assert!(
            why.contains("x/y in 1 resource") && !why.contains("none"),
            "{why}"
        );
        assert_eq!(judge_absent(None), Judgement::Reached);
    }
}
