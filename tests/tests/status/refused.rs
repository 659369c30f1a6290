//! Rights that the control plane does not have.

use anyhow::{Result, ensure};
use appliance_tests::cluster::{Parts, TestCluster};
use k8s_openapi::api::rbac::v1::PolicyRule;
use serde_json::{Value, json};

use crate::scene::{AGENT, Page, tools};

#[tokio::test]
async fn what_may_not_be_read_is_unknown_and_named_and_the_rest_is_shown() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let rule = |resources: &[&str]| -> Result<PolicyRule> {
        Ok(serde_json::from_value(
            json!({"apiGroups": ["", "apps"], "resources": resources, "verbs": ["list", "watch"]}),
        )?)
    };
    let kubeconfig = cluster
        .restricted_kubeconfig("half-blind", &[rule(&["nodes", "pods", "deployments"])?])
        .await?;
    let page = Page::open(&kubeconfig).await?;
    let refused = |status: &Value| -> Vec<String> {
        let errors = status["errors"].as_array().cloned().unwrap_or_default();
        let forbidden = errors.into_iter().filter(|error| error["kind"] == "forbidden");
        forbidden
            .map(|error| error["signal"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    // Of kinds that are not served, too, nobody is told more than that they may not be read.
    let expected = [
        "statefulSets",
        "jobs",
        "claims",
        "sources",
        "kustomizations",
        "helmReleases",
        "events",
    ];
    let status = page
        .wait("what is forbidden is named", |status| {
            refused(status).len() == expected.len()
        })
        .await?;
    ensure!(refused(&status) == expected, "{:?}", refused(&status));
    ensure!(status["cluster"]["reachable"] == true);
    let core = &status["readinessTiers"]["coreReady"];
    ensure!(core["ready"] == false, "{core}");
    // A no is not asked for again and again.
    let asked = cluster.requests_of(AGENT)?;
    let jobs = asked
        .iter()
        .filter(|request| request.uri.starts_with("/apis/batch/"))
        .count();
    ensure!(jobs <= 3, "{jobs} requests for what is forbidden");
    page.running.stop().await;
    Ok(())
}
