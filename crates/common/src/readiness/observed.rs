//! One observation of the box: what was read, how old it is, and why the rest is not known.
//!
//! Whoever observes fills it in and owns it; the rules only read it. It holds of each object what a rule or
//! a page needs, and nothing else, because a box may have thousands of them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::agent_api::DiskFacts;

/// Everything a judgement is made of.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// When the judgement is made.
    pub at: Timestamp,
    /// What is recorded on the state volume.
    pub install: Install,
    /// What the API server shows.
    pub cluster: Cluster,
    /// What the application's address answered last; `None` until it is asked.
    pub login: Option<LoginProbe>,
    /// What a look at registry and resolvers found; `None` while nobody needs one (40 §6).
    pub network: Option<NetworkProbe>,
    /// How full the disk under the application's volumes is; `None` where nobody tells.
    pub data_disk: Option<DiskFacts>,
}

/// What is recorded of the installation.
#[derive(Debug, Clone)]
pub struct Install {
    /// The state document; `Err` says why it cannot be read.
    pub document: Result<Option<Value>, String>,
    /// A failure of the engine itself that could not be recorded, in the form of the document's `failure`.
    pub engine_failure: Option<Value>,
    /// Setup has handed the release to Flux once (`installedAt`).
    pub is_installed: bool,
    /// New answers may replace the old.
    pub editable: bool,
    /// What happens by itself about a recorded failure.
    pub auto_retry: Option<AutoRetry>,
    /// The latched outcome of the bootstrap Job.
    pub bootstrap: Option<Bootstrap>,
    /// Where users sign in, as the operator wants it now.
    pub login_url: Option<String>,
    /// Where this page is, as browsers of the network reach it.
    pub status_url: Option<String>,
    /// The version of the release that this box follows.
    pub release: Option<String>,
    /// Whether the process that runs an update still does; `None` while there is no update.
    pub update_owner: Option<UpdateOwner>,
}

/// Whether the process that runs an update still does: told by its lock, or by PID, start time and boot
/// id together, never by the PID alone (W-41).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateOwner {
    /// It does.
    Alive,
    /// It is gone, or was never recorded as it should be.
    Gone,
    /// That cannot be told.
    Unknown,
}

/// Whether and when setup is tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutoRetry {
    /// An attempt is going to be made.
    pub will_retry: bool,
    /// Attempts were made as often as is allowed.
    pub exhausted: bool,
    /// Attempts made.
    pub attempts: u32,
    /// Attempts allowed.
    pub max_attempts: u32,
    /// When the next one is due.
    pub next_attempt_at: Option<Timestamp>,
    /// Whose answer is waited for before an attempt is spent, in the operator's words.
    pub waiting_for: Option<String>,
}

/// What the bootstrap Job came to; kept after the Job is gone (it goes 300 s after its end).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// Its outcome.
    pub state: BootstrapState,
    /// Pods it has started.
    pub attempts: u32,
    /// Why it failed.
    pub last_error: Option<String>,
    /// The end of the log of the last pod that failed, without secrets.
    pub log_excerpt: Option<String>,
    /// The pod that wrote it.
    pub log_pod: Option<String>,
    /// A Job was seen to complete once, whatever a later one did.
    pub was_complete: bool,
    /// The Job this is about.
    pub job_uid: Option<String>,
    /// Since when it is so.
    pub since: Option<Timestamp>,
}

/// The outcome of the bootstrap Job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootstrapState {
    /// The cluster does not tell.
    Unknown,
    /// There is no Job yet.
    Pending,
    /// It works.
    Running,
    /// It has given up.
    Failed,
    /// It is done.
    Complete,
}

/// What the API server shows, kind by kind.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// Whether the API server answers at all.
    pub api: Reading<()>,
    /// Nodes, by name.
    pub nodes: Reading<Objects<Node>>,
    /// Pods of all namespaces; like all that follow by `namespace/name`.
    pub pods: Reading<Objects<Pod>>,
    /// Deployments of all namespaces.
    pub deployments: Reading<Objects<Workload>>,
    /// `StatefulSets` of all namespaces.
    pub stateful_sets: Reading<Objects<Workload>>,
    /// Jobs of all namespaces.
    pub jobs: Reading<Objects<Job>>,
    /// Claims for volumes.
    pub claims: Reading<Objects<Claim>>,
    /// Flux' sources: OCI and Helm repositories.
    pub sources: Reading<Objects<FluxObject>>,
    /// Flux' Kustomizations.
    pub kustomizations: Reading<Objects<FluxObject>>,
    /// Flux' Helm releases.
    pub helm_releases: Reading<Objects<FluxObject>>,
    /// The newest events, oldest first; at most [`EVENTS_KEPT`].
    pub events: Reading<Vec<Event>>,
}

/// Events that are kept, of all there are.
pub const EVENTS_KEPT: usize = 512;

