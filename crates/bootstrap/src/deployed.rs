//! What the cluster was told to run.

use appliance_common::cluster::{Cluster, ClusterError};
use appliance_common::names::{CONTROL_PLANE_WORKLOAD, namespace};
use k8s_openapi::api::apps::v1::Deployment;

/// Image of the control plane's live Deployment, empty when it names none; `None` when the server says that there is
/// none, which is not the same as no answer (50 W3).
///
/// # Errors
/// The API server does not answer.
pub(crate) async fn image(cluster: &Cluster) -> Result<Option<String>, ClusterError> {
    let (ns, name) = (Some(namespace::CONTROL_PLANE), CONTROL_PLANE_WORKLOAD);
    let live: Option<Deployment> = cluster.get(ns, name).await?;
    Ok(live.as_ref().map(|live| image_of(live).unwrap_or_default()))
}

fn image_of(deployment: &Deployment) -> Option<String> {
    let pod = deployment.spec.as_ref()?.template.spec.as_ref()?;
    pod.containers.first()?.image.clone()
}
