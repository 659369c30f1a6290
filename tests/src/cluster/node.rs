//! The one node, its kubelet played by kwok.

use std::path::Path;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::Node;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::components::{self, KWOK_CONFIG, NODE};
use super::{POLL, REQUEST_LIMIT, START_LIMIT};
use crate::process::Process;
use crate::tools::Tools;
use crate::{files, ports};

/// The log that every container has, in the cluster's directory.
pub(super) const LOG: &str = "container.log";

/// kwok 0.8 sometimes dies at its start of concurrent map writes; it is started again this often.
const STARTS: u32 = 5;

/// Starts kwok, makes the node and waits until it is ready.
pub(super) async fn start(tools: &Tools, dir: &Path, client: &Client) -> Result<Process> {
    let log = dir.join(LOG);
    files::write(&log, include_bytes!("../../fixtures/cluster/container.log"))?;
    let config = include_str!("../../fixtures/cluster/kwok.yaml");
    let config = config.replace("CONTAINER_LOG", &log.display().to_string());
    files::write(&dir.join(KWOK_CONFIG), config.as_bytes())?;
    create_node(client).await?;
    let launch = components::kwok(tools, dir, ports::free()?);
    let deadline = Instant::now() + START_LIMIT;
    let mut kwok = Process::start(&launch)?;
    let mut starts = 1;
    while !is_ready(client).await {
        if Instant::now() >= deadline {
            bail!(
                "the node is not ready after {} s; kwok's log ends:\n{}",
                START_LIMIT.as_secs(),
                kwok.log_tail()
            );
        }
        if let Some(status) = kwok.exited()? {
            if starts == STARTS {
                bail!(
                    "kwok ended with {status} at each of {STARTS} starts; its log ends:\n{}",
                    kwok.log_tail()
                );
            }
            starts += 1;
            kwok = Process::start(&launch)?;
        }
        sleep(POLL).await;
    }
    Ok(kwok)
}

async fn create_node(client: &Client) -> Result<()> {
    let node = serde_json::from_value(json!({
        "metadata": {"name": NODE, "labels": {
            "kubernetes.io/hostname": NODE,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
        }},
        "status": {
            "capacity": {"cpu": "8", "memory": "32Gi", "pods": "110"},
            "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110"},
        },
    }));
    let nodes = Api::<Node>::all(client.clone());
    let created = timeout(
        REQUEST_LIMIT,
        nodes.create(&PostParams::default(), &node.context("the node")?),
    )
    .await;
    created
        .context("creating the node took too long")?
        .context("creating the node")?;
    Ok(())
}

/// Whether pods can be put on the node: it says Ready and its start-up taint is off.
async fn is_ready(client: &Client) -> bool {
    let nodes = Api::<Node>::all(client.clone());
    let Ok(Ok(node)) = timeout(REQUEST_LIMIT, nodes.get(NODE)).await else {
        return false;
    };
    let tainted = node
        .spec
        .is_some_and(|spec| spec.taints.is_some_and(|taints| !taints.is_empty()));
    let conditions = node
        .status
        .and_then(|status| status.conditions)
        .unwrap_or_default();
    !tainted
        && conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
