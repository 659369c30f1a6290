//! The catalogue: what is checked, why, and what to do about it. One file for each group.

mod disk;
mod dns;
mod egress;
mod hardware;
mod identity;
mod kernel;
mod network;
mod previous;
mod security;
mod sysctl;

#[cfg(test)]
pub(super) use egress::http_date;

use serde::Serialize;

use super::facts::Facts;
use super::verdict::Judged;
use crate::findings::FindingId;

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = CheckGroup))]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// CPU, memory, architecture.
    Hardware,
    /// The kernel and its control groups.
    Kernel,
    /// Kernel settings.
    Sysctl,
    /// Room and speed of disks.
    Disk,
    /// Addresses, routes, ports.
    Network,
    /// Name resolution.
    Dns,
    /// Ways out: registry, licence service, proxy, time.
    Egress,
    /// What tells this box from others.
    Identity,
    /// Software that watches or forbids other software.
    Security,
    /// What was here before.
    Previous,
}

impl Group {
    /// Whether it is judged by readings of the host rather than by requests.
    #[must_use]
    pub fn is_of_host(self) -> bool {
        !matches!(self, Self::Dns | Self::Egress)
    }

    /// The stable name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hardware => "hardware",
            Self::Kernel => "kernel",
            Self::Sysctl => "sysctl",
            Self::Disk => "disk",
            Self::Network => "network",
            Self::Dns => "dns",
            Self::Egress => "egress",
            Self::Identity => "identity",
            Self::Security => "security",
            Self::Previous => "previous",
        }
    }
}

/// What a failure does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = CheckSeverity))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It stops an install.
    Block,
    /// It is shown.
    Warn,
}

/// Whether the cluster is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// k3s was not started yet: its ports must be free, and nothing of it may be left.
    BeforeCluster,
    /// k3s runs.
    InCluster,
}

/// Where a check reads the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A file, by its path below the root.
    Text(&'static str),
    /// Whether a path exists.
    Present(&'static str),
}

/// One check: data, and a pure judge.
#[derive(Debug)]
pub struct Check {
    /// Stable id.
    pub id: FindingId,
    /// What it is about.
    pub group: Group,
    /// Its name.
    pub title: &'static str,
    /// What a failure does.
    pub severity: Severity,
    /// Whether a failure cannot be waived.
    pub strict: bool,
    /// Why it matters.
    pub why: &'static str,
    /// What to do: a command, or a sentence.
    pub fix: &'static str,
    /// What the host could do by itself, where that is safe.
    pub automatic_fix: Option<&'static str>,
    only_before_cluster: bool,
    pub(super) reads: &'static [Source],
    pub(super) judge: fn(&Facts) -> Judged,
}

impl Check {
    const fn new(group: Group, id: FindingId, title: &'static str, judge: fn(&Facts) -> Judged) -> Self {
        Self {
            id,
            group,
            title,
            severity: Severity::Warn,
            strict: false,
            why: "",
            fix: "",
            automatic_fix: None,
            only_before_cluster: false,
            reads: &[],
            judge,
        }
    }

    const fn why(mut self, why: &'static str, fix: &'static str) -> Self {
        self.why = why;
        self.fix = fix;
        self
    }

    const fn blocking(mut self) -> Self {
        self.severity = Severity::Block;
        self
    }

    const fn strict(mut self) -> Self {
        self.severity = Severity::Block;
        self.strict = true;
        self
    }

    const fn automatic(mut self, fix: &'static str) -> Self {
        self.automatic_fix = Some(fix);
        self
    }

    const fn before_cluster(mut self) -> Self {
        self.only_before_cluster = true;
        self
    }

    const fn reading(mut self, reads: &'static [Source]) -> Self {
        self.reads = reads;
        self
    }

    /// Whether an operator may go on in spite of it.
    #[must_use]
    pub fn is_waivable(&self) -> bool {
        self.severity == Severity::Block && !self.strict
    }

    pub(super) fn does_not_apply(&self, stage: Stage) -> Option<&'static str> {
        (self.only_before_cluster && stage == Stage::InCluster).then_some("k3s already runs on this box")
    }
}

/// Every check, group by group.
pub fn catalogue() -> impl Iterator<Item = &'static Check> {
    [
        hardware::CHECKS,
        kernel::CHECKS,
        sysctl::CHECKS,
        disk::CHECKS,
        network::CHECKS,
        dns::CHECKS,
        egress::CHECKS,
        identity::CHECKS,
        security::CHECKS,
        previous::CHECKS,
    ]
    .into_iter()
    .flatten()
}

/// A check of the catalogue.
#[must_use]
pub fn find(id: FindingId) -> Option<&'static Check> {
    catalogue().find(|check| check.id == id)
}
