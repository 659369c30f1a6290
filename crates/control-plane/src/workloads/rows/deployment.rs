//! Deployments and the `ReplicaSets` that are theirs.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStatus, ReplicaSet};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use serde::Serialize;
use utoipa::ToSchema;

use super::{created, iso};

/// Annotation that numbers the versions of a Deployment.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// A Deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentRow {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Pods that are ready.
    pub ready_replicas: i32,
    /// Pods there should be.
    pub replicas: i32,
    /// Pods of the newest version.
    pub updated_replicas: i32,
    /// Pods that have been ready for long enough.
    pub available_replicas: i32,
    /// How often what is wanted has changed.
    #[schema(required)]
    pub generation: Option<i64>,
    /// Which of these changes has been taken up.
    #[schema(required)]
    pub observed_generation: Option<i64>,
    /// When it was made; ISO-8601.
    #[schema(required)]
    pub created_at: Option<String>,
    /// `RollingUpdate` or `Recreate`.
    #[schema(required)]
    pub strategy: Option<String>,
    /// What its controller says of it.
    pub conditions: Vec<ConditionRow>,
    /// Images of its containers.
    pub images: Vec<String>,
    /// Number of its newest version.
    #[schema(required)]
    pub revision: Option<String>,
    /// Its versions, newest first; none when they could not be read.
    pub replica_sets: Vec<ReplicaSetRow>,
}

/// What a controller says of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConditionRow {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Why, in one word.
    #[schema(required)]
    pub reason: Option<String>,
    /// Why, in words.
    #[schema(required)]
    pub message: Option<String>,
    /// Since when; ISO-8601.
    #[schema(required)]
    pub last_transition_time: Option<String>,
}

/// One version of a Deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicaSetRow {
    /// Its name.
    pub name: String,
    /// Its number.
    #[schema(required)]
    pub revision: Option<String>,
    /// Pods there should be of it.
    pub replicas: i32,
    /// Pods that are ready.
    pub ready_replicas: i32,
    /// Pods that have been ready for long enough.
    pub available_replicas: i32,
    /// When it was made; ISO-8601.
    #[schema(required)]
    pub created_at: Option<String>,
    /// Images of its containers.
    pub images: Vec<String>,
}

/// A `ReplicaSet`, and what tells whose it is.
#[derive(Debug)]
pub(in super::super) struct Set {
    namespace: String,
    labels: BTreeMap<String, String>,
    owners: Vec<OwnerReference>,
    row: ReplicaSetRow,
}

impl From<ReplicaSet> for Set {
    fn from(object: ReplicaSet) -> Self {
        let ReplicaSet {
            metadata,
            spec,
            status,
        } = object;
        let (spec, status) = (spec.unwrap_or_default(), status.unwrap_or_default());
        Self {
            row: ReplicaSetRow {
                revision: revision(&metadata),
                replicas: spec.replicas.unwrap_or(1),
                ready_replicas: status.ready_replicas.unwrap_or(0),
                available_replicas: status.available_replicas.unwrap_or(0),
                created_at: created(&metadata),
                images: spec.template.as_ref().map(images).unwrap_or_default(),
                name: metadata.name.unwrap_or_default(),
            },
            namespace: metadata.namespace.unwrap_or_default(),
            labels: metadata.labels.unwrap_or_default(),
            owners: metadata.owner_references.unwrap_or_default(),
        }
    }
}

impl Set {
    /// By its owner; only one that has none, by its labels.
    fn is_of(&self, deployment: &ObjectMeta, selector: &LabelSelector) -> bool {
        if Some(&self.namespace) != deployment.namespace.as_ref() {
            return false;
        }
        if self.owners.is_empty() {
            return has_labels(&self.labels, selector);
        }
        self.owners.iter().any(|owner| {
            owner.kind == "Deployment"
                && (Some(&owner.uid) == deployment.uid.as_ref()
                    || Some(&owner.name) == deployment.name.as_ref())
        })
    }
}

/// A selector without labels would take all there are.
fn has_labels(labels: &BTreeMap<String, String>, selector: &LabelSelector) -> bool {
    let wanted = selector.match_labels.iter().flatten();
    selector.match_expressions.as_ref().is_none_or(Vec::is_empty)
        && wanted.clone().count() > 0
        && wanted
            .into_iter()
            .all(|(key, value)| labels.get(key) == Some(value))
}

/// Each Deployment with the sets that are its own, by namespace and name.
pub(in super::super) fn joined(deployments: Vec<Deployment>, sets: &[Set]) -> Vec<DeploymentRow> {
    let mut rows: Vec<_> = deployments.into_iter().map(|one| row(one, sets)).collect();
    rows.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
    rows
}

fn row(object: Deployment, sets: &[Set]) -> DeploymentRow {
    let Deployment {
        metadata,
        spec,
        status,
    } = object;
    let (spec, status) = (spec.unwrap_or_default(), status.unwrap_or_default());
    let mut replica_sets: Vec<_> = sets
        .iter()
        .filter(|set| set.is_of(&metadata, &spec.selector))
        .map(|set| set.row.clone())
        .collect();
    // Times are whole seconds; of two sets of one second the revision tells which is newer.
    let number = |set: &Option<String>| set.as_deref().and_then(|text| text.parse::<u64>().ok());
    let age = |set: &ReplicaSetRow| (set.created_at.clone(), number(&set.revision), set.name.clone());
    replica_sets.sort_by_key(|set| std::cmp::Reverse(age(set)));
    let count = |replicas: Option<i32>| replicas.unwrap_or(0);
    DeploymentRow {
        ready_replicas: count(status.ready_replicas),
        replicas: spec.replicas.unwrap_or(1),
        updated_replicas: count(status.updated_replicas),
        available_replicas: count(status.available_replicas),
        generation: metadata.generation,
        observed_generation: status.observed_generation,
        created_at: created(&metadata),
        strategy: strategy(&spec),
        conditions: conditions(status),
        images: images(&spec.template),
        revision: revision(&metadata),
        replica_sets,
        namespace: metadata.namespace.unwrap_or_default(),
        name: metadata.name.unwrap_or_default(),
    }
}

fn strategy(spec: &DeploymentSpec) -> Option<String> {
    spec.strategy.as_ref().and_then(|strategy| strategy.type_.clone())
}

fn conditions(status: DeploymentStatus) -> Vec<ConditionRow> {
    let all = status.conditions.unwrap_or_default().into_iter();
    all.map(|condition| ConditionRow {
        kind: condition.type_,
        status: condition.status,
        reason: condition.reason,
        message: condition.message,
        last_transition_time: condition.last_transition_time.as_ref().map(iso),
    })
    .collect()
}

fn revision(meta: &ObjectMeta) -> Option<String> {
    meta.annotations.as_ref()?.get(REVISION).cloned()
}

fn images(template: &PodTemplateSpec) -> Vec<String> {
    let containers = template.spec.iter().flat_map(|spec| &spec.containers);
    containers
        .filter_map(|container| container.image.clone())
        .collect()
}
