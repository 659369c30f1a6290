//! What must stop a reconciliation, and what it must leave behind.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use appliance_common::process::chain;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, DeleteParams, PostParams};
use serde_json::json;

use crate::scene::{Scene, change, policy};

/// Far below every wait of the engine.
const EARLY: Duration = Duration::from_mins(1);

async fn fails(scene: &Scene) -> Result<String> {
    let error = scene.converge().await?.err().context("it succeeded")?;
    Ok(chain(&error))
}

#[tokio::test]
async fn k3s_own_provisioner_that_comes_back_is_named_and_nothing_is_left() -> Result<()> {
    let mut scene = Scene::start().await?;
    scene.settings.settle = Duration::from_secs(30);
    let started = Instant::now();
    let (text, bundled) = tokio::join!(fails(&scene), async {
        while !scene
            .said
            .lock()
            .unwrap()
            .iter()
            .any(|text| text.contains("no second provisioner"))
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        scene.bundled().await
    });
    bundled?;
    let text = text?;
    assert!(
        text.contains("kube-system/local-path-provisioner came back"),
        "{text}"
    );
    assert!(started.elapsed() < EARLY, "it is seen when it comes");
    scene.no_residue().await?;
    scene.settings.settle = Duration::ZERO;
    scene.converge().await??;
    assert!(!scene.has_bundled().await?);
    Ok(())
}

#[tokio::test]
async fn a_test_that_fails_is_told_at_once_with_its_log_and_cleaned_up() -> Result<()> {
    let mut scene = Scene::start().await?;
    scene.volume("app-1", "msp", "Retain").await?;
    scene.settings.images.helper = "alga.test/fails:1".parse().unwrap();
    let started = Instant::now();
    let text = fails(&scene).await?;
    assert!(started.elapsed() < EARLY, "{:?}", started.elapsed());
    assert!(
        text.contains("the storage test failed") && text.contains("a line of this container"),
        "{text}"
    );
    scene.no_residue().await?;
    assert_eq!(policy(&scene.volumes().get("app-1").await?), "Retain");
    assert!(!scene.record().exists(), "nothing is proven");
    scene.settings.images.helper = "busybox:1.36".parse().unwrap();
    scene.converge().await??;
    scene.no_residue().await
}

#[tokio::test]
async fn a_stall_ends_at_the_overall_deadline_and_names_what_was_going_on() -> Result<()> {
    let mut scene = Scene::start().await?;
    scene.settings.images.helper = "alga.test/hangs:1".parse().unwrap();
    scene.settings.limits.overall = Duration::from_secs(5);
    let text = fails(&scene).await?;
    assert!(
        text.contains("storage was not ready within 5 s; it was")
            && text.contains("testing that a volume can be written and read back"),
        "{text}"
    );
    assert!(!scene.record().exists(), "nothing is proven");
    scene.settings.images.helper = "busybox:1.36".parse().unwrap();
    scene.settings.limits.overall = Duration::from_mins(2);
    // The stalled run has the lock until its pod is gone.
    scene.settings.lock_attempts = 600;
    scene.converge().await??;
    scene.no_residue().await
}

#[tokio::test]
async fn a_claim_that_gets_no_volume_is_named_when_its_time_is_over() -> Result<()> {
    let mut scene = Scene::start().await?;
    scene.settings.limits.bound = Duration::from_secs(3);
    scene.provisioner.make_nothing();
    let text = fails(&scene).await?;
    assert!(
        text.contains("claim storage-smoke/storage-smoke-pvc is not bound after 3 s: Pending"),
        "{text}"
    );
    scene.no_residue().await
}

#[tokio::test]
async fn a_volume_that_the_provisioner_leaves_is_deleted_if_it_is_the_tests() -> Result<()> {
    let mut scene = Scene::start().await?;
    scene.settings.limits.gone = Duration::from_secs(15);
    scene.volume("app-1", "msp", "Retain").await?;
    scene.provisioner.remove_nothing();
    scene.converge().await??;
    scene.no_residue().await?;
    assert_eq!(
        scene.application_volumes().await?,
        [("app-1".to_owned(), "Retain".to_owned())]
    );
    Ok(())
}

#[tokio::test]
async fn a_namespace_that_does_not_go_is_named_with_its_finalizer() -> Result<()> {
    let mut scene = Scene::start().await?;
    scene.settings.limits.gone = Duration::from_secs(6);
    let stuck: Namespace = serde_json::from_value(json!({"metadata": {"name": "storage-smoke"}}))?;
    scene.namespaces().create(&PostParams::default(), &stuck).await?;
    let maps = Api::<ConfigMap>::namespaced(scene.client.clone(), "storage-smoke");
    let map: ConfigMap =
        serde_json::from_value(json!({"metadata": {"name": "held", "finalizers": ["example.test/held"]}}))?;
    maps.create(&PostParams::default(), &map).await?;
    let text = fails(&scene).await?;
    assert!(
        text.contains("Namespace storage-smoke does not go away within 6 s"),
        "{text}"
    );
    assert!(text.contains("example.test/held"), "{text}");
    let freed = json!({"metadata": {"finalizers": null}});
    change(&maps, "held", freed).await?;
    scene.settings.limits.gone = Duration::from_mins(1);
    scene.converge().await??;
    scene.no_residue().await
}

#[tokio::test]
async fn a_volume_with_a_strange_policy_or_maker_stops_the_sweep_and_stays() -> Result<()> {
    let scene = Scene::start().await?;
    scene.volume("strange", "storage-smoke", "Recycle").await?;
    let text = fails(&scene).await?;
    assert!(
        text.contains("volume strange has the unexpected reclaim policy Recycle"),
        "{text}"
    );
    assert_eq!(policy(&scene.volumes().get("strange").await?), "Recycle");
    scene
        .volumes()
        .delete("strange", &DeleteParams::default())
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_volume_that_changed_since_it_was_looked_at_is_refused_by_the_server() -> Result<()> {
    let scene = Scene::start().await?;
    let seen = scene.volume("rival", "storage-smoke", "Retain").await?;
    let Ok(appliance_common::storage::Release::Flip(patch)) = appliance_common::storage::releasable(&seen)
    else {
        anyhow::bail!("it is the test's");
    };
    let stolen = json!({"spec": {"claimRef": {"namespace": "msp"}}});
    change(&scene.volumes(), "rival", stolen).await?;
    let source = appliance_common::cluster::ClusterSource::new(scene.cluster.kubeconfig());
    let cluster = source
        .open(appliance_common::meter::Meter::default().into())
        .await?;
    let refused = cluster
        .patch_exactly::<k8s_openapi::api::core::v1::PersistentVolume>("rival", patch.operations())
        .await;
    assert!(
        matches!(
            refused,
            Err(appliance_common::cluster::ClusterError::Refused { .. })
        ),
        "{refused:?}"
    );
    assert_eq!(policy(&scene.volumes().get("rival").await?), "Retain");
    Ok(())
}

#[tokio::test]
async fn a_class_of_another_provisioner_is_left_alone() -> Result<()> {
    let scene = Scene::start().await?;
    let class = json!({"metadata": {"name": "local-path"}, "provisioner": "driver.example.test"});
    scene
        .classes()
        .create(&PostParams::default(), &serde_json::from_value(class)?)
        .await?;
    let text = fails(&scene).await?;
    assert!(
        text.contains("StorageClass local-path is of provisioner driver.example.test"),
        "{text}"
    );
    assert_eq!(
        scene.classes().get("local-path").await?.provisioner,
        "driver.example.test"
    );
    Ok(())
}
