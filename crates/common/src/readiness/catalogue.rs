//! The catalogue of blockers: what each id means and what to do, in the order in which causes outrank
//! consequences. `docs/blockers.md` is made from it.

mod application;
mod cluster;
mod setup;

use serde::{Deserialize, Serialize};

use crate::findings::FindingId;

/// Where something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The appliance's own record and its setup.
    Setup,
    /// The ways out: resolvers, registry, licence service.
    Network,
    /// The API server and its nodes.
    Kubernetes,
    /// Disks and volumes.
    Storage,
    /// Images of containers.
    Images,
    /// The Job that makes database, company and administrator.
    #[serde(rename = "app-bootstrap")]
    Bootstrap,
    /// Flux and what it installs.
    Flux,
    /// The application's workloads and its address.
    #[serde(rename = "app-readiness")]
    Application,
    /// Workloads without which users can log in.
    #[serde(rename = "background-services")]
    Background,
}

impl Layer {
    /// The stable word, as `topBlockers[].layer` has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Network => "network",
            Self::Kubernetes => "kubernetes",
            Self::Storage => "storage",
            Self::Images => "images",
            Self::Bootstrap => "app-bootstrap",
            Self::Flux => "flux",
            Self::Application => "app-readiness",
            Self::Background => "background-services",
        }
    }

    /// The word of the shipped product's `failures[].category`.
    pub(super) fn category(self) -> &'static str {
        match self {
            Self::Setup | Self::Images | Self::Application => "app-readiness",
            Self::Network => "network",
            Self::Kubernetes => "k3s",
            Self::Storage => "storage",
            Self::Bootstrap => "app-bootstrap",
            Self::Flux => "flux",
            Self::Background => "background-services",
        }
    }
}

/// One kind of blocker.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its stable id.
    pub id: FindingId,
    /// Where it is.
    pub layer: Layer,
    /// What must be seen for it to be told.
    pub when: &'static str,
    /// What it means, beside whether users can log in.
    pub meaning: &'static str,
    /// What to do, where the case at hand does not say it better.
    pub next: &'static str,
}

impl Entry {
    const fn new(id: FindingId, layer: Layer, when: &'static str) -> Self {
        Self {
            id,
            layer,
            when,
            meaning: "",
            next: "",
        }
    }

    const fn means(mut self, meaning: &'static str, next: &'static str) -> Self {
        self.meaning = meaning;
        self.next = next;
        self
    }
}

/// Every kind of blocker; what stands first outranks what follows where both are equally bad.
pub fn catalogue() -> impl Iterator<Item = &'static Entry> {
    [cluster::ENTRIES, setup::ENTRIES, application::ENTRIES]
        .into_iter()
        .flatten()
}

/// An entry and its place.
pub(super) fn find(id: FindingId) -> Option<(usize, &'static Entry)> {
    catalogue().enumerate().find(|(_, entry)| entry.id == id)
}
