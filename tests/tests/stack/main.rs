//! Everything together: Flux from its manifest, an artifact from the registry through the real
//! kustomize-controller, and the six sample charts up to Ready.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use appliance_tests::charts;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Secret};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, ListParams};
use serde_json::{Value, json};

mod bundles;
mod objects;
mod scene;

use objects::{RELEASES, helm_release};
use scene::{LIMIT, Scene, is_ready, push_bundle, ready, resource};

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_stack_comes_up_and_leaves_nothing_behind() -> Result<()> {
    let scene = Scene::start().await?;
    artifacts_go_through_the_real_kustomize_controller(&scene).await?;
    six_releases_become_ready_in_order(&scene).await?;
    volumes_are_bound(&scene).await?;
    an_upgrade_keeps_the_secrets_and_a_failed_one_is_told_apart(&scene).await?;

    let pids = scene.stack.process_ids();
    assert_eq!(pids.len(), 7);
    drop(scene);
    let left: Vec<_> = pids
        .iter()
        .filter(|pid| Path::new(&format!("/proc/{pid}")).exists())
        .collect();
    assert!(left.is_empty(), "still there: {left:?}");
    Ok(())
}

async fn artifacts_go_through_the_real_kustomize_controller(scene: &Scene) -> Result<()> {
    let map = "{apiVersion: v1, kind: ConfigMap, metadata: {name: from-flux, namespace: default}}";
    let files = [
        ("base/kustomization.yaml", "resources: [map.yaml]"),
        ("base/map.yaml", map),
        (
            "platform/kustomization.yaml",
            include_str!("../../../flux/base/platform/kustomization.yaml"),
        ),
    ];
    let host = scene.stack.registry.host();
    let digest = push_bundle(&host, "nine-minds/config", &files).await?;
    let url = format!("oci://{host}/nine-minds/config");

    scene
        .apply(objects::source(
            "bundle",
            &url,
            &format!("sha256:{}", "0".repeat(64)),
        ))
        .await?;
    let failed = |source: &Value| ready(source)["status"] == "False";
    let broken = scene
        .wait("OCIRepository", "flux-system", "bundle", failed)
        .await?;
    assert_eq!(ready(&broken)["reason"], "OCIArtifactPullFailed");

    scene.apply(objects::source("bundle", &url, &digest)).await?;
    let live = scene
        .wait("OCIRepository", "flux-system", "bundle", is_ready)
        .await?;
    assert_eq!(live["status"]["artifact"]["revision"], digest);
    scene.apply(objects::kustomization("bundle")).await?;
    scene
        .wait("Kustomization", "flux-system", "bundle", is_ready)
        .await?;
    let maps = Api::<ConfigMap>::namespaced(scene.client.clone(), "default");
    maps.get("from-flux").await?;

    // The bundle's platform step has no objects, and the application waits for its readiness.
    let mut platform = objects::kustomization("bundle");
    platform["metadata"]["name"] = json!("platform");
    platform["spec"]["path"] = json!("./platform");
    scene.apply(platform).await?;
    scene
        .wait("Kustomization", "flux-system", "platform", is_ready)
        .await?;

    let kind = resource("Kustomization");
    let kustomizations = Api::<DynamicObject>::namespaced_with(scene.client.clone(), "flux-system", &kind);
    kustomizations.delete("bundle", &DeleteParams::default()).await?;
    scene
        .wait("Kustomization", "flux-system", "bundle", Value::is_null)
        .await?;
    assert!(
        maps.get_opt("from-flux").await?.is_none(),
        "pruning is the controller's"
    );
    Ok(())
}

