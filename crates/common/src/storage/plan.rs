//! From what was observed to what is to be done. Pure.

use std::fmt;

use super::guard::VolumePatch;
use super::host::{self, HostSide};
use super::observe::Observed;
use crate::agent_api::HostItem;
use crate::cluster::Judgement;

/// One part of a reconciliation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubStep {
    /// The agent puts these right on the host.
    Host(Vec<HostItem>),
    /// The provisioner's namespace and its labels.
    Namespace,
    /// These volumes are kept when their claims go.
    Retain(Vec<VolumePatch>),
    /// The class is deleted, because what differs cannot be changed; why.
    DropClass(String),
    /// k3s's own provisioner is deleted.
    DropBundled,
    /// These objects are applied.
    Apply(Vec<String>),
    /// The application's namespace, its labels and its protection from pruning.
    ApplicationNamespace,
    /// The provisioner runs, alone.
    Rollout,
    /// No second provisioner shows up for a while.
    Settle,
    /// What an earlier test left is removed.
    Sweep,
    /// A volume is had, written and read back.
    Test,
}

impl fmt::Display for SubStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(items) => write!(f, "putting right on the host: {}", host::list(items)),
            Self::Namespace => f.write_str("preparing namespace local-path-storage"),
            Self::Retain(volumes) => {
                let names: Vec<_> = volumes.iter().map(VolumePatch::volume).collect();
                write!(f, "keeping volumes when their claims go: {}", names.join(", "))
            }
            Self::DropClass(why) => write!(f, "making StorageClass local-path anew: {why}"),
            Self::DropBundled => f.write_str("removing k3s's own kube-system/local-path-provisioner"),
            Self::Apply(objects) => write!(f, "applying {}", objects.join(", ")),
            Self::ApplicationNamespace => f.write_str("preparing namespace msp"),
            Self::Rollout => f.write_str("waiting for the storage provisioner to start"),
            Self::Settle => f.write_str("watching that no second provisioner shows up"),
            Self::Sweep => f.write_str("removing what an earlier storage test left"),
            Self::Test => f.write_str("testing that a volume can be written and read back"),
        }
    }
}

/// What is to be done, in its order; empty when storage is as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan(Vec<SubStep>);

impl Plan {
    /// The plan for what was observed.
    pub(super) fn of(seen: &Observed) -> Self {
        let mut plan = Vec::new();
        if !seen.host.drift().is_empty() {
            plan.push(SubStep::Host(seen.host.drift().to_vec()));
        }
        plan.extend(cluster_steps(seen));
        Self(plan)
    }

    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is to be done, in its order.
    #[must_use]
    pub fn steps(&self) -> &[SubStep] {
        &self.0
    }

    /// One line for each part, for people.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

fn cluster_steps(seen: &Observed) -> Vec<SubStep> {
    let unproven = !seen.proven || seen.drop_class.is_some();
    let starts = !seen.differing.is_empty() || seen.controllers.ours != Judgement::Reached;
    let bundled = seen.controllers.bundled;
    let has = |wanted: bool, step: SubStep| wanted.then_some(step);
    [
        has(seen.namespace_differs, SubStep::Namespace),
        has(
            !seen.to_retain.is_empty(),
            SubStep::Retain(seen.to_retain.clone()),
        ),
        seen.drop_class.clone().map(SubStep::DropClass),
        has(bundled, SubStep::DropBundled),
        has(!seen.differing.is_empty(), SubStep::Apply(seen.differing.clone())),
        has(seen.application_namespace_differs, SubStep::ApplicationNamespace),
        has(starts || bundled || unproven || seen.test_left, SubStep::Rollout),
        has(starts || bundled || unproven, SubStep::Settle),
        has(seen.test_left, SubStep::Sweep),
        has(unproven, SubStep::Test),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a first reconciliation does, for when nothing could be looked at.
#[must_use]
pub fn unseen() -> Plan {
    let all = HostItem::ALL.to_vec();
    let first = Observed::of_an_empty_cluster(HostSide::Drifted(all));
    Plan::of(&first)
}

#[cfg(test)]
mod tests;
