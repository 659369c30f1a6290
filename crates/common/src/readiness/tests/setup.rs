//! What setup recorded, and what happens by itself about it.

use serde_json::{Value, json};

use super::healthy::*;
use crate::findings::FindingId;
use crate::readiness::observed::*;
use crate::readiness::wire::{RollupState, Severity};
use crate::readiness::{Verdict, judge};

fn blocked(failure: &Value) -> Value {
    json!({"status": "preflight-blocked", "phase": "preflight", "lastAction": "looking", "failure": failure})
}

#[expect(clippy::unnecessary_wraps, reason = "it fills a field that is optional")]
fn retry(will_retry: bool, waiting_for: Option<&str>) -> Option<AutoRetry> {
    Some(AutoRetry {
        will_retry,
        exhausted: !will_retry,
        attempts: 2,
        max_attempts: 10,
        next_attempt_at: None,
        waiting_for: waiting_for.map(str::to_owned),
    })
}

fn failing(failure: &Value) -> Verdict {
    judge(&early(blocked(failure)))
}

#[test]
fn a_category_is_of_its_step_then_of_its_phase_and_never_of_a_word_in_it() {
    for (step, phase, category) in [
        ("resolve-system-resolvers", "dns", "dns"),
        ("resolve-registry-host", "dns", "dns"),
        ("reach-ghcr", "network", "network"),
        ("network-probe", "network", "network"),
        (
            "resolve-release-manifest",
            "registry-release-source",
            "registry-release-source",
        ),
        ("missing-release-manifest", "flux", "registry-release-source"),
        (
            "render-runtime-values",
            "registry-release-source",
            "registry-release-source",
        ),
        (
            "write-release-selection",
            "registry-release-source",
            "registry-release-source",
        ),
        ("redeem-install-code", "registry-release-source", "licensing"),
        ("apply-runtime-values", "registry-release-source", "k3s"),
        ("render-initial-tenant-secret", "registry-release-source", "k3s"),
        ("install-local-path-storage", "storage", "storage"),
        ("install-flux-cli", "flux", "flux"),
        ("install-flux", "flux", "flux"),
        ("apply-flux-source", "flux", "flux"),
        ("check-host", "preflight", "preflight"),
        ("run-setup-workflow", "setup", "setup"),
        ("resolve-something-new", "storage", "storage"),
        ("", "", "preflight"),
    ] {
        let verdict = failing(&json!({"step": step, "phase": phase, "message": "m"}));
        assert_eq!(verdict.failures[0].category, category, "{step} {phase}");
        assert_eq!(verdict.failures.len(), 1, "{step}: told once");
        assert_eq!(verdict.failures[0].logs.len(), 2);
        assert_eq!(verdict.rollup.state, RollupState::Blocked);
        assert_eq!(verdict.blockers[0].component, category);
    }
}

#[test]
fn a_fresh_box_asks_for_the_form() {
    let mut seen = early(Value::Null);
    seen.install.document = Ok(None);
    let verdict = judge(&seen);
    assert_eq!(verdict.rollup.state, RollupState::Installing);
    assert_eq!(verdict.rollup.message, "Nothing is installed yet");
    assert_eq!(verdict.rollup.next_action, "Fill in the setup form.");
    assert_eq!((verdict.failures.len(), verdict.recorded), (0, None));
}

#[test]
fn a_recorded_failure_is_the_first_line_with_what_to_do() {
    let failure = json!({"category": "dns", "step": "resolve-registry-host", "phase": "dns", "message": "no address",
        "suspectedCause": "NXDOMAIN", "suggestedNextStep": "correct the server", "retrySafe": true});
    let verdict = failing(&failure);
    assert_eq!(verdict.rollup.message, "no address");
    assert_eq!(verdict.rollup.next_action, "correct the server");
    let wire = &verdict.failures[0];
    assert_eq!(wire.last_action.as_deref(), Some("looking"));
    assert_eq!(
        (wire.suspected_cause.as_str(), wire.step.as_deref()),
        ("NXDOMAIN", Some("resolve-registry-host"))
    );
    assert_eq!(verdict.recorded, Some(failure));
}

#[test]
fn a_state_that_cannot_be_read_is_blocked_and_never_fresh() {
    let mut seen = early(Value::Null);
    seen.install.document = Err("line 3 is damaged".to_owned());
    let verdict = judge(&seen);
    assert_eq!(verdict.rollup.state, RollupState::Blocked);
    assert_eq!(ids(&verdict), [FindingId::StateUnreadable]);
    assert_eq!(verdict.failures[0].category, "state-unreadable");
    assert_eq!(verdict.failures[0].suspected_cause, "line 3 is damaged");
    assert!(!verdict.failures[0].retry_safe);
}

#[test]
fn a_failure_that_could_not_be_recorded_outranks_an_older_one() {
    let mut seen = early(blocked(
        &json!({"message": "old", "step": "reach-ghcr", "phase": "network"}),
    ));
    seen.install.engine_failure =
        Some(json!({"message": "the disk is full", "step": "run-setup-workflow", "phase": "setup"}));
    let verdict = judge(&seen);
    assert_eq!(verdict.rollup.message, "the disk is full");
    assert_eq!(verdict.blockers.len(), 1);
}

