//! The application's address, asked for real.

use anyhow::{Result, ensure};
use appliance_common::names::{APPLICATION, file};
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::standins::web::Web;
use serde_json::{Value, json};

use crate::objects::{applied, deployment, namespace, rolls_out};
use crate::scene::{Page, tools};

/// What an install leaves behind whose application is at `address`.
pub(crate) fn selection(address: &str) -> Value {
    json!({
        "selectedChannel": "stable", "selectedReleaseVersion": "1.4.1",
        "installedAt": "2026-01-01T00:00:00.000Z", "runtime": {"appHostname": address},
    })
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_reported_and_does_not_keep_users_out() -> Result<()> {
    let cluster = TestCluster::start(&tools()?, Parts::Api).await?;
    let client = cluster.client().await?;
    namespace(&client, "msp").await?;
    let application = Web::start_untrusted().await?;
    let documents = [(file::RELEASE_SELECTION, selection(&application.url()))];
    let page = Page::open_on(&cluster.kubeconfig(), "127.0.0.1:1", &documents).await?;
    ensure!(page.status().await?["loginProbe"]["checked"] == false);
    applied(&client, deployment(APPLICATION)).await?;
    rolls_out(&client, APPLICATION, 1).await?;
    let status = page
        .wait("the address was asked", |status| {
            status["loginProbe"]["checked"] == true
        })
        .await?;
    let probe = &status["loginProbe"];
    ensure!(probe["certificate"] == "untrusted", "{probe}");
    ensure!(probe["reachable"] == true, "{probe}");
    ensure!(
        (&probe["statusCode"], &probe["location"]) == (&json!(302), &json!("/msp/dashboard")),
        "{probe}"
    );
    ensure!(probe["error"].is_null(), "{probe}");
    // What keeps users out here is the rest, of which there is nothing.
    let reasons = status["readinessTiers"]["loginReady"]["reasons"].to_string();
    ensure!(!reasons.contains("certificate"), "{reasons}");
    page.running.stop().await;
    Ok(())
}
