//! k3s stopped, started, and waited for: until the node is Ready with a version.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::meter::Meter;
use appliance_common::process::chain;
use appliance_common::systemd::{Systemd, SystemdError};
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;
use tokio::time::{Instant, sleep};

use crate::k3s::UNIT;
use crate::nodes;
use crate::settings::Places;

/// Longest time k3s may take to end: it has a database to close.
const STOP_LIMIT: Duration = Duration::from_mins(3);
/// Deadline of one request to the API server.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Pause between two looks: nothing tells when an API server comes that is not there yet.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// What a trial looks at.
pub(super) struct Trial<'a> {
    places: &'a Places,
    systemd: Systemd,
    limit: Duration,
}

impl<'a> Trial<'a> {
    pub(super) async fn of(places: &'a Places, limit: Duration) -> Result<Self, SystemdError> {
        let root: &Path = &places.host_root;
        Ok(Self {
            places,
            systemd: Systemd::connect(root).await?,
            limit,
        })
    }

    pub(super) async fn stop(&self) -> Result<(), SystemdError> {
        self.systemd.stop(UNIT, STOP_LIMIT).await
    }

    pub(super) async fn start(&self) -> Result<(), SystemdError> {
        self.systemd.start(UNIT).await
    }

    /// Waits until a node is Ready whose kubelet is of this version; its name, or what was so at the end.
    pub(super) async fn ready_with(&self, version: &str) -> Result<String, String> {
        let deadline = Instant::now() + self.limit;
        loop {
            let last = match self.ready().await {
                Ok(nodes) => match nodes.iter().find(|node| kubelet(node) == version) {
                    Some(node) => return Ok(node.name_any()),
                    None => unready(&nodes),
                },
                Err(why) => why,
            };
            if Instant::now() + LOOK_PAUSE >= deadline {
                return Err(last);
            }
            sleep(LOOK_PAUSE).await;
        }
    }

    async fn ready(&self) -> Result<Vec<Node>, String> {
        let source = self.places.cluster_source().with_call_limit(CALL_LIMIT);
        let opened = source.open(Arc::new(Meter::default())).await;
        let cluster = opened.map_err(|error| chain(&error))?;
        nodes::ready(&cluster).await.map_err(|error| chain(&error))
    }
}

/// `kubeletVersion` of a node, which k3s makes its own version.
fn kubelet(node: &Node) -> &str {
    let info = node.status.as_ref().and_then(|status| status.node_info.as_ref());
    info.map_or("", |info| info.kubelet_version.as_str())
}

fn unready(nodes: &[Node]) -> String {
    match nodes.first() {
        None => "the API server answers, and no node is Ready".to_owned(),
        Some(node) => format!("node {} is Ready with {}", node.name_any(), kubelet(node)),
    }
}
