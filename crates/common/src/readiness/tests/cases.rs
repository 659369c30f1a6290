//! The printed cases of 40 §15 that are about judgement, by their numbers.

use serde_json::json;

use super::healthy::*;
use crate::findings::FindingId;
use crate::names::APPLICATION;
use crate::readiness::observed::*;
use crate::readiness::wire::{OperationKind, RollupState, Severity, document};
use crate::readiness::{Signal, TierStatus, UpdateStatus, judge, update};

#[test]
fn case_1_everything_works_and_nothing_is_said() {
    let verdict = judge(&healthy());
    assert_eq!(
        verdict.rollup.state,
        RollupState::FullyHealthy,
        "{:#?}",
        verdict.tiers
    );
    assert_eq!(ids(&verdict), []);
    assert_eq!(verdict.failures, []);
    assert!(
        verdict
            .tiers
            .each()
            .iter()
            .all(|(_, tier)| tier.ready && tier.reasons.is_empty())
    );
    assert!(!verdict.stale);
}

#[test]
fn case_2_a_background_service_never_gates_the_login() {
    let verdict = judge(&with(|seen| down(deployment(seen, "workflow-worker"), 900)));
    assert_eq!(verdict.rollup.state, RollupState::ReadyWithBackgroundIssues);
    assert!(verdict.tiers.login.ready);
    assert_eq!(ids(&verdict), [FindingId::BackgroundWorkload]);
    assert_eq!(verdict.blockers[0].severity, Severity::Background);
    assert!(!verdict.blockers[0].login_blocking);
    assert_eq!(verdict.failures[0].category, "background-services");
}

#[test]
fn case_4_a_completed_bootstrap_pod_alone_is_no_application() {
    let verdict = judge(&with(|seen| {
        seen.install.bootstrap = None;
        seen.cluster.helm_releases = objects([]);
        seen.cluster.deployments = objects([]);
        seen.cluster.stateful_sets = objects([]);
        let mut done = pod(
            "alga-core-sebastian-bootstrap-x",
            ("Job", "alga-core-sebastian-bootstrap"),
        );
        done.phase = "Succeeded".to_owned();
        seen.cluster.pods = objects([("msp/alga-core-sebastian-bootstrap-x".to_owned(), done)]);
    }));
    assert!(!verdict.tiers.full.ready);
    assert!(!verdict.tiers.login.ready);
    assert!(!verdict.tiers.core.ready);
    assert_ne!(verdict.rollup.state, RollupState::FullyHealthy);
}

#[test]
fn case_5_an_application_that_runs_and_is_not_ready_is_named() {
    let verdict = judge(&with(|seen| down(deployment(seen, APPLICATION), 60)));
    assert!(!verdict.tiers.login.ready);
    assert_eq!(verdict.tiers.login.signal, Signal::NotReady);
    assert!(
        verdict.tiers.login.reasons[0].contains("alga-core-sebastian"),
        "{:?}",
        verdict.tiers.login
    );
}

#[test]
fn case_6_an_address_that_does_not_answer_while_pods_are_ready_is_said_exactly() {
    let verdict = judge(&with(|seen| seen.login = Some(silent("no answer within 3 s"))));
    assert!(!verdict.tiers.login.ready);
    assert_eq!(
        verdict.tiers.login.reasons,
        ["The application's pods are ready, but https://psa.example does not answer: no answer within 3 s"]
    );
    assert_eq!(ids(&verdict), [FindingId::LoginAddress]);
    assert_eq!(verdict.rollup.state, RollupState::Blocked);
    assert!(
        verdict
            .rollup
            .message
            .starts_with("Login is down: the application's pods are ready, but")
    );
}

#[test]
fn case_7_a_redirect_to_another_host_is_no_login() {
    let verdict = judge(&with(|seen| {
        seen.login = Some(answered(302, Some("https://elsewhere.example/")));
    }));
    assert!(!verdict.tiers.login.ready);
    assert!(verdict.tiers.login.reasons[0].contains("https://elsewhere.example/"));
}

#[test]
fn case_9_an_api_that_is_refused_early_is_expected() {
    let verdict = judge(&{
        let mut seen =
            early(json!({"status": "setup-queued", "phase": "setup", "lastAction": "Setup starts"}));
        cut_off(&mut seen);
        seen
    });
    assert_eq!(verdict.rollup.state, RollupState::Installing);
    assert_eq!(verdict.rollup.message, "Setup starts");
    assert_eq!(ids(&verdict), []);
    assert_eq!(verdict.warnings, [""; 0]);
    assert_eq!(
        verdict.suppressed_warnings,
        ["Kubernetes API unreachable since 2026-01-02 11:58 UTC"]
    );
}