#[test]
fn a_failure_that_is_tried_again_by_itself_is_still_installing() {
    let failure = json!({"message": "no answer", "step": "reach-ghcr", "phase": "network",
        "suggestedNextStep": "allow it", "retrySafe": true});
    for (auto, state, next) in [
        (
            retry(true, None),
            RollupState::Installing,
            "Nothing: continuing automatically, attempt 3 of 10.",
        ),
        (
            retry(true, Some("Waiting for ghcr.io")),
            RollupState::Installing,
            "Waiting for ghcr.io",
        ),
        (
            retry(false, None),
            RollupState::Blocked,
            "allow it Automatic attempts are used up: start setup again, or make a support bundle.",
        ),
        (None, RollupState::Blocked, "allow it"),
    ] {
        let mut seen = early(blocked(&failure));
        seen.install.auto_retry = auto;
        let verdict = judge(&seen);
        assert_eq!(
            (verdict.rollup.state, verdict.rollup.next_action.as_str()),
            (state, next)
        );
        assert_eq!(verdict.failures[0].suggested_next_step, next);
        let severity = if state == RollupState::Blocked {
            Severity::Critical
        } else {
            Severity::Warning
        };
        assert_eq!(verdict.blockers[0].severity, severity);
    }
}

#[test]
fn a_failure_that_is_not_safe_to_retry_blocks_whatever_is_due() {
    let mut seen = early(blocked(
        &json!({"message": "m", "step": "redeem-install-code", "retrySafe": false}),
    ));
    seen.install.auto_retry = retry(true, None);
    let verdict = judge(&seen);
    assert_eq!(verdict.rollup.state, RollupState::Blocked);
    assert_eq!(verdict.failures[0].auto_retry, None);
}

#[test]
fn a_retry_never_hides_another_cause_and_never_overrides_a_login_that_works() {
    let failure =
        json!({"message": "no answer", "step": "reach-ghcr", "phase": "network", "retrySafe": true});
    let mut seen = early(blocked(&failure));
    seen.install.auto_retry = retry(true, None);
    let mut without_node = seen.clone();
    let node = Node {
        name: "box".to_owned(),
        ..Node::default()
    };
    without_node.cluster.nodes = objects([("box".to_owned(), node)]);
    let verdict = judge(&without_node);
    assert_eq!(verdict.rollup.state, RollupState::Blocked);
    assert_eq!(verdict.blockers[0].id, FindingId::NodeReady);
    cut_off(&mut seen);
    let verdict = judge(&seen);
    assert_eq!(
        verdict.rollup.state,
        RollupState::Installing,
        "the next attempt waits for the API"
    );
    let verdict = judge(&with(|seen| {
        seen.install.document = Ok(Some(blocked(&failure)));
        seen.install.auto_retry = retry(true, None);
    }));
    assert_eq!(verdict.rollup.state, RollupState::ReadyToLogIn);
}

#[test]
fn an_interruption_goes_on_and_a_cancellation_waits() {
    for (category, state, id) in [
        (
            "interrupted",
            RollupState::Installing,
            FindingId::SetupInterrupted,
        ),
        ("cancelled", RollupState::Blocked, FindingId::SetupCancelled),
    ] {
        let verdict = failing(&json!({"category": category, "step": "storage", "phase": "setup",
            "message": "Setup was stopped", "suggestedNextStep": "n", "retrySafe": true}));
        assert_eq!(verdict.rollup.state, state);
        assert_eq!(ids(&verdict), [id]);
        assert_eq!(verdict.failures[0].category, category);
        assert_eq!(verdict.rollup.message, "Setup was stopped");
    }
}

#[test]
fn a_look_decides_about_failures_of_the_network_only() {
    let probe = |ok| NetworkProbe {
        ok,
        at: ago(5),
        category: "dns",
        message: "10.0.0.53 does not answer".to_owned(),
        next_step: "correct the DNS server".to_owned(),
    };
    let of = |step: &str, phase: &str, ok| {
        let mut seen = early(blocked(
            &json!({"message": "m", "step": step, "phase": phase, "suggestedNextStep": "s"}),
        ));
        seen.network = Some(probe(ok));
        judge(&seen)
    };
    let verdict = of("reach-ghcr", "network", false);
    assert_eq!(
        verdict.failures.len(),
        1,
        "the live look replaces what is recorded"
    );
    assert_eq!(verdict.failures[0].category, "dns");
    assert!(verdict.failures[0].checked_at.is_some());
    assert_eq!(ids(&verdict), [FindingId::DnsGhcr]);
    let verdict = of("install-flux", "flux", false);
    let categories: Vec<_> = verdict
        .failures
        .iter()
        .map(|failure| failure.category.as_str())
        .collect();
    assert_eq!(categories, ["dns", "flux"]);
    for step in ["install-flux", "render-runtime-values", "redeem-install-code"] {
        let verdict = of(step, "registry-release-source", true);
        assert!(!verdict.failures[0].resolved, "{step} is not of the network");
    }
}

#[test]
fn a_box_that_is_read_for_the_first_time_says_so() {
    let verdict = judge(&with(|seen| {
        seen.cluster = Cluster::default();
        seen.login = None;
    }));
    assert_eq!(verdict.rollup.state, RollupState::Installing);
    assert_eq!(verdict.rollup.message, "The state of the appliance is being read");
    assert_eq!((ids(&verdict), verdict.errors.len()), (vec![], 0));
}
