//! Storage on an API server without pods: the provisioner counts as running, and the storage test as passed.

use anyhow::{Context, Result};
use appliance_common::storage::{Images, manifest_text};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use crate::apply;

/// Applies the provisioner and plays the Deployment controller's part.
///
/// # Errors
/// What the API server did not take.
pub async fn roll_out(client: &Client) -> Result<()> {
    apply::yaml(client, "test", "default", &manifest_text(&Images::default())).await?;
    let deployments = Api::<Deployment>::namespaced(client.clone(), "local-path-storage");
    let provisioner = deployments.get("local-path-provisioner").await?;
    let status = json!({"status": {
        "observedGeneration": provisioner.metadata.generation.context("no generation")?,
        "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
    }});
    let (name, params) = (provisioner.name_any(), PatchParams::default());
    deployments
        .patch_status(&name, &params, &Patch::Merge(status))
        .await?;
    Ok(())
}

/// `storage-state.json` of a box on which the storage test has passed with the class that is there.
///
/// # Errors
/// When there is no class.
pub async fn proof(client: &Client) -> Result<Value> {
    let class = Api::<StorageClass>::all(client.clone()).get("local-path").await?;
    Ok(json!({"proof": {
        "storageClassUid": class.uid(), "passedAt": "2026-01-01T00:00:00.000Z",
        "provisionerImage": Images::default().provisioner.as_str(),
    }}))
}
