//! What the appliance is made of (40 §1): the workloads, the releases they come from, the Flux objects.

use super::wire::{ComponentKind, ComponentTier};
use crate::names::{self, namespace};

/// A workload of the application.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: &'static str,
    /// What an operator calls it.
    pub(super) title: &'static str,
    pub(super) kind: ComponentKind,
    pub(super) tier: ComponentTier,
    /// The Helm release that brings it.
    pub(super) release: &'static str,
}

impl Part {
    const fn deployment(
        name: &'static str,
        title: &'static str,
        tier: ComponentTier,
        release: &'static str,
    ) -> Self {
        Self {
            name,
            title,
            kind: ComponentKind::Deployment,
            tier,
            release,
        }
    }

    const fn stateful(name: &'static str, title: &'static str) -> Self {
        Self {
            name,
            title,
            kind: ComponentKind::StatefulSet,
            tier: ComponentTier::Core,
            release: CORE_RELEASE,
        }
    }

    /// `namespace/name`.
    pub(super) fn key(&self) -> String {
        format!("{}/{}", namespace::MSP, self.name)
    }

    /// `namespace/name` of the release that brings it.
    pub(super) fn release_key(&self) -> String {
        format!("{}/{}", namespace::ALGA_SYSTEM, self.release)
    }

    /// `The database (db)`.
    pub(super) fn title(&self) -> String {
        format!("{} ({})", self.title, self.name)
    }

    /// The part of this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        PARTS.iter().find(|part| part.name == name)
    }
}

/// The release that brings database, cache and application.
pub(super) const CORE_RELEASE: &str = "alga-core";

/// The eight workloads, those that others need first.
pub(super) const PARTS: [Part; 8] = [
    Part::stateful("db", "The database"),
    Part::stateful("redis", "The cache"),
    Part::deployment(
        "pgbouncer",
        "The database connection pool",
        ComponentTier::Core,
        "pgbouncer",
    ),
    Part::deployment(
        names::APPLICATION,
        "The application",
        ComponentTier::Login,
        CORE_RELEASE,
    ),
    Part::deployment(
        "temporal",
        "The workflow engine",
        ComponentTier::Background,
        "temporal",
    ),
    Part::deployment(
        "workflow-worker",
        "The workflow worker",
        ComponentTier::Background,
        "workflow-worker",
    ),
    Part::deployment(
        "email-service",
        "The e-mail service",
        ComponentTier::Background,
        "email-service",
    ),
    Part::deployment(
        "temporal-worker",
        "The workflow engine's worker",
        ComponentTier::Background,
        "temporal-worker",
    ),
];

/// The Kustomization that brings what all others need.
pub(super) const PLATFORM: &str = "alga-platform";

/// The Kustomizations of a bundle, in the order in which they wait for each other.
pub(super) const KUSTOMIZATIONS: [&str; 3] = [PLATFORM, "alga-core", "alga-background"];

/// Namespaces whose pods are the appliance's; others' are not judged.
pub(super) const NAMESPACES: [&str; 7] = [
    namespace::MSP,
    namespace::ALGA_SYSTEM,
    namespace::APPLIANCE_SYSTEM,
    namespace::FLUX_SYSTEM,
    namespace::LOCAL_PATH_STORAGE,
    namespace::KUBE_SYSTEM,
    namespace::CONTROL_PLANE,
];

/// Whether what this is about must work before anything can be installed.
pub(super) fn carries_others(in_namespace: &str, owner: &str) -> bool {
    in_namespace == namespace::FLUX_SYSTEM || owner == "coredns" || owner == names::object::PROVISIONER
}
