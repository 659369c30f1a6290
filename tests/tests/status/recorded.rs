//! What is on record against what is seen now (40 cases 10 and 22).

use anyhow::{Result, ensure};
use appliance_common::names::file;
use appliance_common::testing::{Reply, WebServer};
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::{apply, flux};
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::login::selection;
use crate::scene::{Page, tools};

#[tokio::test]
async fn case_10_an_api_that_is_lost_after_an_update_blocks_and_what_was_seen_is_stale() -> Result<()> {
    let mut cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let client = cluster.client().await?;
    let manifest = std::fs::read_to_string(flux::manifest(&tools()?)?.path)?;
    apply::yaml(&client, "test", "default", &manifest).await?;
    let nodes = Api::<Node>::all(client);
    let node = serde_json::from_value(json!({"metadata": {"name": "box"}}))?;
    nodes.create(&PostParams::default(), &node).await?;
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    nodes
        .patch_status("box", &PatchParams::default(), &Patch::Merge(ready))
        .await?;
    let documents = [
        (file::RELEASE_SELECTION, selection("http://127.0.0.1:1")),
        (
            file::INSTALL_STATE,
            json!({"status": "update-complete", "phase": "registry-release-source",
                   "lastAction": "The update is done"}),
        ),
    ];
    let page = Page::open_on(&cluster.kubeconfig(), "127.0.0.1:1", &documents).await?;
    let before = page
        .wait("everything is read", |status| {
            status["kubernetes"]["nodes"] == json!([{"name": "box", "ready": true}])
                && status["stale"] == false
        })
        .await?;
    ensure!(
        before["rollup"]["state"] == "installing",
        "{:#}",
        before["rollup"]
    );
    cluster.kill_api();
    let lost = page
        .wait("the loss is told", |status| {
            status["rollup"]["state"] == "blocked"
        })
        .await?;
    let message = lost["rollup"]["message"].as_str().unwrap_or_default();
    ensure!(
        message.starts_with("Kubernetes API unreachable since "),
        "{message}"
    );
    ensure!(
        lost["topBlockers"][0]["id"] == "api-unreachable",
        "{:#}",
        lost["topBlockers"]
    );
    ensure!(lost["stale"] == true && lost["cluster"]["reachable"] == false);
    ensure!(lost["status"] == "update-complete");
    ensure!(
        lost["kubernetes"]["nodes"] == before["kubernetes"]["nodes"],
        "the last good answer is still shown"
    );
    ensure!(lost["kubernetes"]["suppressedWarnings"] == json!([]));
    page.running.stop().await;
    Ok(())
}

#[tokio::test]
async fn case_22_a_look_that_succeeds_resolves_a_recorded_failure_of_the_network() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let registry = WebServer::start(|_| Reply::ok("{}")).await?;
    let state = json!({
        "status": "preflight-blocked", "phase": "network", "lastAction": "Checking the network",
        "failure": {
            "phase": "network", "step": "reach-ghcr", "message": "the registry did not answer",
            "suspectedCause": "outbound HTTPS is blocked", "suggestedNextStep": "allow it",
            "retrySafe": true,
        },
    });
    let documents = [(file::INSTALL_STATE, state)];
    let host = registry.address().to_string();
    let page = Page::open_on(&cluster.kubeconfig(), &host, &documents).await?;
    let resolved = |status: &Value| status["lastRecordedError"]["resolvedByLiveCheck"] == true;
    let status = page.wait("the look is made", resolved).await?;
    ensure!(status["network"]["ok"] == true, "{:#}", status["network"]);
    let recorded = &status["lastRecordedError"];
    ensure!(recorded["checkedAt"].is_string(), "{recorded}");
    ensure!(
        recorded["suspectedCause"] == "outbound HTTPS is blocked",
        "{recorded}"
    );
    let failures = status["failures"].as_array().map_or(0, Vec::len);
    ensure!(failures == 1, "{:#}", status["failures"]);
    let failure = &status["failures"][0];
    ensure!(
        (&failure["category"], &failure["resolved"]) == (&json!("network"), &json!(true)),
        "{failure}"
    );
    ensure!(!registry.requests().is_empty());
    page.running.stop().await;
    Ok(())
}