#[test]
fn case_10_an_api_that_is_lost_later_blocks_and_what_is_shown_is_stale() {
    let seen = with(|seen| {
        seen.install.document = Ok(Some(
            json!({"status": "update-complete", "phase": "registry-release-source"}),
        ));
        seen.install.is_installed = false;
        cut_off(seen);
        seen.login = Some(silent("connection refused"));
    });
    let verdict = judge(&seen);
    assert_eq!(verdict.rollup.state, RollupState::Blocked);
    assert_eq!(ids(&verdict), [FindingId::ApiUnreachable]);
    assert_eq!(
        verdict.blockers[0].reason,
        "Kubernetes API unreachable since 2026-01-02 11:58 UTC"
    );
    assert!(verdict.stale);
    let document = document(&seen, &verdict);
    assert_eq!(
        document.kubernetes.pod_count,
        Some(2),
        "the last good data is still shown"
    );
    assert_eq!(document.cluster.reachable, Some(false));
    assert_eq!(document.errors.len(), 11);
}

#[test]
fn case_11_nothing_is_known_of_background_services_without_the_api() {
    let verdict = judge(&with(cut_off));
    assert_eq!(verdict.tiers.background.status, TierStatus::Unknown);
    assert_eq!(verdict.tiers.background.signal, Signal::Unknown);
    assert!(!verdict.tiers.background.ready);
}

#[test]
fn case_12_a_kind_that_is_not_there_yet_is_expected_during_an_install() {
    let mut seen =
        early(json!({"status": "storage-install-running", "phase": "storage", "lastAction": "Preparing"}));
    seen.cluster.helm_releases.trouble = trouble(TroubleKind::NotServed);
    let verdict = judge(&seen);
    assert_eq!(verdict.rollup.state, RollupState::Installing);
    assert_eq!(
        (verdict.warnings.len(), verdict.suppressed_warnings.len()),
        (0, 1)
    );
    assert!(!verdict.tiers.full.ready);
}

#[test]
fn case_14_an_upgrade_within_its_time_is_no_blocker_and_becomes_one_afterwards() {
    let upgrading = |seconds| {
        with(move |seen| {
            let release = release(seen, "alga-core");
            release.timeout = Some(std::time::Duration::from_mins(15));
            release.conditions = vec![condition(
                "Ready",
                "Unknown",
                "Progressing",
                "Running 'upgrade' action with timeout of 15m0s",
                seconds,
            )];
        })
    };
    let verdict = judge(&upgrading(300));
    assert_eq!(ids(&verdict), []);
    assert_eq!(verdict.rollup.state, RollupState::ReadyToLogIn);
    let probe_grows_old = ago(10) + jiff::SignedDuration::from_mins(5);
    assert_eq!(
        verdict.judge_again_at,
        Some(probe_grows_old),
        "before the release is overdue"
    );
    assert_eq!(verdict.operations[0].kind, OperationKind::Helm);
    assert_eq!(verdict.operations[0].elapsed_seconds, Some(300));
    let verdict = judge(&upgrading(16 * 60));
    assert_eq!(ids(&verdict), [FindingId::HelmreleaseFailed]);
    assert_eq!(
        verdict.rollup.state,
        RollupState::ReadyToLogIn,
        "users can still log in"
    );
}

#[test]
fn case_15_waiting_for_another_release_is_progress() {
    let verdict = judge(&with(|seen| {
        let waits = release(seen, "email-service");
        waits.depends_on = vec!["alga-system/pgbouncer".to_owned()];
        waits.conditions = vec![condition(
            "Ready",
            "False",
            "DependencyNotReady",
            "dependency 'alga-system/pgbouncer' is not ready",
            86400,
        )];
        down(deployment(seen, "email-service"), 30);
    }));
    assert_eq!(ids(&verdict), []);
    assert_eq!(verdict.rollup.state, RollupState::ReadyWithBackgroundIssues);
}

