//! Bringing values and releases in the cluster to an address; a second time changes nothing but the request.

use appliance_common::cluster::{Cluster, ClusterError};
use appliance_common::names::{RECONCILE_ANNOTATION, namespace};
use futures::future::{try_join, try_join_all};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::json;

use super::AddressError;
use super::edit::{Edited, Service, edited};
use crate::app_url::AppUrl;
use crate::manage::cluster_view::helm_releases;
use crate::manage::conflict::Tries;

/// Why a step was not done.
#[derive(Debug)]
pub(super) enum StepError {
    /// The values have no place for an address.
    Values { object: String, reason: String },
    /// The cluster.
    Cluster { step: String, source: ClusterError },
}

impl StepError {
    /// For the operator; `recorded` says whether the address is tried again by itself.
    pub(super) fn recorded(self, recorded: bool) -> AddressError {
        match self {
            Self::Values { object, reason } => AddressError::Values { object, reason },
            Self::Cluster { step, source } => AddressError::Cluster {
                step,
                recorded,
                source,
            },
        }
    }

    fn is_conflict(&self) -> bool {
        matches!(self, Self::Cluster { source, .. } if source.is_conflict())
    }
}

/// What one `ConfigMap` is to say, made from the version that was read.
pub(super) struct Plan {
    edited: Edited,
    version: Option<String>,
}

impl Plan {
    /// The plans of both, or why there are none; nothing is changed.
    pub(super) async fn read(cluster: &Cluster, url: &AppUrl) -> Result<(), StepError> {
        let [core, worker] = Service::ALL.map(|service| Self::of(cluster, service, url));
        try_join(core, worker).await.map(drop)
    }

    async fn of(cluster: &Cluster, service: Service, url: &AppUrl) -> Result<Self, StepError> {
        let name = service.config_map();
        let object = format!("ConfigMap {}/{name}", namespace::ALGA_SYSTEM);
        let live: Option<ConfigMap> =
            cluster
                .get(Some(namespace::ALGA_SYSTEM), &name)
                .await
                .map_err(|source| StepError::Cluster {
                    step: format!("reading {object}"),
                    source,
                })?;
        let values = |reason: String| StepError::Values {
            object: object.clone(),
            reason,
        };
        let live = live.ok_or_else(|| values("it does not exist".to_owned()))?;
        let data = live.data.unwrap_or_default();
        Ok(Self {
            edited: edited(service, &data, url).map_err(values)?,
            version: live.metadata.resource_version,
        })
    }
}

/// Brings both releases to the address and asks Flux to look at them.
pub(super) async fn converge(cluster: &Cluster, url: &AppUrl, now: Timestamp) -> Result<(), StepError> {
    try_join_all(Service::ALL.map(|service| write(cluster, service, url))).await?;
    try_join_all(Service::ALL.map(|service| ask_flux(cluster, service, now))).await?;
    Ok(())
}

async fn write(cluster: &Cluster, service: Service, url: &AppUrl) -> Result<(), StepError> {
    let mut tries = Tries::new();
    loop {
        match write_once(cluster, service, url).await {
            Err(error) if error.is_conflict() && tries.another() => {}
            other => return other,
        }
    }
}

/// Changes exactly one key, and only of the version that was read.
async fn write_once(cluster: &Cluster, service: Service, url: &AppUrl) -> Result<(), StepError> {
    let plan = Plan::of(cluster, service, url).await?;
    if !plan.edited.is_changed {
        return Ok(());
    }
    let change = json!({
        "metadata": {"resourceVersion": plan.version},
        "data": {plan.edited.key: plan.edited.text},
    });
    let name = service.config_map();
    cluster
        .merge::<ConfigMap>(Some(namespace::ALGA_SYSTEM), &name, &change)
        .await
        .map_err(|source| StepError::Cluster {
            step: format!("changing ConfigMap {}/{name}", namespace::ALGA_SYSTEM),
            source,
        })
}

async fn ask_flux(cluster: &Cluster, service: Service, now: Timestamp) -> Result<(), StepError> {
    let (place, name) = (Some(namespace::ALGA_SYSTEM), service.name());
    let failed = |source| StepError::Cluster {
        step: format!(
            "asking Flux to apply HelmRelease {}/{name}",
            namespace::ALGA_SYSTEM
        ),
        source,
    };
    let live = cluster
        .get_dynamic(&helm_releases(), place, name)
        .await
        .map_err(failed)?;
    let annotations = live.and_then(|live| live.metadata.annotations);
    let before = annotations.and_then(|all| all.get(RECONCILE_ANNOTATION).cloned());
    // Flux takes a request up when it differs from the last one.
    let mut at = now.as_second();
    if before.is_some_and(|before| before == at.to_string()) {
        at += 1;
    }
    let change = json!({"metadata": {"annotations": {RECONCILE_ANNOTATION: at.to_string()}}});
    let asked = cluster
        .merge_dynamic(&helm_releases(), place, name, &change)
        .await;
    asked.map(drop).map_err(failed)
}