async fn six_releases_become_ready_in_order(scene: &Scene) -> Result<()> {
    let started = Instant::now();
    let target = format!("{}/nine-minds/charts", scene.stack.registry.host());
    assert_eq!(
        charts::push_all(&scene.tools, &target).await?.len(),
        RELEASES.len()
    );
    eprintln!("charts pushed after {:?}", started.elapsed());
    for object in objects::before_the_releases(&format!("oci://{target}")) {
        scene.apply(object).await?;
    }
    apply_through_flux(scene).await?;
    let mut since = Vec::new();
    for (name, ..) in RELEASES {
        let live = scene.wait("HelmRelease", "alga-system", name, is_ready).await?;
        since.push(
            ready(&live)["lastTransitionTime"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        );
    }
    scene
        .wait("Kustomization", "flux-system", "releases", is_ready)
        .await?;
    eprintln!("six releases ready after {:?}", started.elapsed());
    assert!(
        since[0] <= since[1] && since[1] <= since[3] && since[2] <= since[5],
        "{since:?}"
    );
    Ok(())
}

/// Has the real controller apply the releases and judge their health, as the product's bundle does.
async fn apply_through_flux(scene: &Scene) -> Result<()> {
    let names = RELEASES.map(|(name, ..)| format!("{name}.json")).join(", ");
    let mut files = vec![(
        "base/kustomization.yaml".to_owned(),
        format!("resources: [{names}]"),
    )];
    files.extend(RELEASES.map(|(name, chart, depends_on)| {
        (
            format!("base/{name}.json"),
            helm_release(name, chart, depends_on).to_string(),
        )
    }));
    let host = scene.stack.registry.host();
    let files: Vec<_> = files
        .iter()
        .map(|(path, content)| (path.as_str(), content.as_str()))
        .collect();
    let digest = push_bundle(&host, "nine-minds/releases", &files).await?;
    let url = format!("oci://{host}/nine-minds/releases");
    scene.apply(objects::source("releases", &url, &digest)).await?;
    scene.apply(objects::kustomization("releases")).await
}

async fn volumes_are_bound(scene: &Scene) -> Result<()> {
    let claims = Api::<PersistentVolumeClaim>::namespaced(scene.client.clone(), "msp");
    let bound = |claim: &PersistentVolumeClaim| {
        claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound")
    };
    let deadline = Instant::now() + LIMIT;
    loop {
        let claims = claims.list(&ListParams::default()).await?.items;
        if claims.len() == 3 && claims.iter().all(bound) {
            return Ok(());
        }
        assert!(Instant::now() < deadline, "claims are not bound");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn an_upgrade_keeps_the_secrets_and_a_failed_one_is_told_apart(scene: &Scene) -> Result<()> {
    let secrets = Api::<Secret>::namespaced(scene.client.clone(), "msp");
    let before = secrets.get("db-credentials").await?.data;
    let request = |at: &str| {
        let mut release = helm_release("alga-core", "sebastian", &[]);
        release["metadata"]["annotations"] =
            json!({"reconcile.fluxcd.io/requestedAt": at, "reconcile.fluxcd.io/forceAt": at});
        release
    };
    let handled = |at: &'static str| move |live: &Value| live["status"]["lastHandledReconcileAt"] == at;

    scene.apply(request("t1")).await?;
    let live = scene
        .wait("HelmRelease", "alga-system", "alga-core", handled("t1"))
        .await?;
    assert_eq!(ready(&live)["reason"], "UpgradeSucceeded");
    assert_eq!(live["status"]["history"][0]["version"], 2);
    assert!(before.is_some() && before == secrets.get("db-credentials").await?.data);

    scene.stack.helm.fail("alga-core", "the script says no");
    scene.apply(request("t2")).await?;
    let live = scene
        .wait("HelmRelease", "alga-system", "alga-core", handled("t2"))
        .await?;
    let conditions = live["status"]["conditions"].to_string();
    assert_eq!(ready(&live)["reason"], "UpgradeFailed");
    assert!(
        conditions.contains("the script says no") && conditions.contains("RetriesExceeded"),
        "{conditions}"
    );

    scene.stack.helm.stall("alga-core");
    scene.apply(request("t3")).await?;
    let is_running = |live: &Value| ready(live)["status"] == "Unknown";
    scene
        .wait("HelmRelease", "alga-system", "alga-core", is_running)
        .await?;
    scene.stack.helm.heal("alga-core");
    scene
        .wait("HelmRelease", "alga-system", "alga-core", is_ready)
        .await?;
    Ok(())
}

#[test]
fn every_chart_is_in_the_fixtures_in_the_version_that_is_pushed() -> Result<()> {
    for (chart, version) in charts::CHARTS {
        let text = std::fs::read_to_string(charts::source(chart).join("Chart.yaml"))?;
        assert!(
            text.contains(&format!("name: {chart}\nversion: {version}\n")),
            "{chart}"
        );
    }
    Ok(())
}
