//! What setup or an update recorded: each kind of failure is one kind of blocker, told once.

use serde_json::json;

use super::super::healthy::*;
use crate::findings::FindingId as Id;
use crate::readiness::wire::RollupState;
use crate::readiness::{Verdict, judge};

/// Step, phase and category of a failure, and what it is told as.
pub(super) const RECORDED: &[(&str, &str, &str, Id)] = &[
    ("resolve-registry-host", "dns", "", Id::DnsGhcr),
    ("reach-ghcr", "network", "", Id::EgressRegistry),
    (
        "resolve-release-manifest",
        "registry-release-source",
        "",
        Id::ReleaseSource,
    ),
    (
        "redeem-install-code",
        "registry-release-source",
        "",
        Id::InstallCode,
    ),
    ("install-local-path-storage", "storage", "", Id::SetupStorage),
    ("install-flux", "flux", "", Id::SetupFlux),
    (
        "apply-runtime-values",
        "registry-release-source",
        "",
        Id::SetupCluster,
    ),
    ("run-setup-workflow", "setup", "interrupted", Id::SetupInterrupted),
    ("storage", "setup", "cancelled", Id::SetupCancelled),
    ("", "setup", "state-unreadable", Id::StateUnreadable),
    ("", "setup", "update-interrupted", Id::UpdateInterrupted),
    ("check-host", "preflight", "", Id::SetupFailed),
    ("run-setup-workflow", "setup", "", Id::SetupFailed),
    ("of-another-version", "of-another-version", "", Id::SetupFailed),
];

/// A box whose setup stopped so.
pub(super) fn stopped(step: &str, phase: &str, category: &str) -> Verdict {
    let failure = json!({
        "step": step, "phase": phase, "category": category, "message": "it did not work", "retrySafe": false,
    });
    judge(&early(
        json!({"status": "setup-blocked", "phase": phase, "failure": failure}),
    ))
}

#[test]
fn each_kind_of_recorded_failure_is_one_blocker_that_says_what_was_recorded() {
    for &(step, phase, category, id) in RECORDED {
        let verdict = stopped(step, phase, category);
        assert_eq!(ids(&verdict), [id], "{step} {phase} {category}");
        let blocker = &verdict.blockers[0];
        assert_eq!(blocker.reason, "it did not work");
        assert!(
            !blocker.next_action.is_empty() && !blocker.meaning.is_empty(),
            "{id}"
        );
        // What goes on by itself keeps nobody waiting for the operator.
        let expected = if id == Id::SetupInterrupted {
            RollupState::Installing
        } else {
            RollupState::Blocked
        };
        assert_eq!(verdict.rollup.state, expected, "{id}");
    }
}