#[test]
fn case_16_a_storage_cause_outranks_the_release_that_failed_of_it() {
    let verdict = judge(&with(|seen| {
        release(seen, "alga-core").conditions = vec![condition(
            "Ready",
            "False",
            "InstallFailed",
            "context deadline exceeded",
            300,
        )];
        down(stateful_set(seen, "db"), 900);
        let text = "failed to create subPath directory for volumeMount \"db-data\" of container \"db\"";
        add_pod(
            seen,
            "db-0",
            ("StatefulSet", "db"),
            waiting("CreateContainerConfigError", text),
        );
        seen.cluster.events.last.push(event("db-0", "Failed", text, 60));
        down(deployment(seen, APPLICATION), 900);
        seen.login = Some(silent("connection refused"));
    }));
    assert_eq!(
        ids(&verdict),
        [FindingId::VolumeSubpath, FindingId::HelmreleaseFailed]
    );
    let top = &verdict.blockers[0];
    assert_eq!(
        (top.layer.as_str(), top.component.as_str(), top.login_blocking),
        ("storage", "db", true)
    );
    assert_eq!(top.events.len(), 1);
    assert!(
        verdict
            .rollup
            .message
            .starts_with("Login is down: the database (db) cannot make"),
        "{:?}",
        verdict.rollup
    );
}

#[test]
fn case_17_an_event_about_what_was_mended_is_no_blocker() {
    let verdict = judge(&with(|seen| {
        let text = "Failed to pull image \"x\": not found";
        seen.cluster.events.last.push(event("db-0", "Failed", text, 3000));
    }));
    assert_eq!(ids(&verdict), []);
    assert_eq!(verdict.rollup.state, RollupState::FullyHealthy);
}

#[test]
fn case_19_a_missing_tag_outweighs_a_pull_that_was_cut_off_whichever_came_last() {
    for order in [[300, 60], [60, 300]] {
        let found = blockers(|seen| {
            let back_off = "Back-off pulling image \"ghcr.io/nine-minds/x:1\"";
            application_pod_waits(seen, waiting("ImagePullBackOff", back_off));
            let name = "alga-core-sebastian-77-y";
            let cut = event(name, "Failed", "Failed to pull image: context canceled", order[0]);
            let missing = event(
                name,
                "Failed",
                "Failed to pull image: ghcr.io/nine-minds/x:1: not found",
                order[1],
            );
            seen.cluster.events.last.extend([cut, missing]);
        });
        assert_eq!(found[0].id, FindingId::RegistryImageMissing);
        assert!(found[0].reason.contains("ghcr.io/nine-minds/x:1"));
    }
}

#[test]
fn case_20_and_21_a_failed_step_names_its_category() {
    for (step, category, id) in [
        (
            "resolve-release-manifest",
            "registry-release-source",
            FindingId::ReleaseSource,
        ),
        ("redeem-install-code", "licensing", FindingId::InstallCode),
    ] {
        let verdict = judge(&early(json!({
            "status": "runtime-values-blocked", "phase": "registry-release-source",
            "failure": {"step": step, "phase": "registry-release-source", "message": "m", "retrySafe": false},
        })));
        assert_eq!(verdict.failures[0].category, category);
        assert!(!verdict.failures[0].retry_safe);
        assert_eq!(ids(&verdict), [id]);
        assert_eq!(verdict.rollup.state, RollupState::Blocked);
    }
}

#[test]
fn case_22_a_look_that_succeeds_resolves_a_recorded_failure_of_the_network() {
    let mut seen = early(json!({
        "status": "preflight-blocked", "phase": "network",
        "failure": {"step": "reach-ghcr", "phase": "network", "message": "ghcr.io does not answer"},
    }));
    seen.network = Some(NetworkProbe {
        ok: true,
        at: ago(5),
        category: "network",
        message: "all answers".to_owned(),
        next_step: String::new(),
    });
    // Setup stopped long before it brought this kind.
    seen.cluster.helm_releases.trouble = trouble(TroubleKind::NotServed);
    let verdict = judge(&seen);
    let recorded = verdict.recorded.unwrap();
    assert_eq!(recorded["resolvedByLiveCheck"], true);
    assert_eq!(recorded["checkedAt"], "2026-01-02T11:59:55.000Z");
    assert_eq!(verdict.failures.len(), 1);
    assert!(verdict.failures[0].resolved);
    assert_eq!(verdict.failures[0].category, "network");
}

