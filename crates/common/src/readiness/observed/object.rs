//! Workloads, Jobs, claims, objects of Flux and events.

use std::time::Duration;

use jiff::Timestamp;

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

/// A source, Kustomization or Helm release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FluxObject {
    /// `OCIRepository`, `HelmRepository`, `Kustomization`, `HelmRelease`.
    pub kind: String,
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
