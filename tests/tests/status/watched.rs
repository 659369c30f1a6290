//! What is in the cluster is in the document, and what changes there is on the stream.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::faults::before_the_api;
use appliance_tests::faults::fault::Fault;
use appliance_tests::faults::script::{Rule, Script, Stage, Verb};
use appliance_tests::{apply, flux};
use futures::future::try_join_all;
use kube::api::{Api, DeleteParams};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::objects::{applied, deployment, namespace, rolls_out};
use crate::scene::{AGENT, PLAIN, Page, WITH_FLUX, tools};

/// The contract's own measure: whoever polls does so every five seconds or more often (40 W-6).
const LONGER_THAN_ANY_POLL: Duration = Duration::from_secs(6);

/// The kind without a schema, so that anything can be in an object.
fn lenient_helm_releases() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "helmreleases.helm.toolkit.fluxcd.io"},
        "spec": {
            "group": "helm.toolkit.fluxcd.io", "scope": "Namespaced",
            "names": {"kind": "HelmRelease", "listKind": "HelmReleaseList", "plural": "helmreleases",
                      "singular": "helmrelease"},
            "versions": [{"name": "v2", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            }}}],
        },
    })
}

fn is_ready(components: &Value, name: &str) -> bool {
    components
        .as_array()
        .into_iter()
        .flatten()
        .any(|component| component["name"] == name && component["ready"] == true)
}

#[tokio::test]
async fn a_change_in_the_cluster_is_on_the_stream_and_nothing_is_asked_for_it() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let client = cluster.client().await?;
    let manifest = std::fs::read_to_string(flux::manifest(&tools()?)?.path)?;
    apply::yaml(&client, "test", "default", &manifest).await?;
    namespace(&client, "msp").await?;
    let page = Page::open(&cluster.pod_kubeconfig(&[]).await?).await?;
    page.settled(&cluster, WITH_FLUX).await?;
    let before = cluster.requests_of(AGENT)?.len();
    let nothing_was_asked = || {
        let requests = cluster.requests_of(AGENT)?;
        ensure!(
            requests.len() == before,
            "requests were made: {:?}",
            &requests[before..]
        );
        anyhow::Ok(())
    };
    let mut stream = page.stream().await?;
    applied(&client, deployment("pgbouncer")).await?;
    // Longer than any poll that would be worth the name, and all the while the stream follows.
    let until = Instant::now() + LONGER_THAN_ANY_POLL;
    let mut ready = 0;
    while ready == 0 || Instant::now() < until {
        ready = 1 - ready;
        rolls_out(&client, "pgbouncer", ready).await?;
        stream
            .until("components", |components| {
                is_ready(components, "pgbouncer") == (ready == 1)
            })
            .await?;
        nothing_was_asked()?;
    }
    let answers = try_join_all((0..100).map(|_| page.status())).await?;
    ensure!(
        answers
            .iter()
            .all(|status| status["cluster"]["reachable"] == true)
    );
    nothing_was_asked()?;
    page.running.stop().await;
    Ok(())
}

#[tokio::test]
async fn while_new_calls_take_two_seconds_changes_come_as_ever() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let client = cluster.client().await?;
    namespace(&client, "msp").await?;
    let (proxy, kubeconfig) = before_the_api(&cluster, Script::new(Stage::default(), Arc::default())).await?;
    let page = Page::open(&kubeconfig).await?;
    page.settled(&cluster, PLAIN).await?;
    let mut stream = page.stream().await?;
    proxy.script().delay_by(Duration::from_secs(2));
    proxy.script().arm([Rule {
        during: None,
        verb: Verb::Any,
        path: "/".to_owned(),
        nth: 1,
        fault: Fault::Delay,
        times: None,
    }]);
    applied(&client, deployment("email-service")).await?;
    rolls_out(&client, "email-service", 1).await?;
    stream
        .until("components", |components| is_ready(components, "email-service"))
        .await?;
    page.status().await?;
    page.running.stop().await;
    Ok(())
}

/// Case 29: however long a collection takes, there is an answer, and it says how old it is.
#[tokio::test]
async fn while_a_list_does_not_come_the_rest_is_served_with_its_age() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let (proxy, kubeconfig) = before_the_api(&cluster, Script::new(Stage::default(), Arc::default())).await?;
    proxy.script().arm([Rule {
        during: None,
        verb: Verb::Any,
        path: "/api/v1/pods".to_owned(),
        nth: 1,
        fault: Fault::Stall,
        times: None,
    }]);
    let page = Page::open(&kubeconfig).await?;
    let others_are_read = |status: &Value| {
        let kubernetes = &status["kubernetes"];
        kubernetes["jobCount"].is_number() && kubernetes["podCount"].is_null()
    };
    page.wait("all but the pods is read", others_are_read).await?;
    for status in try_join_all((0..100).map(|_| page.status())).await? {
        ensure!(status["ageSeconds"].is_number(), "{:#}", status["ageSeconds"]);
        ensure!(others_are_read(&status) && status["cluster"]["reachable"] == true);
    }
    proxy.script().lift();
    page.wait("the pods are read too", |status| {
        status["kubernetes"]["podCount"] == 0
    })
    .await?;
    page.running.stop().await;
    Ok(())
}

#[tokio::test]
async fn kinds_that_come_later_are_found_and_one_object_that_is_no_object_stops_nothing() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let client = cluster.client().await?;
    namespace(&client, "alga-system").await?;
    let page = Page::open(&cluster.pod_kubeconfig(&[]).await?).await?;
    let before = page.settled(&cluster, PLAIN).await?;
    ensure!(
        before["flux"]["helmReleases"]
            .as_array()
            .is_some_and(Vec::is_empty)
    );
    applied(&client, lenient_helm_releases()).await?;

    let release = |name: &str, suspend: Value| {
        json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": name, "namespace": "alga-system"},
            "spec": {"suspend": suspend, "chart": {"spec": {"chart": name}}, "interval": "5m"},
        })
    };
    applied(&client, release("alga-core", json!(false))).await?;
    applied(&client, release("pgbouncer", json!(["what is this"]))).await?;
    applied(&client, release("temporal", json!(false))).await?;
    let has = |status: &Value, name: &str| {
        let rows = status["flux"]["helmReleases"].as_array();
        rows.into_iter()
            .flatten()
            .any(|row| row["name"] == name && row["signal"] != "unknown")
    };
    let status = page
        .wait("both releases that are releases are shown", |status| {
            has(status, "alga-core") && has(status, "temporal")
        })
        .await?;
    ensure!(!has(&status, "pgbouncer"), "{:#}", status["flux"]);
    // The kind goes on: what comes after the unclear one is seen, and what goes is gone.
    let releases = Api::<kube::api::DynamicObject>::namespaced_with(
        client.clone(),
        "alga-system",
        &kube::api::ApiResource::from_gvk(&kube::core::GroupVersionKind::gvk(
            "helm.toolkit.fluxcd.io",
            "v2",
            "HelmRelease",
        )),
    );
    releases
        .delete("temporal", &DeleteParams::default())
        .await
        .context("deleting a release")?;
    page.wait("the deleted release is gone", |status| {
        !has(status, "temporal") && has(status, "alga-core")
    })
    .await?;
    page.running.stop().await;
    Ok(())
}
