//! The look at storage after a start of the control plane.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, PostParams};
use serde_json::json;

use crate::scene::{RUN_LIMIT, released};
use crate::site::Site;

const POLL: Duration = Duration::from_millis(50);

/// The provisioner that k3s brings along.
async fn bundled(site: &Site) -> Result<Api<Deployment>> {
    let deployment = json!({
        "metadata": {"name": "local-path-provisioner", "namespace": "kube-system"},
        "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": {
            "metadata": {"labels": {"app": "x"}},
            "spec": {"containers": [{"name": "x", "image": "rancher/local-path-provisioner:v0.0.30"}]},
        }},
    });
    let deployments = Api::<Deployment>::namespaced(site.client.clone(), "kube-system");
    let deployment = serde_json::from_value(deployment)?;
    deployments.create(&PostParams::default(), &deployment).await?;
    Ok(deployments)
}

async fn gone(deployments: &Api<Deployment>) -> Result<()> {
    let gone = async {
        while deployments.get_opt("local-path-provisioner").await?.is_some() {
            tokio::time::sleep(POLL).await;
        }
        anyhow::Ok(())
    };
    let waited = tokio::time::timeout(RUN_LIMIT, gone).await;
    waited.context("k3s's own provisioner is still there")?
}

#[tokio::test]
async fn storage_is_repaired_after_a_start_only_where_it_was_set_up_before() -> Result<()> {
    let site = Site::start().await?;
    let deployments = bundled(&site).await?;
    let record = site.volume.settings.storage.record.clone();
    let proof = std::fs::read(&record)?;
    std::fs::remove_file(&record)?;
    let before = site.cluster.requests_of("alga-appliance/")?.len();
    let fresh = site.open();
    let repair = fresh.repair_storage(Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop((repair, fresh));
    ensure!(
        site.cluster.requests_of("alga-appliance/")?.len() == before,
        "a box that nobody set up was asked about"
    );

    appliance_common::state_file::replace(&record, &proof, 0o600)?;
    let setup = site.open();
    let _repair = setup.repair_storage(Duration::ZERO);
    gone(&deployments).await?;
    released(&site.volume).await?;
    let log = std::fs::read_to_string(site.volume.path(file::STORAGE_LOG))?;
    ensure!(
        log.contains("removing k3s's own kube-system/local-path-provisioner"),
        "{log}"
    );
    Ok(())
}
