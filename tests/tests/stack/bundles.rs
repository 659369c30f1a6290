//! What the appliance's parent Kustomization makes of bundles, with the real kustomize-controller: published
//! ones that cannot be edited, and ones that lack what it patches.

use anyhow::{Context, Result};
use appliance_control_plane::setup::objects::kustomization;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Api;
use kube::api::{DeleteParams, DynamicObject};
use serde_json::{Value, json};

use crate::objects::{self, helm_release};
use crate::scene::{Scene, is_ready, push_bundle, resource};

/// Repository of the bundles.
const REPOSITORY: &str = "nine-minds/published";

/// The namespaces of a published bundle: without the annotation.
fn namespaces(names: &[&str]) -> String {
    let namespace = |name: &&str| {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        format!("---\n{namespace}\n")
    };
    names.iter().map(namespace).collect()
}

fn child(name: &str) -> String {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": "flux-system"},
        "spec": {"interval": "5m0s", "retryInterval": "1m0s", "timeout": "1m0s", "prune": true,
                 "path": format!("./{name}"), "sourceRef": {"kind": "OCIRepository", "name": "alga-appliance"}},
    })
    .to_string()
}

/// The second status service of published bundles.
fn status_service() -> String {
    let labels = json!({"app": "appliance-status"});
    let meta = json!({"name": "appliance-status", "namespace": "appliance-system"});
    let container = json!({"name": "status", "image": "node:20-alpine"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
        "spec": {"selector": {"matchLabels": labels},
                 "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}},
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "appliance-status-readonly"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "name": "appliance-status", "namespace": "appliance-system"}],
    });
    let kept = json!({"apiVersion": "v1", "kind": "ConfigMap",
                      "metadata": {"name": "kept", "namespace": "appliance-system"}});
    format!("---\n{deployment}\n---\n{binding}\n---\n{kept}\n")
}

/// Publishes a bundle and points the source at it.
async fn follow(scene: &Scene, files: &[(&str, &str)]) -> Result<String> {
    let host = scene.stack.registry.host();
    let digest = push_bundle(&host, REPOSITORY, files).await?;
    let url = format!("oci://{host}/{REPOSITORY}");
    scene
        .apply(objects::source("alga-appliance", &url, &digest))
        .await?;
    Ok(digest)
}

