//! Workloads, Jobs, claims, objects of Flux and events.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A condition of an object (`status.conditions[]`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// `Ready`, `Available`, `DiskPressure`, …
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
    /// The generation it speaks of, where the kind says so.
    pub observed_generation: Option<i64>,
}

/// A Deployment or `StatefulSet`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// When this generation was first seen; what its controller has not taken up by a deadline is told.
    pub generation_seen: Option<Timestamp>,
    /// `status.observedGeneration`; 0 before the first.
    pub observed_generation: i64,
    /// `spec.replicas`; 1 where it is not set.
    pub desired: i32,
    /// `status.readyReplicas`.
    pub ready: i32,
    /// `status.updatedReplicas`.
    pub updated: i32,
    /// `status.availableReplicas`.
    pub available: i32,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Images of its pod template.
    pub images: Vec<String>,
}

/// A Job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Job {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Pods that run.
    pub active: u32,
    /// Pods that succeeded.
    pub succeeded: u32,
    /// Pods that failed.
    pub failed: u32,
    /// `Complete`, `Failed`, `Suspended`.
    pub conditions: Vec<Condition>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// It is going away.
    pub deleting: bool,
}

/// A claim for a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `Pending`, `Bound`, `Lost`.
    pub phase: String,
    /// Its class.
    pub class: Option<String>,
    /// Its volume, once it has one.
    pub volume: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// Kinds of Flux' objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum FluxKind {
    /// Where a bundle is fetched from.
    #[default]
    #[serde(rename = "OCIRepository")]
    OciRepository,
    /// Where charts are fetched from.
    HelmRepository,
    /// What is applied of a bundle.
    Kustomization,
    /// A chart that is installed.
    HelmRelease,
}

impl FluxKind {
    /// The kind as it is written in objects.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OciRepository => "OCIRepository",
            Self::HelmRepository => "HelmRepository",
            Self::Kustomization => "Kustomization",
            Self::HelmRelease => "HelmRelease",
        }
    }

    /// Whether something is fetched from it.
    #[must_use]
    pub fn is_source(self) -> bool {
        matches!(self, Self::OciRepository | Self::HelmRepository)
    }
}

impl fmt::Display for FluxKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A source, Kustomization or Helm release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FluxObject {
    /// Its kind.
    pub kind: FluxKind,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// When this generation was first seen; what its controller has not taken up by a deadline is told.
    pub generation_seen: Option<Timestamp>,
    /// `status.observedGeneration`; -1 before the first, as Flux writes it.
    pub observed_generation: i64,
    /// `spec.suspend`.
    pub suspended: bool,
    /// Whether it is an address only, as a `HelmRepository` of type `oci` is: no controller reports on it.
    pub is_address: bool,
    /// Its conditions: `Ready`, `Reconciling`, `Stalled`, `Released`, …
    pub conditions: Vec<Condition>,
    /// What it is at: the artifact's, the applied or the chart's revision.
    pub revision: Option<String>,
    /// What it was asked to be at, where the kind tells.
    pub attempted_revision: Option<String>,
    /// `namespace/name` of what it waits for.
    pub depends_on: Vec<String>,
    /// `spec.timeout`.
    pub timeout: Option<Duration>,
    /// `status.installFailures` plus `status.upgradeFailures`.
    pub failures: u32,
    /// When it was made.
    pub created: Option<Timestamp>,
}

/// An event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// `Normal` or `Warning`.
    pub kind: String,
    /// One word.
    pub reason: String,
    /// Namespace of the event.
    pub namespace: String,
    /// Kind of what it is about.
    pub about_kind: String,
    /// Name of what it is about.
    pub about_name: String,
    /// UID of what it is about.
    pub about_uid: String,
    /// A sentence.
    pub message: String,
    /// When it was last seen.
    pub at: Option<Timestamp>,
    /// How often it was seen.
    pub count: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_flux_is_written_as_it_is_named() {
        for kind in [
            FluxKind::OciRepository,
            FluxKind::HelmRepository,
            FluxKind::Kustomization,
            FluxKind::HelmRelease,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
