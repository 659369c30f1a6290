//! The role of a box in the field gets the right to stream from pods, once.

use anyhow::{Result, ensure};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, DeleteParams};
use serde_json::json;

use crate::scene::Scene;

const ROLE: &str = "appliance-control-plane-setup-admin";

#[tokio::test]
async fn a_role_that_lacks_get_on_exec_gets_one_rule_and_a_second_start_changes_nothing() -> Result<()> {
    let scene = Scene::start().await?;
    // As on a box in the field, whose role is bound for good.
    scene.cluster.pod_kubeconfig(&["rbac-setup.yaml"]).await?;
    let roles = Api::<ClusterRole>::all(scene.client.clone());
    let too_few = json!([
        {"apiGroups": [""], "resources": ["pods", "pods/exec"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"]},
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["get", "patch", "escalate"]},
    ]);
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": ROLE},
        "rules": too_few,
    });
    scene.apply(&role).await?;
    scene.app.manage.resume();
    let live = async || anyhow::Ok(roles.get(ROLE).await?.rules.unwrap_or_default());
    scene
        .until("a rule was added", async || Ok(live().await?.len() == 4))
        .await?;
    scene.app.manage.stop();
    let mut expected = too_few;
    let added = json!({"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get", "create"]});
    if let Some(all) = expected.as_array_mut() {
        all.push(added);
    }
    ensure!(serde_json::to_value(live().await?)? == expected);

    let before = roles.get(ROLE).await?.metadata.resource_version;
    let asked = || {
        let requests = scene.cluster.requests_of("alga-appliance/")?;
        anyhow::Ok(
            requests
                .iter()
                .filter(|request| request.uri.contains(ROLE))
                .count(),
        )
    };
    let count = asked()?;
    scene.app.manage.resume();
    scene
        .until("the role was looked at again", async || Ok(asked()? > count))
        .await?;
    ensure!(roles.get(ROLE).await?.metadata.resource_version == before);
    scene.app.manage.stop();
    let bindings = Api::<ClusterRoleBinding>::all(scene.client.clone());
    bindings
        .delete("appliance-control-plane", &DeleteParams::default())
        .await?;
    roles.delete(ROLE, &DeleteParams::default()).await?;
    Ok(())
}
