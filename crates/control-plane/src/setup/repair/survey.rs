//! What a repair looks at: the release, its source, and what it has made. Refuses what a repair cannot help.

use appliance_common::cluster::{Cluster, ClusterError};
use appliance_common::names::namespace;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use serde_json::Value;

use super::RepairError;

/// A release and everything of its kind of objects in the namespace it installs to.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) release: DynamicObject,
    pub(super) deployments: Vec<DynamicObject>,
    pub(super) stateful_sets: Vec<DynamicObject>,
    pub(super) replica_sets: Vec<DynamicObject>,
    pub(super) jobs: Vec<DynamicObject>,
    pub(super) pods: Vec<DynamicObject>,
}

/// Where the API has `HelmRelease`s.
pub(super) fn helm_releases() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(
        "helm.toolkit.fluxcd.io",
        "v2",
        "HelmRelease",
    ))
}

/// Namespace that a release installs to.
pub(super) fn target(release: &DynamicObject) -> &str {
    let target = release.data["spec"]["targetNamespace"].as_str();
    target.unwrap_or(namespace::ALGA_SYSTEM)
}

/// Helm's name of a release.
pub(super) fn helm_name(release: &DynamicObject) -> String {
    let given = release.data["spec"]["releaseName"].as_str();
    given.map_or_else(|| release.name_any(), str::to_owned)
}

/// Reads it all; nothing is changed.
pub(super) async fn survey(cluster: &Cluster, name: &str) -> Result<Survey, RepairError> {
    let release = cluster
        .get_dynamic(&helm_releases(), Some(namespace::ALGA_SYSTEM), name)
        .await
        .map_err(RepairError::Cluster)?;
    let release = release.ok_or_else(|| RepairError::Refused {
        code: "release_not_found",
        words: format!("There is no release {name} on this appliance."),
    })?;
    check(cluster, &release).await?;
    objects(cluster, release).await.map_err(RepairError::Cluster)
}

async fn objects(cluster: &Cluster, release: DynamicObject) -> Result<Survey, ClusterError> {
    let namespace = Some(target(&release).to_owned());
    let list = async |resource: ApiResource| cluster.list_dynamic(&resource, namespace.as_deref(), "").await;
    Ok(Survey {
        deployments: list(ApiResource::erase::<Deployment>(&())).await?,
        stateful_sets: list(ApiResource::erase::<StatefulSet>(&())).await?,
        replica_sets: list(ApiResource::erase::<ReplicaSet>(&())).await?,
        jobs: list(ApiResource::erase::<Job>(&())).await?,
        pods: list(ApiResource::erase::<Pod>(&())).await?,
        release,
    })
}

/// Refuses a release that Flux would not work on, whatever it is asked.
async fn check(cluster: &Cluster, release: &DynamicObject) -> Result<(), RepairError> {
    let name = release.name_any();
    if release.data["spec"]["suspend"] == true {
        return Err(RepairError::Refused {
            code: "release_suspended",
            words: format!("Release {name} was suspended by somebody. Resume it, then repair it."),
        });
    }
    let given = release.data.pointer("/spec/chart/spec/sourceRef");
    let reference = given.unwrap_or(&release.data["spec"]["chartRef"]);
    let Some((kind, source)) = reference["kind"].as_str().zip(reference["name"].as_str()) else {
        return Ok(());
    };
    let own = release.namespace().unwrap_or_default();
    let place = reference["namespace"].as_str().unwrap_or(&own);
    let resource = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("source.toolkit.fluxcd.io", "v1", kind),
        &plural(kind),
    );
    let live = cluster
        .get_dynamic(&resource, Some(place), source)
        .await
        .map_err(RepairError::Cluster)?;
    match live
        .as_ref()
        .map_or(Some("it does not exist".to_owned()), not_ready)
    {
        None => Ok(()),
        Some(cause) => Err(RepairError::Refused {
            code: "source_not_ready",
            words: format!("The charts of {name} cannot be had: {kind} {place}/{source}: {cause}"),
        }),
    }
}

/// The API's word for several of a kind of source: `HelmRepository` ends otherwise than `HelmChart`.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    kind.strip_suffix('y')
        .map_or_else(|| format!("{kind}s"), |stem| format!("{stem}ies"))
}

/// Why a source gives nothing. A registry of charts has no state of its own, so no word is a good one.
fn not_ready(source: &DynamicObject) -> Option<String> {
    if source.data["spec"]["suspend"] == true {
        return Some("it was suspended by somebody".to_owned());
    }
    let conditions = source.data["status"]["conditions"].as_array()?;
    let ready = conditions.iter().find(|condition| condition["type"] == "Ready")?;
    if ready["status"] == "True" {
        return None;
    }
    let said = ready["message"].as_str();
    Some(
        said.or_else(|| ready["reason"].as_str())
            .unwrap_or("it is not ready")
            .to_owned(),
    )
}

/// A condition of an object.
pub(super) fn condition<'a>(object: &'a DynamicObject, kind: &str) -> Option<&'a Value> {
    let conditions = object.data["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}