/// What one query shows: its last good answer, and why that is not current, if it is not.
#[derive(Debug, Clone)]
pub struct Reading<T> {
    /// The last good answer; empty before the first.
    pub last: T,
    /// When it was last known to be true.
    pub at: Option<Timestamp>,
    /// Why it is not known to be true now.
    pub trouble: Option<Trouble>,
}

/// Why something is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its kind.
    pub kind: TroubleKind,
    /// The cause, for an operator.
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// Kinds of not knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// Nothing was shown yet; the question is on its way.
    NotYet,
    /// No answer comes.
    Unreachable,
    /// We may not ask.
    Forbidden,
    /// The server does not know the kind, or not this version of it.
    NotServed,
    /// An answer came that cannot be understood.
    Unintelligible,
}

/// Objects of one kind.
#[derive(Debug, Clone)]
pub struct Objects<T> {
    /// Those that were understood.
    pub known: BTreeMap<String, T>,
    /// Those that will not decode, and why.
    pub unclear: BTreeMap<String, String>,
}

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

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its conditions, pressure included.
    pub conditions: Vec<Condition>,
    /// It takes no new pods.
    pub unschedulable: bool,
}

/// A pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its UID.
    pub uid: String,
    /// Kind and name of what controls it (`ReplicaSet`, `Job`, …).
    pub owner: Option<(String, String)>,
    /// Its node, once it has one.
    pub node: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// Why, in one word (`Evicted`).
    pub reason: Option<String>,
    /// Why, in a sentence.
    pub message: Option<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// It is going away.
    pub deleting: bool,
    /// `Ready` and `PodScheduled`.
    pub conditions: Vec<Condition>,
    /// Init containers, in their order.
    pub init_containers: Vec<Container>,
    /// Containers, in their order.
    pub containers: Vec<Container>,
}

/// A container of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// It is ready.
    pub ready: bool,
    /// How often it was started again.
    pub restarts: u32,
    /// What it is doing.
    pub state: ContainerState,
    /// How it ended last time.
    pub last: Option<Ended>,
}

/// What a container is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ContainerState {
    /// The kubelet has not told yet.
    #[default]
    Unknown,
    /// It has not started (`ImagePullBackOff`, `CrashLoopBackOff`, `ContainerCreating`, …).
    Waiting {
        /// One word.
        reason: String,
        /// A sentence.
        message: String,
    },
    /// It runs.
    Running {
        /// Since when.
        since: Option<Timestamp>,
    },
    /// It has ended.
    Terminated(Ended),
}

/// How a container ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code.
    pub exit_code: i32,
    /// One word (`OOMKilled`, `Error`, `Completed`).
    pub reason: String,
    /// The end of what it said, where the kubelet tells.
    pub message: String,
    /// When.
    pub at: Option<Timestamp>,
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

/// What the application's address answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginProbe {
    /// The address that was asked.
    pub url: String,
    /// When.
    pub at: Timestamp,
    /// What came.
    pub outcome: LoginOutcome,
    /// Whether a browser would trust the certificate; `None` without TLS or without an answer.
    pub certificate_trusted: Option<bool>,
}

/// What came of asking the application's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginOutcome {
    /// An answer.
    Answered {
        /// Its status.
        status: u16,
        /// Where it points to.
        location: Option<String>,
    },
    /// None; the cause for an operator.
    Silent(String),
}

/// What a look at resolvers and registry found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkProbe {
    /// Everything answered.
    pub ok: bool,
    /// When.
    pub at: Timestamp,
    /// `dns`, `network` or `registry-release-source`.
    pub category: &'static str,
    /// What was found, for an operator.
    pub message: String,
    /// What to do.
    pub next_step: String,
}

impl Default for Install {
    /// A fresh box.
    fn default() -> Self {
        Self {
            document: Ok(None),
            engine_failure: None,
            is_installed: false,
            editable: true,
            auto_retry: None,
            bootstrap: None,
            login_url: None,
            status_url: None,
            release: None,
            update_owner: None,
        }
    }
}

impl<T: Default> Default for Reading<T> {
    /// Nothing was shown yet.
    fn default() -> Self {
        Self {
            last: T::default(),
            at: None,
            trouble: Some(Trouble {
                kind: TroubleKind::NotYet,
                message: "not read yet".to_owned(),
                since: None,
            }),
        }
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            unclear: BTreeMap::new(),
        }
    }
}

impl<T> Reading<T> {
    /// An answer that is current.
    pub fn of(value: T, at: Timestamp) -> Self {
        Self {
            last: value,
            at: Some(at),
            trouble: None,
        }
    }

    /// What is known to be true now.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn current(&self) -> Result<&T, &Trouble> {
        self.trouble.as_ref().map_or(Ok(&self.last), Err)
    }
}
