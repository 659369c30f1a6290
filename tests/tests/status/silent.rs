//! An API server that says nothing, and one that is gone.

use std::time::Duration;

use anyhow::{Result, ensure};
use appliance_tests::cluster::{Parts, TestCluster};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::scene::{PLAIN, Page, tools};

/// Plays the kubelet of k3s, which renews its node's Lease every ten seconds.
#[expect(clippy::disallowed_methods, reason = "plays the kubelet, not the product")]
async fn kubelet(cluster: &TestCluster) -> Result<JoinHandle<()>> {
    let leases = Api::<Lease>::namespaced(cluster.client().await?, "kube-node-lease");
    let lease = json!({"metadata": {"name": "alga-appliance"}, "spec": {"holderIdentity": "alga-appliance"}});
    leases
        .create(&PostParams::default(), &serde_json::from_value(lease)?)
        .await?;
    Ok(tokio::spawn(async move {
        for renewal in 0_u32.. {
            let renewed = json!({"spec": {"leaseTransitions": renewal}});
            let _ = leases
                .patch("alga-appliance", &PatchParams::default(), &Patch::Merge(renewed))
                .await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
    }))
}

fn reachable(status: &Value) -> bool {
    status["cluster"]["reachable"] == true
}

fn unreachable(status: &Value) -> bool {
    status["cluster"]["reachable"] == false && status["cluster"]["since"].is_string()
}

#[tokio::test]
async fn a_server_that_stalls_is_noticed_named_and_noticed_again_when_it_goes_on() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let beating = kubelet(&cluster).await?;
    let page = Page::open(&cluster.kubeconfig()).await?;
    let before = page.settled(&cluster, PLAIN).await?;
    cluster.pause_api()?;
    let silent = page.wait("the silence is noticed", unreachable).await?;
    ensure!(silent["stale"] == true, "{:#}", silent["cluster"]);
    let message = silent["cluster"]["message"].as_str().unwrap_or_default();
    ensure!(message.contains("Kubernetes API server"), "{message}");
    ensure!(
        silent["kubernetes"]["podCount"] == before["kubernetes"]["podCount"],
        "the last good answer is shown"
    );
    for (name, tier) in silent["readinessTiers"].as_object().into_iter().flatten() {
        ensure!(
            tier["ready"] == false,
            "{name} is called ready by a server that says nothing"
        );
    }
    cluster.resume_api()?;
    let back = page.wait("the server is back", reachable).await?;
    ensure!(back["kubernetes"]["nodes"].is_array());
    page.settled(&cluster, PLAIN).await?;
    beating.abort();
    page.running.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_server_that_dies_is_named_and_everything_is_read_again_when_it_is_back() -> Result<()> {
    let mut cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let page = Page::open(&cluster.kubeconfig()).await?;
    page.settled(&cluster, PLAIN).await?;
    let mut stream = page.stream().await?;
    cluster.kill_api();
    stream
        .until("cluster", |cluster| cluster["reachable"] == false)
        .await?;
    ensure!(page.status().await?["stale"] == true);
    cluster.start_api().await?;
    stream
        .until("cluster", |cluster| cluster["reachable"] == true)
        .await?;
    page.settled(&cluster, PLAIN).await?;
    // The watches are open again: what comes now is seen.
    let nodes = Api::<k8s_openapi::api::core::v1::Node>::all(cluster.client().await?);
    let node = serde_json::from_value(json!({"metadata": {"name": "late"}}))?;
    nodes.create(&PostParams::default(), &node).await?;
    let has_it = |kubernetes: &Value| {
        kubernetes["nodes"]
            .as_array()
            .is_some_and(|nodes| nodes.len() == 1)
    };
    page.wait("the new node is shown", |status| has_it(&status["kubernetes"]))
        .await?;
    page.running.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_box_whose_cluster_comes_later_answers_meanwhile_and_finds_it() -> Result<()> {
    let later = tempfile::tempdir()?;
    let kubeconfig = later.path().join("kubeconfig");
    let page = Page::open(&kubeconfig).await?;
    let fresh = page
        .wait("it is said that there is no cluster", unreachable)
        .await?;
    for (name, tier) in fresh["readinessTiers"].as_object().into_iter().flatten() {
        ensure!(tier["signal"] == "unknown", "{name}: {tier}");
    }
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    std::fs::copy(cluster.kubeconfig(), &kubeconfig)?;
    page.settled(&cluster, PLAIN).await?;
    page.running.stop().await;
    Ok(())
}
