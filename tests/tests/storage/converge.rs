//! From any state to the wanted one, and no further.

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::scene::{Scene, change, policy};

/// Most requests of a first reconciliation with its test.
const MAX_FIRST: usize = 36;
/// Most requests of one that finds everything in place.
const MAX_CONVERGED: usize = 10;

#[tokio::test]
async fn a_fresh_cluster_gets_storage_that_was_tested_and_a_second_run_writes_nothing() -> Result<()> {
    let scene = Scene::start().await?;
    let before = scene.requests()?.len();
    let report = scene.converge().await??;
    let first = scene.requests()?.split_off(before);
    assert!(first.len() <= MAX_FIRST, "{} requests: {first:#?}", first.len());
    assert!(
        report.summary().contains("the host agent is not running"),
        "{}",
        report.summary()
    );
    let class = scene.classes().get("local-path").await?;
    assert_eq!(
        (
            class.provisioner.as_str(),
            class.reclaim_policy.as_deref(),
            class.volume_binding_mode.as_deref()
        ),
        (
            "rancher.io/local-path",
            Some("Retain"),
            Some("WaitForFirstConsumer")
        )
    );
    for namespace in ["local-path-storage", "msp"] {
        let live = scene.namespaces().get(namespace).await?;
        for mode in ["enforce", "audit", "warn"] {
            let label = live.labels().get(&format!("pod-security.kubernetes.io/{mode}"));
            assert_eq!(
                label.map(String::as_str),
                Some("privileged"),
                "{namespace} {mode}"
            );
        }
    }
    scene.no_residue().await?;
    let said = scene.said.lock().unwrap().clone();
    assert!(said.iter().any(|text| text.starts_with("1 of ")), "{said:#?}");
    let record: Value = serde_json::from_slice(&std::fs::read(scene.record())?)?;
    assert_eq!(record["proof"]["storageClassUid"], json!(class.uid()));

    nothing_is_written(&scene).await
}

async fn nothing_is_written(scene: &Scene) -> Result<()> {
    let before = scene.requests()?.len();
    // How long that takes is the benchmark's.
    let report = scene.converge().await??;
    assert_eq!(report.done, Vec::<String>::new());
    let requests = scene.requests()?.split_off(before);
    let reads = |line: &&String| line.starts_with("get ") || line.starts_with("list ");
    assert_eq!(
        requests.iter().filter(reads).count(),
        requests.len(),
        "{requests:#?}"
    );
    assert!(requests.len() <= MAX_CONVERGED, "{requests:#?}");
    Ok(())
}

#[tokio::test]
async fn the_applications_volumes_are_kept_and_what_a_test_left_goes() -> Result<()> {
    let scene = Scene::start().await?;
    for (name, namespace, policy) in [
        ("app-1", "msp", "Delete"),
        ("app-2", "msp", "Retain"),
        ("app-3", "elsewhere", "Delete"),
        ("leaked-1", "storage-smoke", "Retain"),
        ("leaked-2", "storage-smoke", "Delete"),
    ] {
        scene.volume(name, namespace, policy).await?;
    }
    let left: Namespace = serde_json::from_value(json!({"metadata": {"name": "storage-smoke"}}))?;
    scene.namespaces().create(&PostParams::default(), &left).await?;
    scene.converge().await??;
    scene.no_residue().await?;
    let kept = |name: &str| (name.to_owned(), "Retain".to_owned());
    let expected = vec![kept("app-1"), kept("app-2"), kept("app-3")];
    assert_eq!(scene.application_volumes().await?, expected);

    // Whoever changes one back is corrected without a new test. Its claim is gone: the provisioner would
    // take it away at once.
    scene.provisioner.remove_nothing();
    let class = scene.classes().get("local-path").await?.uid();
    let back = json!({"spec": {"persistentVolumeReclaimPolicy": "Delete"}});
    change(&scene.volumes(), "app-2", back).await?;
    let report = scene.converge().await??;
    assert_eq!(report.done, ["keeping volumes when their claims go: app-2"]);
    assert_eq!(policy(&scene.volumes().get("app-2").await?), "Retain");
    assert_eq!(scene.classes().get("local-path").await?.uid(), class);
    Ok(())
}

#[tokio::test]
async fn k3s_own_class_and_provisioner_give_way_and_the_new_class_is_tested() -> Result<()> {
    let scene = Scene::start().await?;
    scene.bundled().await?;
    let class = json!({
        "metadata": {"name": "local-path", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "rancher.io/local-path", "volumeBindingMode": "WaitForFirstConsumer", "reclaimPolicy": "Delete",
    });
    let made = scene
        .classes()
        .create(&PostParams::default(), &serde_json::from_value(class)?)
        .await?;
    scene.volume("app-1", "msp", "Delete").await?;
    let plan = scene.storage().await?.look().await?.lines();
    assert!(
        plan.iter()
            .any(|line| line.contains("its reclaim policy is Delete")),
        "{plan:#?}"
    );
    assert!(scene.has_bundled().await?, "a look changes nothing");

    let report = scene.converge().await??;
    assert!(!scene.has_bundled().await?);
    let class = scene.classes().get("local-path").await?;
    assert_ne!(class.uid(), made.uid());
    assert_eq!(class.reclaim_policy.as_deref(), Some("Retain"));
    assert_eq!(class.annotations().len(), 0);
    assert!(
        report
            .done
            .last()
            .context("nothing")?
            .contains("written and read back"),
        "{:?}",
        report.done
    );
    assert_eq!(policy(&scene.volumes().get("app-1").await?), "Retain");
    scene.no_residue().await
}

#[tokio::test]
async fn a_lock_that_a_living_process_holds_is_waited_for_and_left() -> Result<()> {
    let mut scene = Scene::start().await?;
    scene.settings.lock_attempts = 3;
    let storage = scene.settings.clone();
    let held = appliance_common::storage::StorageLock::acquire(&storage, "another run", |_| {}).await?;
    let error = scene.converge().await?.unwrap_err();
    let text = appliance_common::process::chain(&error);
    assert!(text.contains("held by another run"), "{text}");
    drop(held);
    scene.converge().await??;
    Ok(())
}
