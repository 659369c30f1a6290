//! A look at resolvers and registry decides about a recorded failure of the network (40 §6).

use super::observed::{NetworkProbe, Observed};
use super::setup::{self, Recorded};

/// Categories about which a look decides.
pub(super) const CATEGORIES: [&str; 3] = ["dns", "network", "registry-release-source"];

/// What a look makes of what is recorded.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Live<'a> {
    /// Nothing.
    Silent,
    /// It fails: its own words replace what is recorded.
    Fails(&'a NetworkProbe),
    /// What is recorded has passed.
    Resolves(&'a NetworkProbe),
}

/// A look counts while setup is not over, or beside a recorded failure of the network; never on a box that
/// works without one (W-4).
pub(super) fn live<'a>(seen: &'a Observed, recorded: Option<&Recorded>) -> Live<'a> {
    let Some(probe) = &seen.network else {
        return Live::Silent;
    };
    let is_of_network = recorded.is_some_and(setup::is_of_network);
    match (probe.ok, is_of_network) {
        (true, true) => Live::Resolves(probe),
        (false, true) => Live::Fails(probe),
        (false, false) if is_being_set_up(seen) => Live::Fails(probe),
        (_, false) => Live::Silent,
    }
}

/// Answers were given, and the release is not handed over yet.
fn is_being_set_up(seen: &Observed) -> bool {
    setup::document(&seen.install).is_object() && !setup::is_installed(&seen.install)
}
