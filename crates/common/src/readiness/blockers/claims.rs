//! Claims without a volume.

use std::time::Duration;

use super::Scene;
use crate::findings::FindingId;
use crate::names::namespace;
use crate::readiness::draft::{Draft, Gates};
use crate::readiness::due::Due;
use crate::readiness::observed::Claim;
use crate::readiness::words::shortened;

/// A claim waits for the pod that uses it, and then for the provisioner.
const LIMIT: Duration = Duration::from_mins(3);

pub(super) fn drafts(scene: &Scene, due: &mut Due) -> Vec<Draft> {
    let Ok(claims) = scene.seen.cluster.claims.current() else {
        return Vec::new();
    };
    let ours = claims
        .known
        .values()
        .filter(|claim| claim.namespace == namespace::MSP);
    ours.filter_map(|claim| draft(scene, claim, due)).collect()
}

fn draft(scene: &Scene, claim: &Claim, due: &mut Due) -> Option<Draft> {
    let events = scene
        .index
        .events_of(&claim.namespace, "PersistentVolumeClaim", &claim.name);
    let failure = events.iter().rfind(|event| event.reason == "ProvisioningFailed");
    let reason = match claim.phase.as_str() {
        "Lost" => format!("Claim {} has lost its volume", claim.name),
        "Pending" if failure.is_some() || due.is_over(claim.created, LIMIT) => match failure {
            Some(event) => format!(
                "Claim {} gets no volume: {}",
                claim.name,
                shortened(&event.message)
            ),
            None => format!("Claim {} has no volume yet", claim.name),
        },
        _ => return None,
    };
    let gates = if scene.basis.core.is_ready() {
        Gates::Nothing
    } else {
        Gates::Login
    };
    Some(
        Draft::new(FindingId::PendingPvc, gates, &claim.name, reason)
            .since(claim.created)
            .object("PersistentVolumeClaim", Some(&claim.namespace), &claim.name)
            .explained_by(events),
    )
}
