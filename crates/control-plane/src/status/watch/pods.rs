//! Nodes and pods.

use appliance_common::readiness::observed::{Container, ContainerState, Ended, Node, Pod};
use jiff::Timestamp;
use serde::Deserialize;

use super::decode::{Meta, RawCondition, conditions, filled, short};

/// What is read of a node.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawNode {
    metadata: Meta,
    spec: NodeSpec,
    status: NodeStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeSpec {
    unschedulable: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    #[serde(deserialize_with = "filled")]
    conditions: Vec<RawCondition>,
}

/// What is read of a pod.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawPod {
    metadata: Meta,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: Option<String>,
    #[serde(deserialize_with = "filled")]
    init_containers: Vec<ContainerSpec>,
    #[serde(deserialize_with = "filled")]
    containers: Vec<ContainerSpec>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ContainerSpec {
    name: String,
    image: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    #[serde(deserialize_with = "filled")]
    phase: String,
    reason: Option<String>,
    message: Option<String>,
    #[serde(deserialize_with = "filled")]
    conditions: Vec<RawCondition>,
    #[serde(deserialize_with = "filled")]
    init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "filled")]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    name: String,
    ready: bool,
    restart_count: u32,
    #[serde(deserialize_with = "filled")]
    state: RawState,
    #[serde(deserialize_with = "filled")]
    last_state: RawState,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawState {
    waiting: Option<Waiting>,
    running: Option<Running>,
    terminated: Option<Terminated>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Waiting {
    #[serde(deserialize_with = "filled")]
    reason: String,
    #[serde(deserialize_with = "filled")]
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Running {
    started_at: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Terminated {
    exit_code: i32,
    #[serde(deserialize_with = "filled")]
    reason: String,
    #[serde(deserialize_with = "filled")]
    message: String,
    finished_at: Option<Timestamp>,
}

pub(super) fn node(raw: RawNode) -> (String, Node) {
    let key = raw.metadata.key();
    let node = Node {
        name: raw.metadata.name,
        conditions: conditions(raw.status.conditions),
        unschedulable: raw.spec.unschedulable.unwrap_or(false),
    };
    (key, node)
}

pub(super) fn pod(mut raw: RawPod) -> (String, Pod) {
    let key = raw.metadata.key();
    let owner = raw.metadata.controller();
    let mut told = conditions(raw.status.conditions);
    told.retain(|condition| matches!(condition.kind.as_str(), "Ready" | "PodScheduled"));
    let pod = Pod {
        owner,
        namespace: raw.metadata.namespace,
        name: raw.metadata.name,
        uid: raw.metadata.uid,
        node: raw.spec.node_name,
        phase: raw.status.phase,
        reason: raw.status.reason,
        message: raw.status.message.map(short),
        created: raw.metadata.creation_timestamp,
        deleting: raw.metadata.deletion_timestamp.is_some(),
        conditions: told,
        init_containers: containers(raw.spec.init_containers, raw.status.init_container_statuses),
        containers: containers(raw.spec.containers, raw.status.container_statuses),
    };
    (key, pod)
}

/// The containers of the specification, each with what the kubelet tells of it.
fn containers(specified: Vec<ContainerSpec>, mut told: Vec<ContainerStatus>) -> Vec<Container> {
    let one = |spec: ContainerSpec| {
        let at = told.iter().position(|status| status.name == spec.name);
        let status = at.map(|at| told.swap_remove(at)).unwrap_or_default();
        Container {
            name: spec.name,
            image: spec.image,
            ready: status.ready,
            restarts: status.restart_count,
            state: state(status.state),
            last: status.last_state.terminated.map(ended),
        }
    };
    specified.into_iter().map(one).collect()
}

fn state(raw: RawState) -> ContainerState {
    if let Some(over) = raw.terminated {
        return ContainerState::Terminated(ended(over));
    }
    if let Some(running) = raw.running {
        return ContainerState::Running {
            since: running.started_at,
        };
    }
    raw.waiting
        .map_or(ContainerState::Unknown, |waiting| ContainerState::Waiting {
            reason: waiting.reason,
            message: short(waiting.message),
        })
}

fn ended(raw: Terminated) -> Ended {
    Ended {
        exit_code: raw.exit_code,
        reason: raw.reason,
        message: short(raw.message),
        at: raw.finished_at,
    }
}