#[test]
fn case_24_a_healthy_box_does_not_care_about_the_internet() {
    let verdict = judge(&with(|seen| {
        seen.network = Some(NetworkProbe {
            ok: false,
            at: ago(5),
            category: "network",
            message: "ghcr.io does not answer".to_owned(),
            next_step: "allow it".to_owned(),
        });
    }));
    assert_eq!(ids(&verdict), []);
    assert_eq!(verdict.rollup.state, RollupState::FullyHealthy);
}

#[test]
fn case_25_a_retry_that_is_due_says_so_and_nothing_is_to_be_done() {
    let mut seen = early(json!({
        "status": "preflight-blocked", "phase": "network",
        "failure": {"step": "reach-ghcr", "phase": "network", "message": "no answer", "retrySafe": true},
    }));
    seen.install.auto_retry = Some(AutoRetry {
        will_retry: true,
        exhausted: false,
        attempts: 2,
        max_attempts: 10,
        next_attempt_at: Some(ago(-30)),
        waiting_for: None,
    });
    let verdict = judge(&seen);
    assert_eq!(verdict.rollup.state, RollupState::Installing);
    let next = "Nothing: continuing automatically, attempt 3 of 10 in about 30 s.";
    assert_eq!(verdict.rollup.next_action, next);
    assert_eq!(verdict.failures[0].suggested_next_step, next);
    let note = verdict.failures[0].auto_retry.clone().unwrap();
    assert_eq!((note.attempts, note.next_attempt_in_seconds), (2, Some(30)));
    assert_eq!(verdict.judge_again_at, Some(ago(-30)));
}

#[test]
fn case_26_a_failed_bootstrap_is_still_told_after_its_job_is_gone() {
    let seen = with(|seen| {
        let excerpt = "starting\nERROR: seed directory /app/seeds not found\nbye";
        seen.install.bootstrap = latch(BootstrapState::Failed, "job-1", Some(excerpt));
        seen.login = Some(silent("connection refused"));
    });
    let verdict = judge(&seen);
    assert_eq!(verdict.blockers[0].id, FindingId::BootstrapJobFailed);
    assert!(
        verdict.blockers[0].reason.contains("seed directory"),
        "{:?}",
        verdict.blockers[0]
    );
    assert!(verdict.blockers[0].next_action.contains("seed files"));
    assert_eq!(verdict.bootstrap.logs.tail.len(), 3);
    assert_eq!(
        verdict.bootstrap.logs.pod.as_deref(),
        Some("alga-core-sebastian-bootstrap-x")
    );
    assert_eq!(verdict.bootstrap.logs.detected_errors.len(), 1);
    assert!(verdict.bootstrap.job.failed);
    assert!(!verdict.tiers.login.ready);
    assert_eq!(verdict.rollup.state, RollupState::Blocked);
    assert!(
        verdict
            .failures
            .iter()
            .any(|failure| failure.category == "app-bootstrap")
    );
}

#[test]
fn case_55_an_update_without_its_process_is_interrupted_even_when_the_release_is_ready() {
    let of = |status: &str, owner, failure: serde_json::Value| {
        with(|seen| {
            seen.install.document = Ok(Some(json!({"status": status, "phase": "registry-release-source",
                "failure": failure, "update": {"requestedChannel": "stable", "startedAt": "t"}})));
            seen.install.update_owner = owner;
        })
    };
    let seen = of("update-running", Some(UpdateOwner::Gone), serde_json::Value::Null);
    let state = update(&seen);
    assert_eq!(state.status, UpdateStatus::Blocked);
    assert_eq!(state.category.as_deref(), Some("update-interrupted"));
    assert_eq!(state.retry_safe, Some(true));
    assert_eq!(state.requested_channel.as_deref(), Some("stable"));
    assert_eq!(ids(&judge(&seen)), [FindingId::UpdateInterrupted]);
    for owner in [Some(UpdateOwner::Alive), Some(UpdateOwner::Unknown)] {
        let seen = of("update-running", owner, serde_json::Value::Null);
        assert_eq!(update(&seen).status, UpdateStatus::Running);
    }
    let failure = json!({"message": "m", "retrySafe": false});
    let mut seen = of("update-blocked", None, failure);
    assert_eq!(
        update(&seen).status,
        UpdateStatus::Idle,
        "the release is ready now"
    );
    assert_eq!(ids(&judge(&seen)), []);
    seen.cluster.helm_releases.trouble = trouble(TroubleKind::Forbidden);
    assert_eq!(
        update(&seen).status,
        UpdateStatus::Blocked,
        "readiness is not known"
    );
}
