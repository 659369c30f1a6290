//! One observation of the box: what was read, how old it is, and why the rest is not known.
//!
//! Whoever observes fills it in and owns it; the rules only read it. It holds of each object what a rule or
//! a page needs, and nothing else, because a box may have thousands of them.

mod install;
mod object;
mod pod;
mod probe;
mod reading;

use jiff::Timestamp;

use crate::agent_api::DiskFacts;

pub use install::{AutoRetry, Bootstrap, BootstrapState, Install, UpdateOwner};
pub use object::{Claim, Condition, Event, FluxKind, FluxObject, Job, Workload};
pub use pod::{Container, ContainerState, Ended, Node, Pod};
pub use probe::{LoginOutcome, LoginProbe, NetworkProbe};
pub use reading::{Objects, Reading, Trouble, TroubleKind};

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
