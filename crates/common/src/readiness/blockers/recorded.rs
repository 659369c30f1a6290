//! Failures that setup or an update recorded, and what a look at the network makes of them.

use super::Scene;
use crate::findings::FindingId;
use crate::readiness::draft::{Draft, Gates};
use crate::readiness::due::Due;
use crate::readiness::network::Live;
use crate::readiness::retry;
use crate::readiness::setup::Recorded;

pub(super) fn drafts(scene: &Scene, due: &mut Due) -> Vec<Draft> {
    let auto_retry = scene.seen.install.auto_retry.as_ref();
    let continues = |retry_safe: bool| retry_safe && auto_retry.is_some_and(|auto| auto.will_retry);
    if let Some(next) = auto_retry.and_then(|auto| auto.next_attempt_at) {
        due.is_over(Some(next), std::time::Duration::ZERO);
    }
    let gates = |goes_on: bool| if goes_on { Gates::Nothing } else { Gates::Login };
    let at = scene.seen.at;
    let mut drafts = Vec::new();
    if let Live::Fails(probe) = scene.live {
        let next = retry::next_step(auto_retry, true, &probe.next_step, at);
        let draft = Draft::new(
            id(probe.category),
            gates(continues(true)),
            probe.category,
            probe.message.clone(),
        );
        drafts.push(draft.next(Some(next)).since(Some(probe.at)));
    }
    let Some(recorded) = scene.recorded else {
        return drafts;
    };
    match scene.live {
        // Its own words replace what is recorded, if that is of the network; else both are told.
        Live::Fails(_) if crate::readiness::setup::is_of_network(recorded) => {}
        Live::Resolves(_) => {
            let next = retry::next_step(auto_retry, recorded.retry_safe, retry::PASSED, at);
            let reason = format!("{}; this has passed since", message(recorded));
            let draft = Draft::new(
                id(&recorded.category),
                gates(continues(recorded.retry_safe)),
                &recorded.category,
                reason,
            );
            drafts.push(draft.means("The network answers now.").next(Some(next)));
        }
        Live::Fails(_) | Live::Silent => {
            let goes_on = recorded.is_interruption || continues(recorded.retry_safe);
            let step = recorded.text("suggestedNextStep");
            let next = retry::next_step(auto_retry, recorded.retry_safe, step, at);
            let draft = Draft::new(
                id(&recorded.category),
                if recorded.category == "state-unreadable" {
                    Gates::Appliance
                } else {
                    gates(goes_on)
                },
                &recorded.category,
                message(recorded),
            );
            drafts.push(draft.next(Some(next)));
        }
    }
    drafts
}

/// What failed, else the cause: an old record may have only one of them.
pub(in crate::readiness) fn message(recorded: &Recorded) -> String {
    let told = ["message", "suspectedCause", "details"]
        .map(|key| recorded.text(key))
        .into_iter()
        .find(|text| !text.is_empty());
    told.unwrap_or("Setup stopped and did not record why").to_owned()
}

fn id(category: &str) -> FindingId {
    match category {
        "dns" => FindingId::DnsGhcr,
        "network" => FindingId::EgressRegistry,
        "registry-release-source" => FindingId::ReleaseSource,
        "licensing" => FindingId::InstallCode,
        "storage" => FindingId::SetupStorage,
        "flux" => FindingId::SetupFlux,
        "k3s" => FindingId::SetupCluster,
        "interrupted" => FindingId::SetupInterrupted,
        "cancelled" => FindingId::SetupCancelled,
        "state-unreadable" => FindingId::StateUnreadable,
        "update-interrupted" => FindingId::UpdateInterrupted,
        _ => FindingId::SetupFailed,
    }
}
