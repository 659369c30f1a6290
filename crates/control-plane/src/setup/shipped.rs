//! State that the shipped product left, where no journal of ours is: what it means, and what follows.
//!
//! Pure judgement here; `adopt` acts on it at the start, `plaintext` takes secrets out of documents,
//! `lost_selection` makes a selection anew. `docs/shipped-states.md` has the whole table.

mod adopt;
mod lost_selection;
mod plaintext;

use serde_json::Value;

use super::failure::{Blame, Failure};
use super::projection::COMPLETE_STATUS;

/// Statuses of a setup under way.
const UNDER_WAY: [&str; 15] = [
    "setup-queued",
    "setup-interrupted",
    "preflight-running",
    "preflight-complete",
    "storage-install-running",
    "storage-install-complete",
    "flux-install-running",
    "flux-install-complete",
    "release-resolve-running",
    "release-resolve-complete",
    "runtime-values-running",
    "runtime-values-complete",
    // The shipped product wrote its selection last: a crash from here on left none.
    "flux-source-running",
    "flux-source-complete",
    "release-config-running",
];

/// Statuses of a setup that stopped.
const BLOCKED: [&str; 8] = [
    "setup-blocked",
    "preflight-blocked",
    "storage-install-blocked",
    "flux-install-blocked",
    "release-resolve-blocked",
    "runtime-values-blocked",
    "flux-source-blocked",
    "release-config-blocked",
];

/// What follows from a state document of the shipped product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Continuation {
    /// Setup was interrupted and goes on with the answers it left; new ones are taken too.
    Resume,
    /// Setup waits for the operator: for new answers, or for another try.
    Reopen,
    /// The box is installed.
    Finished,
    /// The box is installed, and the record of its release is gone.
    SelectionLost,
    /// Nobody can tell, so nothing is touched; the text says why.
    Unclear(String),
}

/// Judges a document. `has_selection` says whether `release-selection.json` is there, which the shipped
/// product wrote when everything else was done.
#[must_use]
pub(super) fn continuation(document: &Value, has_selection: bool) -> Continuation {
    let status = document["status"].as_str().unwrap_or_default();
    let is_update = document.get("update").is_some() || status.starts_with("update-");
    if has_selection {
        return Continuation::Finished;
    }
    match status {
        _ if is_update && took_setup_for_update(document) => Continuation::Reopen,
        _ if is_update => Continuation::SelectionLost,
        COMPLETE_STATUS => Continuation::SelectionLost,
        status if UNDER_WAY.contains(&status) => Continuation::Resume,
        status if BLOCKED.contains(&status) => Continuation::Reopen,
        status => Continuation::Unclear(format!(
            "its state document has status “{status}”, which this version does not know; a newer version may have \
             written it"
        )),
    }
}

/// A restart in the middle of a setup was recorded as an interrupted update (10, W3): an update of what
/// was never installed.
fn took_setup_for_update(document: &Value) -> bool {
    let failure = &document["failure"];
    document["status"] == "update-blocked"
        && [&document["phase"], &failure["category"], &failure["phase"]]
            .iter()
            .any(|text| **text == "update-interrupted")
}

/// The recorded failure of a blocked setup, in our form. `tries_again` says whether it was to be tried
/// again by itself.
#[must_use]
pub(super) fn failure(document: &Value, tries_again: bool) -> Failure {
    let recorded = &document["failure"];
    let text = |keys: &[&str], default: &str| {
        let mut found = keys.iter().filter_map(|key| recorded[*key].as_str());
        found.find(|text| !text.is_empty()).unwrap_or(default).to_owned()
    };
    let message = text(&["message"], "Setup stopped before this version was started");
    let failure = Failure::new(
        blame(document),
        "earlier-version",
        message.clone(),
        text(&["suspectedCause", "details"], &message),
        text(
            &["suggestedNextStep", "details"],
            "Check your answers and submit them again, or let setup try again.",
        ),
    );
    match (recorded["correctable"] == true, recorded["retrySafe"] == false) {
        (true, _) => failure.correctable(),
        (false, true) => Failure {
            retry_safe: false,
            ..failure
        },
        (false, false) if tries_again => failure.passing(),
        (false, false) => failure,
    }
}

/// Our word for the step that a shipped failure names; without one, for the status it stopped with.
fn blame(document: &Value) -> Blame {
    let step = document["failure"]["step"].clone();
    if let Ok(blame) = serde_json::from_value(step) {
        return blame;
    }
    match document["status"].as_str().unwrap_or_default() {
        "preflight-blocked" | "release-resolve-blocked" => Blame::ResolveReleaseManifest,
        "storage-install-blocked" => Blame::InstallLocalPathStorage,
        "flux-install-blocked" => Blame::InstallFlux,
        "runtime-values-blocked" => Blame::RenderRuntimeValues,
        "flux-source-blocked" => Blame::ApplyFluxSource,
        "release-config-blocked" => Blame::WriteReleaseSelection,
        _ => Blame::RunSetupWorkflow,
    }
}

#[cfg(test)]
mod tests;
