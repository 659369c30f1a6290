//! Nodes and pods.

use jiff::Timestamp;

use super::Condition;

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
