//! The application's address: recorded first, then in values and releases, whatever comes between.

use anyhow::{Context, Result, ensure};
use appliance_common::state_file::{FileLock, replace};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::scene::{CORE_VALUES, Scene, WORKER_VALUES, selection};

const NEW: &str = "http://192.168.1.50:3000";

async fn values(scene: &Scene, service: &str) -> Result<String> {
    let name = format!("appliance-values-{service}");
    let mut data = scene
        .api::<ConfigMap>("alga-system")
        .get(&name)
        .await?
        .data
        .unwrap_or_default();
    ensure!(
        data.get("a.other").map(String::as_str) == Some("kept"),
        "only one key is changed"
    );
    data.remove(&format!("{service}.single-node.yaml"))
        .context("no values")
}

async fn requested(scene: &Scene, service: &str) -> Result<Option<String>> {
    let release = scene.releases().get(service).await?;
    let annotations = release.metadata.annotations.unwrap_or_default();
    Ok(annotations.get("reconcile.fluxcd.io/requestedAt").cloned())
}

async fn change(scene: &Scene, body: Value) -> Result<crate::scene::Answer> {
    scene.post("/api/settings/app-url", body).await
}

async fn is_untouched(scene: &Scene) -> Result<()> {
    ensure!(values(scene, "alga-core").await? == CORE_VALUES);
    ensure!(values(scene, "temporal-worker").await? == WORKER_VALUES);
    for service in ["alga-core", "temporal-worker"] {
        ensure!(requested(scene, service).await?.is_none());
    }
    Ok(())
}

async fn is_there(scene: &Scene) -> Result<bool> {
    let core = CORE_VALUES
        .replace(
            "appUrl: https://old.example",
            "appUrl: \"http://192.168.1.50:3000\"",
        )
        .replace("host: old.example", "host: \"192.168.1.50\"")
        .replace("domainSuffix: lan", "domainSuffix: \"\"");
    let worker = WORKER_VALUES.replace(
        "publicBaseUrl: https://old.example",
        "publicBaseUrl: \"http://192.168.1.50:3000\"",
    );
    let asked = requested(scene, "alga-core").await?.is_some()
        && requested(scene, "temporal-worker").await?.is_some();
    Ok(values(scene, "alga-core").await? == core
        && values(scene, "temporal-worker").await? == worker
        && asked)
}

#[tokio::test]
async fn an_address_is_in_the_record_the_values_and_both_releases() -> Result<()> {
    let scene = Scene::start().await?;
    let body = json!({"appHostname": NEW, "dnsMode": "custom", "dnsServers": "10.0.0.53"});
    let answer = change(&scene, body.clone()).await?;
    ensure!(answer.status == 200, "{answer:?}");
    ensure!(answer.body["dns"]["appliesTo"] == "control-plane", "{answer:?}");
    ensure!(is_there(&scene).await?);
    let mut expected = selection("127.0.0.1:1");
    expected["runtime"] =
        json!({"appHostname": NEW, "dnsMode": "custom", "dnsServers": "10.0.0.53", "note": 1});
    let mut recorded = scene.document("release-selection.json")?;
    expected["updatedAt"] = recorded["updatedAt"].take();
    recorded["updatedAt"] = expected["updatedAt"].clone();
    ensure!(recorded == expected, "{recorded}");

    let first = requested(&scene, "alga-core").await?;
    ensure!(change(&scene, body).await?.status == 200, "a second time");
    ensure!(
        is_there(&scene).await? && requested(&scene, "alga-core").await? != first,
        "Flux is asked again"
    );
    ensure!(scene.audit()?.matches(r#""event":"appurl.changed""#).count() == 2);
    let status = scene.get("/api/manage/status").await?.body;
    ensure!(
        status["appUrl"]["url"] == NEW && status["appUrl"]["dnsServers"] == json!(["10.0.0.53"]),
        "{status}"
    );
    Ok(())
}

#[tokio::test]
async fn what_is_no_address_is_refused_by_field_and_changes_nothing() -> Result<()> {
    let scene = Scene::start().await?;
    let before = std::fs::read(scene.path("release-selection.json"))?;
    for bad in [
        "javascript:alert(1)",
        "http://",
        "https://u:p@h",
        "https://h:99999",
        "",
    ] {
        let answer = change(
            &scene,
            json!({"appHostname": bad, "dnsMode": "system", "dnsServers": ""}),
        )
        .await?;
        ensure!(
            answer.code() == (400, "invalid_inputs") && answer.body["fields"]["appHostname"].is_string(),
            "{answer:?}"
        );
    }
    let answer = change(
        &scene,
        json!({"appHostname": NEW, "dnsMode": "custom", "dnsServers": "box.lan"}),
    )
    .await?;
    ensure!(
        answer.code() == (400, "invalid_inputs") && answer.body["fields"]["dnsServers"].is_string(),
        "{answer:?}"
    );
    ensure!(std::fs::read(scene.path("release-selection.json"))? == before);
    is_untouched(&scene).await
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_never_written_over() -> Result<()> {
    let scene = Scene::start().await?;
    let torn = b"{\"selectedChannel\": \"nightly\", \"manifestDig";
    replace(&scene.path("release-selection.json"), torn, 0o600)?;
    let answer = change(&scene, json!({"appHostname": NEW})).await?;
    ensure!(answer.code() == (412, "selection_unreadable"), "{answer:?}");
    ensure!(std::fs::read(scene.path("release-selection.json"))? == torn);
    is_untouched(&scene).await?;
    std::fs::remove_file(scene.path("release-selection.json"))?;
    ensure!(change(&scene, json!({"appHostname": NEW})).await?.code() == (412, "not_installed"));
    Ok(())
}

#[tokio::test]
async fn values_without_a_place_for_it_are_found_before_anything_is_written() -> Result<()> {
    let scene = Scene::start().await?;
    let before = std::fs::read(scene.path("release-selection.json"))?;
    let broken = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "appliance-values-temporal-worker", "namespace": "alga-system"},
        "data": {"temporal-worker.single-node.yaml": "applicationUrl: x\n"},
    });
    scene.apply(&broken).await?;
    let answer = change(&scene, json!({"appHostname": NEW})).await?;
    ensure!(answer.code() == (412, "values_not_editable"), "{answer:?}");
    ensure!(
        answer.body["error"].to_string().contains("has no publicBaseUrl"),
        "{answer:?}"
    );
    ensure!(values(&scene, "alga-core").await? == CORE_VALUES);
    ensure!(std::fs::read(scene.path("release-selection.json"))? == before);
    Ok(())
}

