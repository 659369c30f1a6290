//! What setup recorded: its failure, the category of it, and whether the box is past its setup.

use serde_json::Value;

use super::network;
use super::observed::{Install, Observed, UpdateOwner};

/// Whether setup handed the release to Flux once. Terminal records count as well (W-3): whoever has them
/// is past its setup, also where the shipped product did not note the time.
pub(super) fn is_installed(install: &Install) -> bool {
    let status = text(document(install), "status");
    install.is_installed || status == "release-config-complete" || status.starts_with("update-")
}

/// The state document; null where there is none or it cannot be read.
pub(super) fn document(install: &Install) -> &Value {
    match &install.document {
        Ok(Some(document)) => document,
        Ok(None) | Err(_) => &Value::Null,
    }
}

/// A text of a JSON object; empty without one.
pub(super) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

/// A failure that was recorded, or that the record itself is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recorded {
    /// As it was recorded.
    pub(super) value: Value,
    /// Its category on the wire.
    pub(super) category: String,
    /// The phase that setup was in.
    pub(super) phase: String,
    /// Trying again unchanged can succeed.
    pub(super) retry_safe: bool,
    /// It goes on by itself, without a counter.
    pub(super) is_interruption: bool,
}

impl Recorded {
    pub(super) fn text(&self, key: &str) -> &str {
        text(&self.value, key)
    }
}

/// The failure that stands: an unreadable record before all, then what the engine could not record, then an
/// update without its process, then what is recorded.
pub(super) fn recorded(seen: &Observed, core_release_is_ready: bool) -> Option<Recorded> {
    let install = &seen.install;
    let document = document(install);
    if let Err(cause) = &install.document {
        return Some(of(unreadable(cause), document));
    }
    if let Some(failure) = &install.engine_failure {
        return Some(of(failure.clone(), document));
    }
    let status = text(document, "status");
    if is_update_running(status) && install.update_owner == Some(UpdateOwner::Gone) {
        return Some(of(interrupted_update(), document));
    }
    let failure = document.get("failure").filter(|failure| failure.is_object())?;
    let is_superseded = status == "update-blocked"
        && text(failure, "category") != "update-interrupted"
        && core_release_is_ready;
    (!is_superseded).then(|| of(failure.clone(), document))
}

/// Statuses of an update that is under way.
pub(super) fn is_update_running(status: &str) -> bool {
    ["update-queued", "update-running"].contains(&status)
}

fn of(value: Value, document: &Value) -> Recorded {
    let recorded_phase = text(document, "phase");
    let phase = if recorded_phase.is_empty() {
        text(&value, "phase")
    } else {
        recorded_phase
    };
    let phase = if phase.is_empty() { "setup" } else { phase };
    Recorded {
        category: category(&value, phase).to_owned(),
        phase: phase.to_owned(),
        retry_safe: value["retrySafe"] != false,
        is_interruption: text(&value, "category") == "interrupted",
        value,
    }
}

/// The category of a recorded failure: by its step, then by its phase (W-13). What a step says of itself
/// counts only where it is no failure of that step.
fn category<'a>(failure: &'a Value, phase: &'a str) -> &'a str {
    let own = text(failure, "category");
    if [
        "interrupted",
        "cancelled",
        "state-unreadable",
        "update-interrupted",
    ]
    .contains(&own)
    {
        return own;
    }
    match text(failure, "step") {
        "resolve-system-resolvers" | "resolve-registry-host" => "dns",
        "reach-ghcr" | "network-probe" => "network",
        "resolve-release-manifest"
        | "missing-release-manifest"
        | "render-runtime-values"
        | "write-release-selection" => "registry-release-source",
        "redeem-install-code" => "licensing",
        "install-local-path-storage" => "storage",
        "install-flux-cli" | "install-flux" | "apply-flux-source" => "flux",
        "apply-runtime-values" | "render-initial-tenant-secret" => "k3s",
        _ => match text(failure, "phase") {
            "" => phase,
            own => own,
        },
    }
}

/// Whether a look at resolvers and registry can show that it has passed (40 §6).
pub(super) fn is_of_network(recorded: &Recorded) -> bool {
    let is_usable = recorded.text("category") != "invalid-manifest";
    network::CATEGORIES.contains(&recorded.category.as_str())
        && is_usable
        && ![
            "render-runtime-values",
            "missing-release-manifest",
            "write-release-selection",
        ]
        .contains(&recorded.text("step"))
}

fn unreadable(cause: &str) -> Value {
    serde_json::json!({
        "category": "state-unreadable",
        "phase": "setup",
        "step": "read-state",
        "message": "The record of this appliance's installation cannot be read",
        "suspectedCause": cause,
        "suggestedNextStep": "Make a support bundle, or restore the file named; nothing is changed until then.",
        "retrySafe": false,
    })
}

/// An update whose process is gone: nobody brings it to its end (W-41).
pub(super) fn interrupted_update() -> Value {
    serde_json::json!({
        "category": "update-interrupted",
        "code": "update_interrupted",
        "phase": "update-interrupted",
        "step": "update",
        "message": "The update was interrupted",
        "suspectedCause": "the control plane was stopped or the box lost power while the update ran",
        "suggestedNextStep": "Start the update again; what it has done already is not done twice.",
        "retrySafe": true,
    })
}
