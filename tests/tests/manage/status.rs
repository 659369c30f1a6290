//! `GET /api/manage/status`: every part apart, and what is not known said so.

use anyhow::{Result, ensure};
use appliance_common::release::reference::Digest;
use appliance_tests::registry::TestRegistry;
use appliance_tests::releases;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::scene::{Scene, deployment, selection, tools};

async fn status(scene: &Scene) -> Result<Value> {
    let answer = scene.get("/api/manage/status").await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(answer.body)
}

fn troubled(status: &Value) -> Vec<&str> {
    let errors = status["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().filter_map(|error| error["part"].as_str()).collect()
}

async fn core_is_ready(scene: &Scene) -> Result<()> {
    let generation = scene.releases().get("alga-core").await?.metadata.generation;
    let ready = json!({"status": {"observedGeneration": generation, "conditions": [
        {"type": "Ready", "status": "True", "reason": "Ready", "message": "ok", "lastTransitionTime": "2026-01-01T00:00:00Z"},
    ]}});
    scene
        .releases()
        .patch_status("alga-core", &PatchParams::default(), &Patch::Merge(ready))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_registry_that_is_away_is_an_error_of_its_part_and_never_an_update() -> Result<()> {
    let scene = Scene::start().await?;
    let status = status(&scene).await?;
    ensure!(troubled(&status).contains(&"release"), "{status}");
    let app = &status["app"];
    ensure!(
        app["updateAvailable"] == false && app["resolvedReleaseDigest"].is_null(),
        "{status}"
    );
    ensure!(
        app["version"] == "1.0.0" && app["check"]["state"] == "unknown",
        "{status}"
    );
    ensure!(status["controlPlane"]["upgradeState"] == "unknown", "{status}");
    ensure!(status["adminPasswordReset"]["available"] == true, "{status}");
    ensure!(
        status["adminPasswordReset"]["email"] == "ada@example.test",
        "{status}"
    );
    ensure!(status["support"]["capability"]["available"] == false, "{status}");
    Ok(())
}

#[tokio::test]
async fn digests_decide_what_is_offered_and_an_outage_keeps_the_last_answer() -> Result<()> {
    let mut registry = TestRegistry::start(&tools()?).await?;
    let host = registry.host();
    let scene = Scene::with_image("alga.test/app:1", &host).await?;
    let offered = Digest::of(b"a control plane");
    let mut release = releases::manifest(&host, "1.1.0");
    release["controlPlane"] = format!("{host}/nine-minds/alga-appliance-control-plane@{offered}").into();
    let pushed = releases::push(&host, "stable", release.to_string().as_bytes()).await?;

    let place = "alga-appliance-control-plane";
    let baked = deployment(
        place,
        "appliance-control-plane",
        "setup-api",
        "alga.test/control-plane:baked",
    );
    scene.apply(&baked).await?;
    let seen = status(&scene).await?;
    ensure!(
        seen["app"]["updateAvailable"] == true && seen["app"]["availableVersion"] == "1.1.0",
        "{seen}"
    );
    ensure!(
        seen["app"]["resolvedReleaseDigest"] == pushed.to_string(),
        "{seen}"
    );
    ensure!(
        seen["controlPlane"]["upgradeState"] == "unknown",
        "an image without a digest: {seen}"
    );
    ensure!(
        seen["controlPlane"]["reason"] == "running_image_without_digest",
        "{seen}"
    );

    for (running, expected) in [(Digest::of(b"another"), "available"), (offered, "current")] {
        let image = format!("{host}/nine-minds/alga-appliance-control-plane@{running}");
        let moved = deployment(place, "appliance-control-plane", "setup-api", &image);
        scene.apply(&moved).await?;
        let told = async || Ok(status(&scene).await?["controlPlane"]["upgradeState"] == expected);
        scene.until(expected, told).await?;
    }

    registry.kill();
    let kept = status(&scene).await?;
    ensure!(
        kept["app"]["resolvedReleaseDigest"] == pushed.to_string(),
        "{kept}"
    );
    ensure!(
        kept["app"]["resolvedAt"] == seen["app"]["resolvedAt"],
        "one minute is not over: {kept}"
    );

    // Another release was installed meanwhile: what was asked before is no answer to what is asked now.
    let mut pinned = selection(&host);
    pinned["manifestDigest"] = pushed.to_string().into();
    pinned["releaseRef"] = "1.0.5".into();
    scene.write("release-selection.json", &pinned)?;
    let asked_anew = status(&scene).await?;
    ensure!(
        asked_anew["app"]["resolvedReleaseDigest"].is_null(),
        "{asked_anew}"
    );
    ensure!(troubled(&asked_anew).contains(&"release"), "{asked_anew}");
    Ok(())
}

#[tokio::test]
async fn an_update_whose_process_is_gone_was_interrupted_and_a_failed_wait_is_over_when_the_release_is_ready()
-> Result<()> {
    let scene = Scene::start().await?;
    core_is_ready(&scene).await?;
    let document = |status: &str, owner: Value, failure: Value| {
        json!({"status": status, "phase": "update", "lastAction": "x", "updatedAt": "2026-01-01T00:00:00.000Z",
               "failure": failure, "update": {"scope": "application-only", "startedAt": "2026-01-01T00:00:00.000Z",
               "requestedChannel": "stable", "owner": owner}})
    };
    // Beyond what any kernel gives out: pid_max(5) is 2^22 at most.
    let dead = json!({"pid": 4_194_305, "startedAt": "2026-01-01T00:00:00.000Z"});
    scene.write(
        "install-state.json",
        &document("update-running", dead, Value::Null),
    )?;
    let update = status(&scene).await?["app"]["update"].clone();
    ensure!(
        update["status"] == "blocked"
            && update["category"] == "update-interrupted"
            && update["retrySafe"] == true,
        "{update}"
    );
    let failure = json!({"ok": false, "message": "not ready in time", "retrySafe": true});
    scene.write(
        "install-state.json",
        &document("update-blocked", Value::Null, failure),
    )?;
    let update = status(&scene).await?["app"]["update"].clone();
    ensure!(
        update["status"] == "idle" && update["message"].is_null(),
        "{update}"
    );
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_gives_no_answer_holds_no_answer_up() -> Result<()> {
    let scene = Scene::start().await?;
    scene.cluster.pause_api()?;
    let seen = status(&scene).await?;
    ensure!(seen["app"]["version"] == "1.0.0", "{seen}");
    ensure!(
        troubled(&seen).contains(&"cluster") && troubled(&seen).contains(&"license"),
        "{seen}"
    );
    ensure!(
        seen["license"]["status"] == "unknown" && seen["adminPasswordReset"]["available"] == false,
        "{seen}"
    );
    scene.cluster.resume_api()?;
    scene
        .until("it is known again", async || {
            Ok(status(&scene).await?["adminPasswordReset"]["available"] == true)
        })
        .await
}
