//! Pods and their containers.

use k8s_openapi::api::core::v1::{Container, ContainerState, ContainerStatus, Pod, PodStatus};
use serde::Serialize;
use utoipa::ToSchema;

use super::created;

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodRow {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    #[schema(required)]
    pub phase: Option<String>,
    /// Why it is not as it should be, in one word.
    #[schema(required)]
    pub reason: Option<String>,
    /// Whether it does what it is for.
    pub ready: bool,
    /// Containers that are ready.
    pub ready_containers: usize,
    /// Containers it has.
    pub total_containers: usize,
    /// How often its containers were started again.
    pub restarts: i32,
    /// Where it runs.
    #[schema(required)]
    pub node: Option<String>,
    /// Its address.
    #[serde(rename = "podIP")]
    #[schema(required)]
    pub pod_ip: Option<String>,
    /// When it was made; ISO-8601.
    #[schema(required)]
    pub created_at: Option<String>,
    /// Its containers.
    pub containers: Vec<ContainerRow>,
    /// Those that run before them, each to its end.
    pub init_containers: Vec<ContainerRow>,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerRow {
    /// Its name.
    pub name: String,
    /// Its image.
    #[schema(required)]
    pub image: Option<String>,
    /// Ports it says it listens on.
    pub ports: Vec<PortRow>,
    /// Whether it is ready.
    pub ready: bool,
    /// How often it was started again.
    pub restarts: i32,
    /// What it is doing.
    pub state: ContainerPhase,
    /// Why it waits or has ended, in one word.
    #[schema(required)]
    pub reason: Option<String>,
}

/// What a container is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ContainerPhase {
    /// It runs.
    Running,
    /// It has not started.
    Waiting,
    /// It has ended.
    Terminated,
    /// The kubelet has not told.
    Unknown,
}

/// A port of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PortRow {
    /// Its name.
    #[schema(required)]
    pub name: Option<String>,
    /// Its number.
    pub container_port: i32,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
}

impl From<Pod> for PodRow {
    fn from(object: Pod) -> Self {
        let Pod {
            metadata,
            spec,
            status,
        } = object;
        let (spec, status) = (spec.unwrap_or_default(), status.unwrap_or_default());
        let rows = |specs: &[Container], seen: &Option<Vec<ContainerStatus>>| -> Vec<ContainerRow> {
            specs
                .iter()
                .map(|spec| container(spec, seen.as_deref().unwrap_or_default()))
                .collect()
        };
        let containers = rows(&spec.containers, &status.container_statuses);
        let init_containers = rows(
            spec.init_containers.as_deref().unwrap_or_default(),
            &status.init_container_statuses,
        );
        Self {
            ready: is_ready(&status),
            ready_containers: containers.iter().filter(|one| one.ready).count(),
            total_containers: containers.len(),
            restarts: containers.iter().map(|one| one.restarts).sum(),
            reason: status.reason.or_else(|| reason(&init_containers, &containers)),
            phase: status.phase,
            node: spec.node_name,
            pod_ip: status.pod_ip,
            created_at: created(&metadata),
            containers,
            init_containers,
            namespace: metadata.namespace.unwrap_or_default(),
            name: metadata.name.unwrap_or_default(),
        }
    }
}

fn is_ready(status: &PodStatus) -> bool {
    let mut conditions = status.conditions.iter().flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// What the first container says that neither runs nor has done its work; those before the others first.
fn reason(init: &[ContainerRow], containers: &[ContainerRow]) -> Option<String> {
    let mut held_up = init
        .iter()
        .chain(containers)
        .filter(|one| one.state != ContainerPhase::Running);
    held_up.find_map(|one| one.reason.clone().filter(|reason| reason != "Completed"))
}

fn container(spec: &Container, seen: &[ContainerStatus]) -> ContainerRow {
    let status = seen.iter().find(|status| status.name == spec.name);
    let (state, reason) = state(status.and_then(|status| status.state.as_ref()));
    let ports = spec.ports.iter().flatten().map(|port| PortRow {
        name: port.name.clone(),
        container_port: port.container_port,
        protocol: port.protocol.clone().unwrap_or_else(|| "TCP".to_owned()),
    });
    ContainerRow {
        name: spec.name.clone(),
        image: spec.image.clone(),
        ports: ports.collect(),
        ready: status.is_some_and(|status| status.ready),
        restarts: status.map_or(0, |status| status.restart_count),
        state,
        reason,
    }
}

fn state(state: Option<&ContainerState>) -> (ContainerPhase, Option<String>) {
    use ContainerPhase::{Running, Terminated, Unknown, Waiting};
    let Some(state) = state else {
        return (Unknown, None);
    };
    match (&state.running, &state.waiting, &state.terminated) {
        (Some(_), _, _) => (Running, None),
        (None, Some(waiting), _) => (Waiting, waiting.reason.clone()),
        (None, None, Some(ended)) => (Terminated, ended.reason.clone()),
        (None, None, None) => (Unknown, None),
    }
}
