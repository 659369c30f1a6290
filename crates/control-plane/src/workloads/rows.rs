//! Objects of the cluster as the rows that are shown of them; pure.

mod deployment;
mod event;
mod found;
mod pod;

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Serialize;
use utoipa::ToSchema;

pub use deployment::{ConditionRow, DeploymentRow, ReplicaSetRow};
pub(super) use deployment::{Set, joined};
pub use event::EventRow;
pub(super) use event::Newest;
pub use found::{Found, LeftOut, LeftOutRow};
pub use pod::{ContainerPhase, ContainerRow, PodRow, PortRow};

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceRow {
    /// Its name.
    pub name: String,
    /// `Active` or `Terminating`.
    #[schema(required)]
    pub phase: Option<String>,
    /// When it was made; ISO-8601.
    #[schema(required)]
    pub created_at: Option<String>,
}

impl From<Namespace> for NamespaceRow {
    fn from(object: Namespace) -> Self {
        Self {
            created_at: created(&object.metadata),
            name: object.metadata.name.unwrap_or_default(),
            phase: object.status.and_then(|status| status.phase),
        }
    }
}

fn created(meta: &ObjectMeta) -> Option<String> {
    meta.creation_timestamp.as_ref().map(iso)
}

fn iso(time: &Time) -> String {
    time.0.to_string()
}

#[cfg(test)]
mod tests;
