//! Deployments, `StatefulSets`, Jobs and claims.

use appliance_common::readiness::observed::{Claim, Job, Workload};
use serde::Deserialize;

use super::decode::{Meta, RawCondition, conditions, filled};

/// What is read of a Deployment or `StatefulSet`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawWorkload {
    metadata: Meta,
    spec: WorkloadSpec,
    status: WorkloadStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WorkloadSpec {
    replicas: Option<i32>,
    template: Template,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Template {
    spec: TemplateSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct TemplateSpec {
    #[serde(deserialize_with = "filled")]
    containers: Vec<Image>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Image {
    image: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WorkloadStatus {
    #[serde(deserialize_with = "filled")]
    observed_generation: i64,
    #[serde(deserialize_with = "filled")]
    ready_replicas: i32,
    #[serde(deserialize_with = "filled")]
    updated_replicas: i32,
    #[serde(deserialize_with = "filled")]
    available_replicas: i32,
    #[serde(deserialize_with = "filled")]
    conditions: Vec<RawCondition>,
}

/// What is read of a Job.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawJob {
    metadata: Meta,
    status: JobStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JobStatus {
    #[serde(deserialize_with = "filled")]
    active: u32,
    #[serde(deserialize_with = "filled")]
    succeeded: u32,
    #[serde(deserialize_with = "filled")]
    failed: u32,
    #[serde(deserialize_with = "filled")]
    conditions: Vec<RawCondition>,
}

/// What is read of a claim.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawClaim {
    metadata: Meta,
    spec: ClaimSpec,
    status: ClaimStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClaimSpec {
    storage_class_name: Option<String>,
    volume_name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ClaimStatus {
    #[serde(deserialize_with = "filled")]
    phase: String,
}

pub(super) fn workload(raw: RawWorkload) -> (String, Workload) {
    let key = raw.metadata.key();
    let images = raw.spec.template.spec.containers.into_iter();
    let workload = Workload {
        namespace: raw.metadata.namespace,
        name: raw.metadata.name,
        generation: raw.metadata.generation,
        generation_seen: None,
        observed_generation: raw.status.observed_generation,
        desired: raw.spec.replicas.unwrap_or(1),
        ready: raw.status.ready_replicas,
        updated: raw.status.updated_replicas,
        available: raw.status.available_replicas,
        conditions: conditions(raw.status.conditions),
        created: raw.metadata.creation_timestamp,
        images: images.map(|container| container.image).collect(),
    };
    (key, workload)
}

pub(super) fn job(raw: RawJob) -> (String, Job) {
    let key = raw.metadata.key();
    let job = Job {
        namespace: raw.metadata.namespace,
        name: raw.metadata.name,
        uid: raw.metadata.uid,
        active: raw.status.active,
        succeeded: raw.status.succeeded,
        failed: raw.status.failed,
        conditions: conditions(raw.status.conditions),
        created: raw.metadata.creation_timestamp,
        deleting: raw.metadata.deletion_timestamp.is_some(),
    };
    (key, job)
}

pub(super) fn claim(raw: RawClaim) -> (String, Claim) {
    let key = raw.metadata.key();
    let claim = Claim {
        namespace: raw.metadata.namespace,
        name: raw.metadata.name,
        phase: raw.status.phase,
        class: raw.spec.storage_class_name,
        volume: raw.spec.volume_name.filter(|name| !name.is_empty()),
        created: raw.metadata.creation_timestamp,
    };
    (key, claim)
}
