//! Many objects: what is read, and how often. The benchmark has the same with more of them, and measures.

use anyhow::{Result, ensure};
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::crowd;

use crate::scene::{AGENT, Page, tools};

const PODS: usize = 600;
const EVENTS: usize = 1_300;

#[tokio::test]
async fn thousands_of_events_are_read_page_by_page_and_the_forty_newest_are_shown() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    crowd::make(&cluster, PODS, EVENTS).await?;
    let page = Page::open(&cluster.kubeconfig()).await?;
    let status = page
        .wait("all pods are counted", |status| {
            status["kubernetes"]["podCount"] == PODS
        })
        .await?;
    let newest = |status: &serde_json::Value| {
        let events = status["recentEvents"].as_array().cloned().unwrap_or_default();
        let last = events
            .last()
            .map(|event| event["message"].clone())
            .unwrap_or_default();
        (events.len(), last)
    };
    let expected = (40, serde_json::json!(crowd::message(EVENTS - 1)));
    page.wait("the newest events are shown", |status| newest(status) == expected)
        .await?;
    let times: Vec<_> = status["recentEvents"].as_array().into_iter().flatten().collect();
    ensure!(times.is_sorted_by_key(|event| event["timestamp"].as_str().unwrap_or_default()));

    let requests = cluster.requests_of(AGENT)?;
    let lists = |path: &str| {
        requests
            .iter()
            .filter(|request| request.verb == "list" && request.uri.starts_with(path))
            .count()
    };
    ensure!(lists("/api/v1/pods?") == PODS.div_ceil(500), "{requests:?}");
    ensure!(lists("/api/v1/events?") == EVENTS.div_ceil(500), "{requests:?}");
    page.running.stop().await;
    Ok(())
}