#[tokio::test]
async fn an_address_is_not_changed_while_the_appliance_is() -> Result<()> {
    let scene = Scene::start().await?;
    let _lock = FileLock::try_acquire(&scene.path("update.lock"), "a test")?;
    let answer = change(&scene, json!({"appHostname": NEW})).await?;
    ensure!(answer.code() == (409, "operation_in_progress"), "{answer:?}");
    is_untouched(&scene).await
}

#[tokio::test]
async fn a_recorded_address_that_a_kill_kept_out_of_the_cluster_is_brought_about_at_the_next_start()
-> Result<()> {
    let mut scene = Scene::start().await?;
    // What a kill after the record and before the cluster leaves.
    let mut record = selection("127.0.0.1:1");
    record["runtime"]["appHostname"] = NEW.into();
    record["runtime"]["pendingSince"] = "2026-01-01T00:00:00.000Z".into();
    scene.write("release-selection.json", &record)?;
    is_untouched(&scene).await?;
    scene.restarted("127.0.0.1:1").await?;
    scene.app.manage.resume();
    scene
        .until("the address is there", async || is_there(&scene).await)
        .await?;
    scene
        .until("the record says so", async || {
            Ok(scene.document("release-selection.json")?["runtime"]
                .get("pendingSince")
                .is_none())
        })
        .await?;
    scene.app.manage.stop();
    Ok(())
}

#[tokio::test]
async fn a_release_that_is_missing_leaves_the_address_pending_until_it_is_there() -> Result<()> {
    let scene = Scene::start().await?;
    let releases = scene.releases();
    releases
        .delete("temporal-worker", &DeleteParams::default())
        .await?;
    let answer = change(&scene, json!({"appHostname": NEW})).await?;
    ensure!(
        answer.code() == (412, "address_pending") && answer.body["recorded"] == true,
        "{answer:?}"
    );
    let status = scene.get("/api/manage/status").await?.body;
    ensure!(
        status["appUrl"]["url"] == NEW && status["appUrl"]["pendingSince"].is_string(),
        "{status}"
    );
    let release = json!({
        "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
        "metadata": {"name": "temporal-worker", "namespace": "alga-system"}, "spec": {"interval": "10m"},
    });
    scene.apply(&release).await?;
    scene
        .until("it goes on by itself", async || is_there(&scene).await)
        .await?;
    scene.app.manage.stop();
    Ok(())
}
