//! The tiers (40 §4.3).

use super::bootstrap::Outcome;
use super::due::Due;
use super::flux;
use super::login;
use super::observed::{Node, Objects, Observed};
use super::parts::{self, Judged, condition};
use super::readings::Readings;
use super::setup;
use super::told::Told;
use super::verdict::{Signal, TierStatus, Tiers};
use super::wire::ComponentTier;

/// What each tier is told, before the last one can be judged.
#[derive(Debug)]
pub(super) struct Basis {
    pub(super) platform: Told,
    pub(super) core: Told,
    pub(super) bootstrap: Told,
    pub(super) login: Told,
    pub(super) background: Told,
    pub(super) flux: Told,
    /// What the address answered, whatever the pods do.
    pub(super) probe: Told,
}

pub(super) fn basis(seen: &Observed, parts: &[Judged], bootstrap: &Outcome, due: &mut Due) -> Basis {
    let core = parts::tier(parts, ComponentTier::Core);
    let bootstrap = core.clone().and(bootstrap.told.clone());
    let application = parts::tier(parts, ComponentTier::Login);
    let probe = login::probe(seen, due);
    let address = if application.is_ready() {
        only_the_address(&probe)
    } else {
        probe.clone()
    };
    Basis {
        platform: Told::of("Nodes", &seen.cluster.nodes, nodes)
            .and(flux::platform(&seen.cluster, setup::is_installed(&seen.install))),
        login: bootstrap.clone().and(application).and(address),
        background: parts::tier(parts, ComponentTier::Background),
        flux: flux::everything(&seen.cluster),
        core,
        bootstrap,
        probe,
    }
}

/// The pods are ready and only the address is not: that is said exactly.
fn only_the_address(probe: &Told) -> Told {
    match (probe.signal, probe.reasons.first()) {
        (Signal::NotReady, Some(why)) => Told::not(format!("The application's pods are ready, but {why}")),
        (Signal::NotReady | Signal::Unknown | Signal::Ready, _) => probe.clone(),
    }
}

fn nodes(nodes: &Objects<Node>) -> Told {
    let unclear = nodes
        .unclear
        .iter()
        .map(|(name, why)| Told::unknown(format!("Node {name} cannot be understood: {why}")));
    let known = nodes.known.values().map(|node| {
        let ready = condition(&node.conditions, "Ready");
        match ready.map(|ready| ready.status.as_str()) {
            Some("True") => Told::ready(),
            // `Unknown` is the control plane's word for a kubelet that is silent: the node does not work.
            _ => Told::not(format!("Node {} is not ready", node.name)),
        }
    });
    if nodes.known.is_empty() && nodes.unclear.is_empty() {
        return Told::not("There is no node yet");
    }
    Told::all(known.chain(unclear))
}

/// The tiers, once it is known what is wrong beside them. A question without an answer could hide anything,
/// so nothing is fully healthy meanwhile.
pub(super) fn tiers(basis: &Basis, readings: &Readings, blockers: &[String]) -> Tiers {
    let wrong = readings.warnings.iter().chain(blockers);
    let unanswered = Told::all(readings.open.iter().cloned().map(Told::unknown));
    let nothing_wrong = Told::all(wrong.map(Told::not));
    let full = basis
        .login
        .clone()
        .and(basis.background.clone())
        .and(basis.flux.clone());
    let or = |is: bool, blocked, waiting| if is { waiting } else { blocked };
    Tiers {
        platform: basis.platform.clone().tier(TierStatus::WaitingForKubernetes),
        core: basis.core.clone().tier(or(
            basis.platform.is_ready(),
            TierStatus::BlockedByPlatform,
            TierStatus::WaitingForCore,
        )),
        bootstrap: basis.bootstrap.clone().tier(or(
            basis.core.is_ready(),
            TierStatus::BlockedByCore,
            TierStatus::WaitingForBootstrap,
        )),
        login: basis.login.clone().tier(TierStatus::BlockedByBootstrap),
        background: basis
            .background
            .clone()
            .tier(TierStatus::DegradedBackgroundServices),
        full: full
            .and(nothing_wrong)
            .and(unanswered)
            .tier(TierStatus::NotFullyHealthy),
    }
}
