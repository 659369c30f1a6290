//! What there is, on the wire: components, Flux objects, events, the bootstrap Job, numbers.

use serde::{Deserialize, Serialize};

use super::{Moment, Question};
use crate::readiness::observed::{FluxKind, TroubleKind};
use crate::readiness::verdict::Signal;

/// One workload of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// Its name.
    pub name: String,
    /// The tier it belongs to.
    pub tier: ComponentTier,
    /// Its kind.
    pub kind: ComponentKind,
    /// Its namespace.
    pub namespace: String,
    /// It works.
    pub ready: bool,
    /// The same with “not known”.
    pub signal: Signal,
    /// One word for its state.
    pub status: ComponentStatus,
    /// Pods wanted; null where it is not known.
    pub desired: Option<i32>,
    /// Pods that are ready; null where it is not known.
    pub ready_replicas: Option<i32>,
    /// Why it is as it is.
    pub message: String,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
}

/// Tiers that have workloads of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ComponentTier {
    /// Database, cache, connection pool.
    Core,
    /// What users log in to.
    Login,
    /// What users can log in without.
    Background,
}

/// Kinds of workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ComponentKind {
    /// A Deployment.
    Deployment,
    /// A `StatefulSet`.
    StatefulSet,
}

/// One word for a component's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ComponentStatus {
    /// All its pods are ready, of the newest generation.
    Healthy,
    /// Some are.
    Degraded,
    /// None is.
    Unhealthy,
    /// Not known.
    Unknown,
    /// It is told to have no pods.
    ScaledDown,
}

/// Something that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// `namespace/name` of what is busy.
    pub component: String,
    /// What kind of thing happens.
    pub kind: OperationKind,
    /// The image, where one is pulled.
    pub image: Option<String>,
    /// What happens.
    pub message: String,
    /// Since when.
    pub started_at: Option<Moment>,
    /// Seconds since then, as of `collectedAt`.
    pub elapsed_seconds: Option<i64>,
    /// Nothing tells the size of an image beforehand.
    pub estimated_size_human: Option<String>,
    /// Whether `progressPercent` is known.
    pub progress_available: bool,
    /// How far it is.
    pub progress_percent: Option<u8>,
}

/// Kinds of what is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OperationKind {
    /// An image is pulled.
    ImagePull,
    /// A container is made and started.
    ContainerStart,
    /// A pod looks for its node.
    Scheduling,
    /// The bootstrap Job works.
    Bootstrap,
    /// A Helm release is installed or upgraded.
    Helm,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RecentEvent {
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One word.
    pub reason: String,
    /// Its namespace.
    pub namespace: String,
    /// `Kind/name` of what it is about.
    pub involved_object: String,
    /// A sentence.
    pub message: String,
    /// When it was last seen.
    pub timestamp: Option<Moment>,
    /// How often it was seen.
    pub count: u32,
}

/// The Job that makes the database, the company and its administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BootstrapSection {
    /// The Job, or what is remembered of it.
    pub job: BootstrapJob,
    /// The end of its log, if it failed.
    pub logs: BootstrapLogs,
}

/// The bootstrap Job, or what is remembered of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BootstrapJob {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: JobState,
    /// It has given up.
    pub failed: bool,
    /// It is done.
    pub completed: bool,
    /// Its UID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Since when it is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
}

/// The state of a Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// There is none yet.
    NotCreated,
    /// It works.
    Running,
    /// It is done.
    Completed,
    /// It has given up.
    Failed,
    /// Not known.
    Unknown,
}

/// The end of the bootstrap Job's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BootstrapLogs {
    /// There is a log.
    pub available: bool,
    /// The pod it is of.
    pub pod: Option<String>,
    /// The container it is of.
    pub container: Option<String>,
    /// Its lines, without secrets.
    pub tail: Vec<String>,
    /// Those that tell of an error; the last ten.
    pub detected_errors: Vec<String>,
}

/// Addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Urls {
    /// Where users sign in.
    pub login_url: Option<String>,
    /// Where this page is.
    pub status_url: Option<String>,
}

/// What the application's address answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct LoginProbeSection {
    /// It was asked.
    pub checked: bool,
    /// It answered in a way that lets users in.
    pub reachable: bool,
    /// The status of the answer.
    pub status_code: Option<u16>,
    /// Where the answer points to.
    pub location: Option<String>,
    /// What was asked.
    pub url: Option<String>,
    /// When.
    pub checked_at: Option<Moment>,
    /// Why there was no answer, or why it does not count.
    pub error: Option<String>,
    /// Whether a browser would trust the certificate.
    pub certificate: Certificate,
}

/// Whether a browser would trust the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Certificate {
    /// It would.
    Trusted,
    /// It would warn.
    Untrusted,
    /// There is none, or none was seen.
    None,
}

/// What a look at resolvers and registry found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct NetworkSection {
    /// Everything answered.
    pub ok: bool,
    /// When.
    pub checked_at: Moment,
    /// What was found.
    pub message: String,
}

/// The objects of Flux.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Flux {
    /// OCI and Helm repositories.
    pub sources: Vec<FluxRow>,
    /// Kustomizations.
    pub kustomizations: Vec<FluxRow>,
    /// Helm releases.
    pub helm_releases: Vec<FluxRow>,
}

/// One object of Flux.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FluxRow {
    /// Its kind.
    pub kind: FluxKind,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Status of its condition `Ready`; null without one.
    pub ready: Option<String>,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// What it is at.
    pub revision: Option<String>,
    /// It is told to rest.
    pub suspended: bool,
    /// What is concluded.
    pub signal: Signal,
}

/// Numbers, and warnings about questions that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Kubernetes {
    /// Nodes.
    pub nodes: Vec<NodeRow>,
    /// Pods of all namespaces; null before they were read.
    pub pod_count: Option<usize>,
    /// Jobs of the application; null before they were read.
    pub job_count: Option<usize>,
    /// Helm releases of the application; null before they were read.
    pub helm_release_count: Option<usize>,
    /// Questions that failed.
    pub warnings: Vec<String>,
    /// Those that are expected to fail so early.
    pub suppressed_warnings: Vec<String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NodeRow {
    /// Its name.
    pub name: String,
    /// Its condition `Ready` is `True`.
    pub ready: bool,
}

/// A question that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReadingError {
    /// What was asked for.
    pub signal: Question,
    /// Why there is no answer.
    pub kind: TroubleKind,
    /// The cause.
    pub message: String,
    /// Since when.
    pub since: Option<Moment>,
    /// When it was last known.
    pub last_known_at: Option<Moment>,
}

/// Whether the API server answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ClusterSection {
    /// It answers; null while that is not known.
    pub reachable: Option<bool>,
    /// Since when it does not.
    pub since: Option<Moment>,
    /// Why not.
    pub message: Option<String>,
}