async fn applied(scene: &Scene, name: &str, digest: &str) -> Result<Value> {
    let is_applied = |live: &Value| {
        let revision = live["status"]["lastAppliedRevision"].as_str().unwrap_or_default();
        is_ready(live) && revision.contains(digest)
    };
    scene.wait("Kustomization", "flux-system", name, is_applied).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bundle_is_hardened_and_none_can_take_the_data_away() -> Result<()> {
    let scene = Scene::start().await?;
    for name in ["msp", "alga-system", "appliance-system"] {
        let annotations = json!({"kustomize.toolkit.fluxcd.io/prune": "disabled"});
        let meta = json!({"name": name, "annotations": annotations});
        scene
            .apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": meta}))
            .await?;
    }
    let data = json!({"name": "customer-data", "namespace": "msp"});
    scene
        .apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": data}))
        .await?;

    a_published_bundle_is_hardened(&scene).await?;
    the_data_is_there(&scene).await?;
    a_bundle_that_lacks_everything_that_is_patched_builds(&scene).await?;
    the_data_is_there(&scene).await?;
    the_kustomization_goes(&scene).await?;
    the_data_is_there(&scene).await
}

async fn a_published_bundle_is_hardened(scene: &Scene) -> Result<()> {
    let mut core = helm_release("alga-core", "sebastian", &[]);
    core["spec"]["suspend"] = json!(true);
    let mut own = helm_release("temporal", "temporal", &[]);
    own["spec"]["suspend"] = json!(true);
    let (core, own) = (core.to_string(), own.to_string());
    let (spaces, platform) = (
        namespaces(&["msp", "alga-system", "appliance-system"]),
        child("platform"),
    );
    let (releases, service) = (child("core"), status_service());
    let files = [
        (
            "base/kustomization.yaml",
            "resources: [namespaces.yaml, platform.json, core.json]",
        ),
        ("base/namespaces.yaml", spaces.as_str()),
        ("base/platform.json", platform.as_str()),
        ("base/core.json", releases.as_str()),
        ("platform/kustomization.yaml", "resources: [status.yaml]"),
        ("platform/status.yaml", service.as_str()),
        ("core/kustomization.yaml", "resources: [core.json, temporal.json]"),
        ("core/core.json", core.as_str()),
        ("core/temporal.json", own.as_str()),
    ];
    let digest = follow(scene, &files).await?;
    scene.apply(serde_json::to_value(parent())?).await?;
    for name in ["alga-appliance", "platform", "core"] {
        applied(scene, name, &digest).await?;
    }
    the_releases_are_patched(scene).await?;
    the_status_service_is_left_out(scene).await
}

async fn the_releases_are_patched(scene: &Scene) -> Result<()> {
    let live = scene
        .wait("HelmRelease", "alga-system", "alga-core", Value::is_object)
        .await?;
    assert_eq!(live["spec"]["install"]["remediation"]["retries"], -1, "{live:#}");
    assert_eq!(
        live["spec"]["install"]["disableWait"], true,
        "what is not ours stays"
    );
    assert_eq!(live["spec"]["upgrade"]["remediation"]["retries"], 5);
    assert_eq!(
        live["spec"]["upgrade"]["remediation"]["remediateLastFailure"],
        false
    );
    let renderer = &live["spec"]["postRenderers"][0]["kustomize"]["patches"][0];
    assert_eq!(renderer["target"]["kind"], "PersistentVolumeClaim");
    assert!(
        renderer["patch"]
            .as_str()
            .is_some_and(|patch| patch.contains("helm.sh/resource-policy"))
    );
    let other = scene
        .wait("HelmRelease", "alga-system", "temporal", Value::is_object)
        .await?;
    assert_eq!(other["spec"].get("postRenderers"), None);
    assert_eq!(other["spec"]["install"]["remediation"]["retries"], -1);

    Ok(())
}

async fn the_status_service_is_left_out(scene: &Scene) -> Result<()> {
    let deployments = Api::<Deployment>::namespaced(scene.client.clone(), "appliance-system");
    assert!(deployments.get_opt("appliance-status").await?.is_none());
    let bindings = Api::<ClusterRoleBinding>::all(scene.client.clone());
    assert!(bindings.get_opt("appliance-status-readonly").await?.is_none());
    let maps = Api::<ConfigMap>::namespaced(scene.client.clone(), "appliance-system");
    maps.get("kept").await?;
    Ok(())
}

/// The parent as setup applies it.
fn parent() -> DynamicObject {
    let parent = kustomization();
    let mut object = parent.object;
    object.types = Some(kube::core::TypeMeta {
        api_version: parent.resource.api_version,
        kind: parent.resource.kind,
    });
    object
}

async fn a_bundle_that_lacks_everything_that_is_patched_builds(scene: &Scene) -> Result<()> {
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "only", "namespace": "default"}});
    let map = map.to_string();
    let files = [
        ("base/kustomization.yaml", "resources: [map.json]"),
        ("base/map.json", map.as_str()),
    ];
    let digest = follow(scene, &files).await?;
    applied(scene, "alga-appliance", &digest).await?;
    for child in ["platform", "core"] {
        scene
            .wait("Kustomization", "flux-system", child, Value::is_null)
            .await?;
    }
    Ok(())
}

async fn the_kustomization_goes(scene: &Scene) -> Result<()> {
    let kustomizations = Api::<DynamicObject>::namespaced_with(
        scene.client.clone(),
        "flux-system",
        &resource("Kustomization"),
    );
    kustomizations
        .delete("alga-appliance", &DeleteParams::default())
        .await?;
    scene
        .wait("Kustomization", "flux-system", "alga-appliance", Value::is_null)
        .await?;
    let maps = Api::<ConfigMap>::namespaced(scene.client.clone(), "default");
    assert!(maps.get_opt("only").await?.is_none(), "it did prune");
    Ok(())
}

async fn the_data_is_there(scene: &Scene) -> Result<()> {
    let spaces = Api::<Namespace>::all(scene.client.clone());
    for name in ["msp", "alga-system", "appliance-system"] {
        let live = spaces
            .get(name)
            .await
            .with_context(|| format!("{name} is gone"))?;
        assert!(live.metadata.deletion_timestamp.is_none(), "{name} is going");
    }
    let maps = Api::<ConfigMap>::namespaced(scene.client.clone(), "msp");
    maps.get("customer-data").await.context("the data is gone")?;
    Ok(())
}
