//! The cluster's nodes, as far as this host waits for its own.

use appliance_common::cluster::{Cluster, ClusterError};
use k8s_openapi::api::core::v1::Node;

/// Nodes whose kubelet says that they are Ready.
///
/// # Errors
/// The API server does not answer.
pub(crate) async fn ready(cluster: &Cluster) -> Result<Vec<Node>, ClusterError> {
    let nodes: Vec<Node> = cluster.list(None, "").await?;
    Ok(nodes.into_iter().filter(is_ready).collect())
}

fn is_ready(node: &Node) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
