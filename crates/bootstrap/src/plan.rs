//! What boot consists of, as data: the boundary between host and control plane (50 §1). Pure.
//!
//! The host brings up k3s and the control plane that is baked into the installation, and hands over; everything
//! else is the control plane's. A plan that breaks this is refused, however it came about.

use std::fmt;

use appliance_common::host::BootStepId;

/// Version of the boundary.
pub(crate) const BOUNDARY_VERSION: u32 = 1;

/// A part of the plan; they come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Kubernetes.
    Substrate,
    /// What came with the installation.
    Assets,
    /// Where the operator goes on.
    Handoff,
}

/// One command of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) id: BootStepId,
    pub(crate) phase: Phase,
    /// What it does, for a dry run.
    pub(crate) intention: String,
    /// Running it twice leaves what running it once leaves.
    pub(crate) is_idempotent: bool,
    /// It cannot be done without a network.
    pub(crate) requires_network: bool,
}

/// The whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) version: u32,
    pub(crate) commands: Vec<Command>,
}

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) appliance_root: &'a str,
    pub(crate) kubeconfig: &'a str,
    pub(crate) port: u16,
}

/// Why a plan is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("the plan is of boundary version {0}, not {BOUNDARY_VERSION}")]
    Version(u32),
    #[error("the plan does not have the seven commands in their order")]
    Order,
    #[error("command {} of the plan is {what}", id.name())]
    Forbidden { id: BootStepId, what: &'static str },
}

impl Plan {
    /// The plan of every full boot.
    pub(crate) fn of(inputs: Inputs<'_>) -> Self {
        let root = inputs.appliance_root.trim_end_matches('/');
        let commands = BootStepId::ALL.map(|id| Command {
            id,
            phase: phase(id),
            intention: intention(id, root, inputs),
            is_idempotent: true,
            requires_network: false,
        });
        Self {
            version: BOUNDARY_VERSION,
            commands: commands.to_vec(),
        }
    }

    /// Only what an upgrade of the control plane needs (`--control-plane-only`).
    pub(crate) fn control_plane_only(&self) -> Vec<&Command> {
        let wanted = [BootStepId::WaitKubernetesApi, BootStepId::ApplyControlPlane];
        self.commands
            .iter()
            .filter(|command| wanted.contains(&command.id))
            .collect()
    }

    /// Refuses what breaks the boundary.
    pub(crate) fn check(&self) -> Result<(), PlanError> {
        if self.version != BOUNDARY_VERSION {
            return Err(PlanError::Version(self.version));
        }
        let ids: Vec<_> = self.commands.iter().map(|command| command.id).collect();
        let in_phases = self.commands.windows(2).all(|two| two[0].phase <= two[1].phase);
        if ids != BootStepId::ALL || !in_phases {
            return Err(PlanError::Order);
        }
        for command in &self.commands {
            let what = match (command.is_idempotent, command.requires_network) {
                (false, _) => "not safe to run twice",
                (_, true) => "in need of a network, which boot may not have",
                (true, false) => continue,
            };
            return Err(PlanError::Forbidden { id: command.id, what });
        }
        Ok(())
    }
}

fn phase(id: BootStepId) -> Phase {
    match id {
        BootStepId::EnsureK3s | BootStepId::WaitKubernetesApi => Phase::Substrate,
        BootStepId::ImportControlPlaneImages
        | BootStepId::ApplyLocalStorage
        | BootStepId::ApplyControlPlane => Phase::Assets,
        BootStepId::ReportSetupUrl | BootStepId::ReportFallbackCommand => Phase::Handoff,
    }
}

fn intention(id: BootStepId, root: &str, inputs: Inputs<'_>) -> String {
    match id {
        BootStepId::EnsureK3s => "see that k3s is installed, enabled and started".to_owned(),
        BootStepId::WaitKubernetesApi => format!("wait for the API server of {}", inputs.kubeconfig),
        BootStepId::ImportControlPlaneImages => {
            format!("import {root}/control-plane/images/*.tar into containerd, if it does not have them")
        }
        BootStepId::ApplyLocalStorage => format!("apply {root}/manifests/local-path-storage.yaml"),
        BootStepId::ApplyControlPlane => {
            format!("apply {root}/control-plane/manifests with the image that is kept")
        }
        BootStepId::ReportSetupUrl => format!("report the setup address, port {}", inputs.port),
        BootStepId::ReportFallbackCommand => {
            format!("report the fallback: sudo {root}/bin/alga-control-plane-reapply")
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.id.name(), self.intention)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan::of(Inputs {
            appliance_root: "/opt/alga-appliance//",
            kubeconfig: "/etc/rancher/k3s/k3s.yaml",
            port: 8080,
        })
    }

    #[test]
    fn the_seven_commands_come_in_their_order_and_trailing_slashes_are_cut() {
        let plan = plan();
        assert_eq!(plan.check(), Ok(()));
        let text = plan
            .commands
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n");
        assert!(
            text.contains("/opt/alga-appliance/control-plane/manifests") && !text.contains("//control"),
            "{text}"
        );
        let only: Vec<_> = plan
            .control_plane_only()
            .iter()
            .map(|command| command.id.name())
            .collect();
        assert_eq!(only, ["wait-kubernetes-api", "apply-control-plane"]);
    }

    #[test]
    fn a_plan_that_breaks_the_boundary_is_refused() {
        let broken = |change: &dyn Fn(&mut Plan)| {
            let mut plan = plan();
            change(&mut plan);
            plan.check().unwrap_err()
        };
        assert_eq!(broken(&|plan| plan.version = 2), PlanError::Version(2));
        assert_eq!(broken(&|plan| plan.commands.swap(0, 1)), PlanError::Order);
        assert_eq!(broken(&|plan| drop(plan.commands.pop())), PlanError::Order);
        assert_eq!(
            broken(&|plan| plan.commands[1].phase = Phase::Handoff),
            PlanError::Order
        );
        assert!(
            broken(&|plan| plan.commands[2].requires_network = true)
                .to_string()
                .contains("network")
        );
        assert!(
            broken(&|plan| plan.commands[4].is_idempotent = false)
                .to_string()
                .contains("twice")
        );
    }
}
