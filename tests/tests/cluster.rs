//! The harness itself: its servers start, serve and go.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use appliance_tests::cluster::{self, Parts, TestCluster};
use appliance_tests::flux;
use appliance_tests::registry::TestRegistry;
use appliance_tests::standins::web::Web;
use appliance_tests::tools::Tools;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use k8s_openapi::api::rbac::v1::PolicyRule;
use kube::Api;
use kube::api::{ListParams, LogParams, PostParams};
use serde_json::json;
use tokio::time::timeout;

fn tools() -> Result<Tools> {
    Tools::ensure(&|progress| eprintln!("{progress}"))
}

fn is_running(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

async fn lists_config_maps(kubeconfig: PathBuf) -> Result<bool> {
    let client = cluster::client_of(&kubeconfig).await?;
    let maps = Api::<ConfigMap>::namespaced(client, "kube-system");
    let answer = timeout(Duration::from_secs(2), maps.list(&ListParams::default())).await;
    Ok(matches!(answer, Ok(Ok(_))))
}

#[tokio::test]
async fn an_api_server_is_up_in_seconds_and_gone_with_its_handle() -> Result<()> {
    let tools = tools()?;
    let started = Instant::now();
    let cluster = TestCluster::start(&tools, Parts::Api).await?;
    eprintln!("API server up after {:?}", started.elapsed());
    let version = cluster.client().await?.apiserver_version().await?;
    assert_eq!(version.platform, "linux/amd64");
    let (pids, dir) = (cluster.process_ids(), cluster.dir().to_owned());
    assert!(pids.len() == 2 && pids.iter().all(|pid| is_running(*pid)));
    drop(cluster);
    assert!(!pids.iter().any(|pid| is_running(*pid)) && !dir.exists());
    Ok(())
}

#[tokio::test]
async fn an_api_server_can_stall_die_and_come_back_with_its_data() -> Result<()> {
    let mut cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let maps = Api::<ConfigMap>::namespaced(cluster.client().await?, "default");
    let map = serde_json::from_value(json!({"metadata": {"name": "kept"}}))?;
    maps.create(&PostParams::default(), &map).await?;

    cluster.pause_api()?;
    assert!(
        timeout(Duration::from_millis(500), maps.get("kept"))
            .await
            .is_err(),
        "a paused server answered"
    );
    cluster.resume_api()?;
    maps.get("kept").await?;

    cluster.kill_api();
    assert!(maps.get("kept").await.is_err(), "a dead server answered");
    cluster.start_api().await?;
    maps.get("kept").await?;
    Ok(())
}

#[tokio::test]
async fn a_restricted_user_may_do_what_the_rules_say_and_nothing_else() -> Result<()> {
    let cluster = TestCluster::shared(&tools()?).await?;
    let rule = |resource: &str| -> Result<PolicyRule> {
        Ok(serde_json::from_value(
            json!({"apiGroups": [""], "resources": [resource], "verbs": ["list"]}),
        )?)
    };
    let reader = cluster
        .restricted_kubeconfig("reader", &[rule("configmaps")?])
        .await?;
    let stranger = cluster
        .restricted_kubeconfig("stranger", &[rule("pods")?])
        .await?;
    assert!(lists_config_maps(reader).await?);
    assert!(!lists_config_maps(stranger).await?);
    Ok(())
}

#[tokio::test]
async fn tests_share_one_server_and_have_namespaces_of_their_own() -> Result<()> {
    let tools = tools()?;
    let (one, other) = tokio::try_join!(TestCluster::shared(&tools), TestCluster::shared(&tools))?;
    assert!(std::ptr::eq(one, other));
    assert_ne!(one.own_namespace().await?, other.own_namespace().await?);
    Ok(())
}

#[test]
fn the_flux_manifest_is_pinned_and_has_every_definition_the_product_uses() -> Result<()> {
    let tools = tools()?;
    let manifest = flux::manifest(&tools)?;
    assert_eq!(manifest, flux::manifest(&tools)?);
    let bytes = std::fs::read(&manifest.path)?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    assert_eq!(manifest.sha256, hex::encode(digest));
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(&String::from_utf8(bytes)?)?;
    let named = |kind: &str| -> Vec<_> {
        let of_kind = documents.iter().filter(|document| document["kind"] == kind);
        of_kind
            .filter_map(|document| document["metadata"]["name"].as_str())
            .collect()
    };
    let definitions = named("CustomResourceDefinition");
    for definition in [
        "ocirepositories.source.toolkit.fluxcd.io",
        "helmrepositories.source.toolkit.fluxcd.io",
        "kustomizations.kustomize.toolkit.fluxcd.io",
        "helmreleases.helm.toolkit.fluxcd.io",
    ] {
        assert!(
            definitions.contains(&definition),
            "{definition} is missing from {definitions:?}"
        );
    }
    assert_eq!(named("Deployment"), flux::CONTROLLERS);
    Ok(())
}

#[tokio::test]
async fn requests_are_counted_by_user_agent() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let before = cluster.requests_of(cluster::HARNESS_AGENT)?.len();
    let maps = Api::<ConfigMap>::namespaced(cluster.client().await?, "default");
    maps.list(&ListParams::default()).await?;
    maps.get_opt("absent").await?;
    let requests = cluster.requests_of(cluster::HARNESS_AGENT)?;
    let verbs: Vec<_> = requests[before..]
        .iter()
        .map(|request| request.verb.as_str())
        .collect();
    assert_eq!(verbs, ["list", "get"]);
    assert!(cluster.requests_of("nobody")?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_job_completes_and_its_log_can_be_read() -> Result<()> {
    let tools = tools()?;
    let started = Instant::now();
    let cluster = TestCluster::start(&tools, Parts::Workloads).await?;
    eprintln!("node ready after {:?}", started.elapsed());
    let client = cluster.client().await?;
    let jobs = Api::<Job>::namespaced(client.clone(), "default");
    let job = json!({
        "metadata": {"name": "one"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": "busybox:1.36"}],
        }}},
    });
    jobs.create(&PostParams::default(), &serde_json::from_value(job)?)
        .await?;
    let succeeded = |job: &Job| job.status.as_ref().and_then(|status| status.succeeded) == Some(1);
    let deadline = Instant::now() + Duration::from_secs(30);
    while !succeeded(&jobs.get("one").await?) {
        assert!(Instant::now() < deadline, "the Job did not complete");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eprintln!("Job complete after {:?}", started.elapsed());
    let pods = Api::<Pod>::namespaced(client, "default");
    let pod = pods.list(&ListParams::default()).await?.items.remove(0);
    let log = pods
        .logs(&pod.metadata.name.unwrap_or_default(), &LogParams::default())
        .await?;
    assert_eq!(log, "a line of this container\n");
    Ok(())
}

#[tokio::test]
async fn a_registry_can_go_away_stall_and_come_back_on_its_port() -> Result<()> {
    let mut registry = TestRegistry::start(&tools()?).await?;
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(1))
        .build()?;
    let url = format!("http://{}/v2/", registry.host());
    assert!(client.get(&url).send().await?.status().is_success());
    registry.pause()?;
    assert!(
        client
            .get(&url)
            .send()
            .await
            .is_err_and(|error| error.is_timeout())
    );
    registry.resume()?;
    registry.kill();
    assert!(
        client
            .get(&url)
            .send()
            .await
            .is_err_and(|error| error.is_connect())
    );
    registry.start_again().await?;
    assert!(client.get(&url).send().await?.status().is_success());
    Ok(())
}

#[tokio::test]
async fn the_web_page_leads_to_the_dashboard_and_ends_with_its_handle() -> Result<()> {
    let web = Web::start().await?;
    let url = web.url();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(&url).send().await?;
    assert_eq!(
        (answer.status().as_u16(), answer.url().path()),
        (200, "/msp/dashboard")
    );
    drop((web, answer, client));
    // A fresh client each time: a pooled connection may still be closing.
    let is_gone = || async {
        let again = reqwest::Client::builder()
            .no_proxy()
            .build()?
            .get(&url)
            .send()
            .await;
        anyhow::Ok(again.is_err_and(|error| error.is_connect()))
    };
    let deadline = Instant::now() + Duration::from_secs(5);
    while !is_gone().await? {
        assert!(Instant::now() < deadline, "the page outlived its handle");
        tokio::task::yield_now().await;
    }
    Ok(())
}
