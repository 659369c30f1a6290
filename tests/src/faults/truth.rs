//! Whether the state names what really went wrong.

use appliance_control_plane::setup::failure::{Blame, Failure};

use super::trouble::{Cell, Edge, Trouble};

/// What is really to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Cluster,
    Registry,
    License,
    Disk,
}

impl Truth {
    fn of(trouble: &Trouble) -> Option<Self> {
        match trouble {
            // Whoever is killed while a code is redeemed may find it used up.
            Trouble::Requests {
                edge: Edge::License, ..
            } => Some(Self::License),
            Trouble::Requests { rule, .. } if rule.fault.kills() => None,
            Trouble::Requests { edge: Edge::Api, .. } => Some(Self::Cluster),
            Trouble::Requests {
                edge: Edge::Registry, ..
            } => Some(Self::Registry),
            Trouble::Disk { .. } => Some(Self::Disk),
            Trouble::Kill { .. } => None,
        }
    }

    fn is_told_by(self, failure: &Failure) -> bool {
        let is_blamed = match self {
            Self::Cluster => {
                failure.category.starts_with("cluster-") || failure.category == "not-ready-in-time"
            }
            Self::Registry => matches!(
                failure.step,
                Blame::ResolveRegistryHost | Blame::ResolveReleaseManifest | Blame::ReachGhcr
            ),
            Self::License => failure.step == Blame::RedeemInstallCode,
            Self::Disk => matches!(failure.category.as_str(), "state-write" | "state-file"),
        };
        // The checks of the box blame themselves, and say in their words what they found.
        is_blamed
            || failure.category == "check-host" && self.is_in(&failure.suspected_cause)
            || self == Self::Disk && self.is_in(&failure.suspected_cause)
    }

    fn is_in(self, text: &str) -> bool {
        let words: &[&str] = match self {
            Self::Cluster => &["cluster", "API server"],
            Self::Registry => &["registry", "waiting for 127.0.0.1"],
            Self::License => &["licence service"],
            Self::Disk => &["No space left", "Read-only file system", "room"],
        };
        words.iter().any(|word| text.contains(word))
    }
}

/// Whether a failure names something that was really disturbed.
pub(super) fn names(cell: &Cell, failure: &Failure) -> bool {
    let mut truths = cell.troubles.iter().filter_map(Truth::of);
    truths.any(|truth| truth.is_told_by(failure))
}

/// Whether a sentence (a refusal, the line of the running step) names something that was disturbed.
pub(super) fn is_in(cell: &Cell, text: &str) -> bool {
    let mut truths = cell.troubles.iter().filter_map(Truth::of);
    truths.any(|truth| truth.is_in(text))
}
