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
use k8s_openapi::api::apps::v1::Deployment;
use kube::Client;
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::scene::{AGENT, PLAIN, Page, WITH_FLUX, tools};

async fn applied(client: &Client, object: Value) -> Result<()> {
    apply::yaml(client, "test", "msp", &object.to_string())
        .await
        .map(drop)
}

async fn namespace(client: &Client, name: &str) -> Result<()> {
    applied(
        client,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
    )
    .await
}

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

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "msp"},
        "spec": {
            "selector": {"matchLabels": {"a": name}},
            "template": {
                "metadata": {"labels": {"a": name}},
                "spec": {"containers": [{"name": "main", "image": "registry.invalid/x:1"}]},
            },
        },
    })
}

/// Plays the Deployment controller.
async fn rolls_out(client: &Client, name: &str, ready: i32) -> Result<()> {
    let status = json!({"status": {
        "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": ready,
        "availableReplicas": ready,
        "conditions": [{"type": "Available", "status": if ready > 0 { "True" } else { "False" }}],
    }});
    let deployments = Api::<Deployment>::namespaced(client.clone(), "msp");
    deployments
        .patch_status(name, &PatchParams::default(), &Patch::Merge(status))
        .await?;
    Ok(())
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
    let page = Page::open(&cluster.kubeconfig()).await?;
    page.settled(&cluster, WITH_FLUX).await?;
    // A watch lives as long as the server lets it, and is then opened again from where it was.
    let asked = || {
        let requests = cluster.requests_of(AGENT)?;
        anyhow::Ok(
            requests
                .into_iter()
                .filter(|request| request.verb != "watch")
                .collect::<Vec<_>>(),
        )
    };
    let before = asked()?.len();
    let mut stream = page.stream().await?;

    applied(&client, deployment("pgbouncer")).await?;
    rolls_out(&client, "pgbouncer", 1).await?;
    stream
        .until("components", |components| is_ready(components, "pgbouncer"))
        .await?;
    rolls_out(&client, "pgbouncer", 0).await?;
    stream
        .until("components", |components| !is_ready(components, "pgbouncer"))
        .await?;

    let answers = try_join_all((0..100).map(|_| page.status())).await?;
    ensure!(
        answers
            .iter()
            .all(|status| status["cluster"]["reachable"] == true)
    );
    let after = asked()?;
    ensure!(
        after.len() == before,
        "requests were made: {:?}",
        &after[before..]
    );
    // An idle box asks nothing at all: the log stays as it is.
    tokio::time::sleep(Duration::from_secs(15)).await;
    let later = asked()?;
    ensure!(
        later.len() == after.len(),
        "requests were made: {:?}",
        &later[after.len()..]
    );
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

#[tokio::test]
async fn kinds_that_come_later_are_found_and_one_object_that_is_no_object_stops_nothing() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let client = cluster.client().await?;
    namespace(&client, "alga-system").await?;
    let page = Page::open(&cluster.kubeconfig()).await?;
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
