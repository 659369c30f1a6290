//! Objects of the application, and who plays their controllers.

use anyhow::Result;
use appliance_tests::apply;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

pub(crate) async fn applied(client: &Client, object: Value) -> Result<()> {
    apply::yaml(client, "test", "msp", &object.to_string())
        .await
        .map(drop)
}

pub(crate) async fn namespace(client: &Client, name: &str) -> Result<()> {
    applied(
        client,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
    )
    .await
}

pub(crate) fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "msp"},
        "spec": {
            "selector": {"matchLabels": {"a": name}},
            "template": {
                "metadata": {"labels": {"a": name}},
                "spec": {"containers": [{"name": "main", "image": "registry.invalid/x:1"}]},
            },
        },
    })
}

/// Plays the Deployment controller.
pub(crate) async fn rolls_out(client: &Client, name: &str, ready: i32) -> Result<()> {
    let status = json!({"status": {
        "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready,
        "availableReplicas": ready,
        "conditions": [{"type": "Available", "status": if ready > 0 { "True" } else { "False" }}],
    }});
    let deployments = Api::<Deployment>::namespaced(client.clone(), "msp");
    deployments
        .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
        .await?;
    Ok(())
}
