//! Plays `rancher.io/local-path`: makes a volume for each claim the scheduler has put on a node, and takes
//! released volumes away when their policy says so. Binding is the real controller manager's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use super::StandIn;
use crate::cluster::client_of;

/// The provisioner's name in a `StorageClass`.
const PROVISIONER: &str = "rancher.io/local-path";

/// The Deployment it runs as; without it nothing is provisioned.
const DEPLOYMENT: &str = "local-path-provisioner";

/// Where its volumes are on the node.
const ROOT: &str = "/var/mnt/alga-data/local-path-provisioner";

const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

/// The running provisioner; dropping it ends it.
#[derive(Debug)]
#[must_use = "a stand-in ends when it is dropped"]
pub struct Provisioner {
    script: Arc<Script>,
    _task: StandIn,
}

/// What it leaves undone.
#[derive(Debug, Default)]
struct Script {
    no_volumes: AtomicBool,
    no_removals: AtomicBool,
}

impl Provisioner {
    /// Starts it on the cluster of a kubeconfig; it works while a Deployment `local-path-provisioner` there
    /// has a pod.
    ///
    /// # Errors
    /// The kubeconfig cannot be used.
    pub async fn start(kubeconfig: &Path) -> Result<Self> {
        let client = client_of(kubeconfig).await?;
        let script = Arc::new(Script::default());
        let followed = Arc::clone(&script);
        let task = StandIn::looking("local-path-provisioner", move || {
            look(client.clone(), Arc::clone(&followed))
        });
        Ok(Self { script, _task: task })
    }

    /// Makes no volume for any claim from now on.
    pub fn make_nothing(&self) {
        self.script.no_volumes.store(true, Ordering::Relaxed);
    }

    /// Takes no released volume away from now on.
    pub fn remove_nothing(&self) {
        self.script.no_removals.store(true, Ordering::Relaxed);
    }
}

async fn look(client: Client, script: Arc<Script>) -> Result<()> {
    if !is_deployed(&client).await? {
        return Ok(());
    }
    let all = ListParams::default();
    let classes = Api::<StorageClass>::all(client.clone()).list(&all).await?.items;
    let volumes = Api::<PersistentVolume>::all(client.clone());
    for claim in Api::<PersistentVolumeClaim>::all(client).list(&all).await?.items {
        let class = claim
            .spec
            .as_ref()
            .and_then(|spec| spec.storage_class_name.as_deref());
        let class = classes
            .iter()
            .find(|known| known.metadata.name.as_deref() == class);
        let Some(volume) = class.and_then(|class| volume_for(&claim, class)) else {
            continue;
        };
        if script.no_volumes.load(Ordering::Relaxed) {
            continue;
        }
        match volumes.create(&PostParams::default(), &volume).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            result => drop(result?),
        }
    }
    for volume in volumes
        .list(&all)
        .await?
        .items
        .iter()
        .filter(|volume| is_left_over(volume) && !script.no_removals.load(Ordering::Relaxed))
    {
        volumes
            .delete(&volume.name_any(), &DeleteParams::default())
            .await?;
    }
    Ok(())
}

async fn is_deployed(client: &Client) -> Result<bool> {
    let named = ListParams::default().fields(&format!("metadata.name={DEPLOYMENT}"));
    let found = Api::<Deployment>::all(client.clone()).list(&named).await?.items;
    let available = |deployment: &Deployment| deployment.status.as_ref()?.available_replicas;
    Ok(found
        .iter()
        .any(|deployment| available(deployment).unwrap_or_default() > 0))
}

/// The volume a claim waits for, if it waits for one of ours and the scheduler has chosen a node.
fn volume_for(claim: &PersistentVolumeClaim, class: &StorageClass) -> Option<PersistentVolume> {
    let spec = claim.spec.as_ref()?;
    let node = claim.annotations().get(SELECTED_NODE)?;
    if class.provisioner != PROVISIONER
        || spec.volume_name.is_some()
        || claim.metadata.deletion_timestamp.is_some()
    {
        return None;
    }
    let (namespace, name, uid) = (claim.namespace()?, claim.name_any(), claim.uid()?);
    let volume = json!({
        "metadata": {"name": format!("pvc-{uid}"), "annotations": {PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "accessModes": spec.access_modes,
            "capacity": spec.resources.as_ref()?.requests,
            "persistentVolumeReclaimPolicy": class.reclaim_policy.as_deref().unwrap_or("Delete"),
            "storageClassName": class.name_any(),
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                "namespace": namespace, "name": name, "uid": uid},
            "hostPath": {"path": format!("{ROOT}/pvc-{uid}_{namespace}_{name}"), "type": "DirectoryOrCreate"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]},
            ]}]}},
        },
    });
    serde_json::from_value(volume).ok()
}

/// Whether a volume of ours lost its claim and is not to be kept.
fn is_left_over(volume: &PersistentVolume) -> bool {
    let policy = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
    let phase = volume.status.as_ref().and_then(|status| status.phase.as_deref());
    volume
        .annotations()
        .get(PROVISIONED_BY)
        .is_some_and(|by| by == PROVISIONER)
        && policy == Some("Delete")
        && phase == Some("Released")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(annotations: &serde_json::Value) -> PersistentVolumeClaim {
        serde_json::from_value(json!({
            "metadata": {"name": "data", "namespace": "msp", "uid": "u1", "annotations": annotations},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }))
        .unwrap()
    }

    fn class(provisioner: &str) -> StorageClass {
        serde_json::from_value(json!({
            "metadata": {"name": "local-path"}, "provisioner": provisioner, "reclaimPolicy": "Retain",
        }))
        .unwrap()
    }

    #[test]
    fn a_claim_gets_a_volume_once_a_node_is_chosen() {
        let chosen = claim(&json!({SELECTED_NODE: "n1"}));
        let volume = volume_for(&chosen, &class(PROVISIONER)).unwrap();
        assert_eq!(volume.name_any(), "pvc-u1");
        assert_eq!(
            volume.spec.unwrap().persistent_volume_reclaim_policy.as_deref(),
            Some("Retain")
        );
        assert!(volume_for(&claim(&json!({})), &class(PROVISIONER)).is_none());
        assert!(volume_for(&chosen, &class("example.org/other")).is_none());
    }

    #[test]
    fn only_our_released_volumes_with_policy_delete_are_taken_away() {
        let volume = |by: &str, policy: &str, phase: &str| {
            serde_json::from_value(json!({
                "metadata": {"name": "v", "annotations": {PROVISIONED_BY: by}},
                "spec": {"persistentVolumeReclaimPolicy": policy},
                "status": {"phase": phase},
            }))
            .unwrap()
        };
        assert!(is_left_over(&volume(PROVISIONER, "Delete", "Released")));
        assert!(!is_left_over(&volume(PROVISIONER, "Retain", "Released")));
        assert!(!is_left_over(&volume(PROVISIONER, "Delete", "Bound")));
        assert!(!is_left_over(&volume("other", "Delete", "Released")));
    }
}
