use serde_json::json;

use super::*;

#[test]
fn every_status_leads_somewhere_and_none_to_a_fresh_box() {
    for status in UNDER_WAY {
        assert_eq!(
            continuation(&json!({"status": status}), false),
            Continuation::Resume,
            "{status}"
        );
    }
    for status in BLOCKED {
        assert_eq!(
            continuation(&json!({"status": status}), false),
            Continuation::Reopen,
            "{status}"
        );
    }
    for (document, expected) in [
        (
            json!({"status": "release-config-complete"}),
            Continuation::SelectionLost,
        ),
        (json!({"status": "update-complete"}), Continuation::SelectionLost),
        (
            json!({"status": "storage-install-running", "update": {}}),
            Continuation::SelectionLost,
        ),
        (
            json!({"status": "update-blocked", "phase": "update-interrupted", "update": {"scope": "application-only"}}),
            Continuation::Reopen,
        ),
    ] {
        assert_eq!(continuation(&document, false), expected, "{document}");
    }
    assert!(matches!(
        continuation(&json!({"status": "setup-levitating"}), false),
        Continuation::Unclear(_)
    ));
    for status in [
        "storage-install-running",
        "release-config-complete",
        "update-blocked",
        "setup-levitating",
    ] {
        assert_eq!(
            continuation(&json!({"status": status}), true),
            Continuation::Finished,
            "{status}"
        );
    }
}

#[test]
fn a_recorded_failure_keeps_its_words_and_its_kind() {
    let document = |failure: Value| json!({"status": "runtime-values-blocked", "failure": failure});
    let used = failure(
        &document(
            json!({"step": "redeem-install-code", "message": "used", "details": "Ask for a new code.",
                         "correctable": true, "retrySafe": false}),
        ),
        true,
    );
    assert_eq!(
        (used.step, used.correctable, used.retry_safe),
        (Blame::RedeemInstallCode, true, false)
    );
    assert_eq!(used.suggested_next_step, "Ask for a new code.");
    let odd = document(json!({"step": "missing-release-manifest", "message": "gone", "retrySafe": true}));
    assert_eq!(failure(&odd, true).step, Blame::RenderRuntimeValues);
    assert!(
        failure(&odd, true).transient,
        "it was to be tried again by itself"
    );
    assert!(!failure(&odd, false).transient, "its retries are used up");
    let none = failure(&json!({"status": "setup-blocked"}), false);
    assert_eq!((none.step, none.retry_safe), (Blame::RunSetupWorkflow, true));
}
