//! What the status needs of the cluster: small readings made together, each of which may fail by itself.

use std::sync::Weak;
use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError};
use appliance_common::names::{CONTROL_PLANE_WORKLOAD, namespace, object};
use appliance_common::process::chain;
use futures::future::join3;
use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use tokio::time::timeout;

use super::Inner;
use super::control_plane::Running;
use super::part::Trouble;

/// Longest time one of the readings may take.
const LIMIT: Duration = Duration::from_secs(5);

/// Where the API has `HelmRelease`s.
pub(super) fn helm_releases() -> ApiResource {
    let kind = GroupVersionKind::gvk("helm.toolkit.fluxcd.io", "v2", "HelmRelease");
    ApiResource::from_gvk(&kind)
}

/// Whose password can be reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Administrator {
    /// Lower-case.
    pub(super) email: Option<String>,
    pub(super) tenant_id: Option<String>,
}

/// What was read.
#[derive(Debug)]
pub(super) struct ClusterView {
    /// Whether the application's release is ready; nothing when there is none.
    pub(super) core_ready: Result<Option<bool>, Trouble>,
    /// The control plane that runs.
    pub(super) control_plane: Result<Running, Trouble>,
    /// The first administrator.
    pub(super) administrator: Result<Administrator, Trouble>,
}

impl ClusterView {
    /// Reads it all.
    pub(super) async fn read(inner: Weak<Inner>) -> Result<Self, Trouble> {
        let inner = inner.upgrade().ok_or_else(ending)?;
        let cluster = inner.cluster().await.map_err(|error| trouble(&error))?;
        let (core_ready, control_plane, administrator) = join3(
            within(core_ready(cluster)),
            within(control_plane(cluster)),
            within(async { Ok(administrator(tenant(cluster).await?.as_ref())) }),
        )
        .await;
        Ok(Self {
            core_ready,
            control_plane,
            administrator,
        })
    }
}

/// The process is ending.
pub(super) fn ending() -> Trouble {
    Trouble::new("stopping", "The control plane is stopping.")
}

async fn within<T>(reading: impl Future<Output = Result<T, ClusterError>>) -> Result<T, Trouble> {
    match timeout(LIMIT, reading).await {
        Ok(read) => read.map_err(|error| trouble(&error)),
        Err(_) => Err(Trouble::new(
            "cluster_unavailable",
            format!(
                "The cluster on this box gave no answer within {} s.",
                LIMIT.as_secs()
            ),
        )),
    }
}

/// What an operator is told of a reading of the cluster that failed.
pub(super) fn trouble(error: &ClusterError) -> Trouble {
    tracing::debug!(error = chain(error), "a part of the status was not read");
    Trouble::new(
        "cluster_unavailable",
        format!("The cluster on this box: {error}."),
    )
}

async fn core_ready(cluster: &Cluster) -> Result<Option<bool>, ClusterError> {
    let release = cluster
        .get_dynamic(&helm_releases(), Some(namespace::ALGA_SYSTEM), "alga-core")
        .await;
    let release = match release {
        // The kind is not there before Flux is.
        Err(ClusterError::Missing { .. }) => None,
        other => other?,
    };
    Ok(release.map(|release| {
        let status = &release.data["status"];
        let is_current = status["observedGeneration"].as_i64() == release.metadata.generation;
        let conditions = status["conditions"].as_array();
        let ready = conditions.and_then(|all| all.iter().find(|condition| condition["type"] == "Ready"));
        is_current && ready.is_some_and(|ready| ready["status"] == "True")
    }))
}

async fn control_plane(cluster: &Cluster) -> Result<Running, ClusterError> {
    let place = Some(namespace::CONTROL_PLANE);
    let deployment: Option<Deployment> = cluster.get(place, CONTROL_PLANE_WORKLOAD).await?;
    let Some(spec) = deployment.and_then(|deployment| deployment.spec) else {
        return Ok(Running::default());
    };
    let image = spec
        .template
        .spec
        .and_then(|pod| pod.containers.into_iter().next()?.image);
    let labels = spec.selector.match_labels.unwrap_or_default();
    let selector: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let pods: Vec<Pod> = cluster.list(place, &selector.join(",")).await?;
    let image_id = pods
        .into_iter()
        .filter(|pod| pod.metadata.deletion_timestamp.is_none())
        .find_map(|pod| {
            let statuses = pod.status?.container_statuses?;
            let id = statuses.into_iter().next()?.image_id;
            (!id.is_empty()).then_some(id)
        });
    Ok(Running { image, image_id })
}

/// The Secret of company and first administrator.
pub(super) async fn tenant(cluster: &Cluster) -> Result<Option<Secret>, ClusterError> {
    cluster.get(Some(namespace::MSP), object::INITIAL_TENANT).await
}

/// Whom that Secret names.
pub(super) fn administrator(tenant: Option<&Secret>) -> Administrator {
    let data = tenant.and_then(|tenant| tenant.data.as_ref());
    let text = |key| {
        let ByteString(value) = data?.get(key)?;
        let text = std::str::from_utf8(value).ok()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Administrator {
        email: text("INITIAL_ADMIN_EMAIL").map(|email| email.to_lowercase()),
        tenant_id: text("INITIAL_TENANT_ID"),
    }
}
