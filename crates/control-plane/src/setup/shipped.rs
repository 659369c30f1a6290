//! State that the shipped product left, where no journal of ours is.

use serde_json::Value;

/// Statuses of the shipped product from which its setup had not yet handed anything to Flux.
const BEFORE_FLUX_SOURCE: [&str; 17] = [
    "setup-queued",
    "setup-blocked",
    "preflight-running",
    "preflight-blocked",
    "preflight-complete",
    "storage-install-running",
    "storage-install-blocked",
    "storage-install-complete",
    "flux-install-running",
    "flux-install-blocked",
    "flux-install-complete",
    "release-resolve-running",
    "release-resolve-blocked",
    "release-resolve-complete",
    "runtime-values-running",
    "runtime-values-blocked",
    "runtime-values-complete",
];

/// Whether a setup of the shipped product stopped early enough for new answers.
#[must_use]
pub(super) fn accepts_submission(document: &Value) -> bool {
    let status = document["status"].as_str().unwrap_or_default();
    document.get("update").is_none() && BEFORE_FLUX_SOURCE.contains(&status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_setup_that_stopped_before_flux_takes_new_answers() {
        assert!(accepts_submission(&json!({"status": "storage-install-running"})));
        for done in [
            json!({"status": "release-config-complete"}),
            json!({"status": "flux-source-running"}),
            json!({"status": "storage-install-running", "update": {"scope": "application-only"}}),
            json!({"status": "update-blocked"}),
            json!({}),
        ] {
            assert!(!accepts_submission(&done), "{done}");
        }
    }
}
