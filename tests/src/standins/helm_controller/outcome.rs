//! How an attempt ended, and the status that says so.

use appliance_common::clock::Clock;
use serde_json::{Value, json};

use super::release::Release;
use crate::standins::status::{self, Condition};
use crate::standins::{REQUESTED_AT, annotation};

/// How many releases the history keeps.
const HISTORY: usize = 5;

/// Why an attempt did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something it needs is not there; Flux tries again without counting.
    NotPossible { reason: &'static str, message: String },
    /// Helm's action failed; this is counted.
    Failed(String),
}

/// The status while an attempt runs.
pub(super) fn running(release: &Release<'_>) -> Value {
    let (action, _) = release.action();
    let message = format!(
        "Running '{action}' action with timeout of {} s",
        release.timeout().as_secs()
    );
    let condition = |kind, status| Condition {
        kind,
        status,
        reason: "Progressing",
        message: &message,
    };
    let wanted = [condition("Reconciling", "True"), condition("Ready", "Unknown")];
    json!({
        "conditions": status::conditions(release.object, &wanted),
        "lastAttemptedGeneration": release.object.metadata.generation,
        "lastAttemptedReleaseAction": action,
    })
}

/// The status after success.
pub(super) fn succeeded(release: &Release<'_>, config_digest: &str) -> Value {
    let (action, _) = release.action();
    let chart = &release.spec.chart.spec;
    let message = format!(
        "Helm {action} succeeded for release {}/{}.v{} with chart {}@{}",
        release.target(),
        release.helm_name(),
        release.next_version(),
        chart.chart,
        chart.version,
    );
    let reason = if action == "install" {
        "InstallSucceeded"
    } else {
        "UpgradeSucceeded"
    };
    let condition = |kind| Condition {
        kind,
        status: "True",
        reason,
        message: &message,
    };
    let conditions = status::conditions(release.object, &[condition("Ready"), condition("Released")]);
    merged(
        handled(release),
        json!({
            "conditions": conditions,
            "history": history(release, config_digest),
            "failures": null,
            "installFailures": null,
            "upgradeFailures": null,
            "lastAttemptedRevision": chart.version,
            "lastAttemptedConfigDigest": config_digest,
        }),
    )
}

/// The status after a failure.
pub(super) fn failed(release: &Release<'_>, failure: &Failure, config_digest: Option<&str>) -> Value {
    match failure {
        Failure::NotPossible { reason, message } => {
            let ready = Condition {
                kind: "Ready",
                status: "False",
                reason,
                message,
            };
            let conditions = status::conditions(release.object, &[ready]);
            merged(handled(release), json!({ "conditions": conditions }))
        }
        Failure::Failed(message) => action_failed(release, message, config_digest),
    }
}

fn action_failed(release: &Release<'_>, message: &str, config_digest: Option<&str>) -> Value {
    let (action, settings) = release.action();
    let (reason, counter) = match action {
        "install" => ("InstallFailed", "installFailures"),
        _ => ("UpgradeFailed", "upgradeFailures"),
    };
    let status = &release.object.data["status"];
    // Failures count for one spec with one set of values.
    let same = status["lastAttemptedGeneration"].as_i64() == release.object.metadata.generation
        && status["lastAttemptedConfigDigest"].as_str() == config_digest
        && !release.is_forced();
    let before = if same {
        status[counter].as_i64().unwrap_or_default()
    } else {
        0
    };
    let failures = before + 1;
    let message = format!(
        "Helm {action} failed for release {}/{}: {message}",
        release.target(),
        release.helm_name()
    );
    let condition = |kind| Condition {
        kind,
        status: "False",
        reason,
        message: &message,
    };
    let mut wanted = vec![condition("Ready"), condition("Released")];
    let retries = settings.remediation.retries;
    let exceeded = format!("Failed to {action} after {failures} attempt(s)");
    if settings.strategy.name != "RetryOnFailure" && retries >= 0 && failures > retries {
        let (kind, reason) = ("Stalled", "RetriesExceeded");
        wanted.push(Condition {
            kind,
            status: "True",
            reason,
            message: &exceeded,
        });
    }
    merged(
        handled(release),
        json!({
            "conditions": status::conditions(release.object, &wanted),
            "failures": failures,
            counter: failures,
            "lastAttemptedRevision": release.spec.chart.spec.version,
            "lastAttemptedConfigDigest": config_digest,
        }),
    )
}

/// What says that this generation and this request were dealt with.
pub(super) fn handled(release: &Release<'_>) -> Value {
    let requested = annotation(release.object, REQUESTED_AT);
    let mut status = json!({
        "observedGeneration": release.object.metadata.generation,
        "lastHandledReconcileAt": requested,
    });
    if release.is_forced() {
        status["lastHandledForceAt"] = json!(requested);
    }
    status
}

fn history(release: &Release<'_>, config_digest: &str) -> Value {
    let now = Clock::system().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let old = release.object.data["status"]["history"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let first = old
        .first()
        .and_then(|entry| entry["firstDeployed"].as_str())
        .unwrap_or(&now);
    let newest = json!({
        "name": release.helm_name(),
        "namespace": release.target(),
        "version": release.next_version(),
        "status": "deployed",
        "chartName": release.spec.chart.spec.chart,
        "chartVersion": release.spec.chart.spec.version,
        "configDigest": config_digest,
        "digest": config_digest,
        "firstDeployed": first,
        "lastDeployed": now,
    });
    let superseded = old.into_iter().map(|mut entry| {
        entry["status"] = json!("superseded");
        entry
    });
    Value::Array([newest].into_iter().chain(superseded).take(HISTORY).collect())
}

fn merged(mut base: Value, over: Value) -> Value {
    if let (Value::Object(base), Value::Object(over)) = (&mut base, over) {
        base.extend(over);
    }
    base
}

#[cfg(test)]
mod tests {
    use kube::api::DynamicObject;

    use super::*;

    fn object(install: &Value, status: &Value) -> DynamicObject {
        serde_json::from_value(json!({
            "metadata": {"name": "a", "namespace": "alga-system", "generation": 1},
            "spec": {
                "chart": {"spec": {"chart": "c", "version": "1.0.0", "sourceRef": {"name": "r"}}},
                "install": install,
            },
            "status": status,
        }))
        .unwrap()
    }

    fn stalls(install: &Value, status: &Value) -> bool {
        let object = object(install, status);
        let release = Release::of(&object).unwrap();
        let status = failed(&release, &Failure::Failed("no".to_owned()), None);
        status["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|condition| condition["type"] == "Stalled")
    }

    #[test]
    fn a_failure_stalls_when_no_retry_is_left() {
        let retries = |retries: i64| json!({"remediation": {"retries": retries}});
        assert!(stalls(&retries(0), &json!({})));
        assert!(!stalls(&retries(1), &json!({})));
        let failed = |times: i64, generation: i64| json!({"installFailures": times, "lastAttemptedGeneration": generation});
        assert!(stalls(&retries(1), &failed(1, 1)));
        assert!(!stalls(&retries(1), &failed(1, 0)), "a changed spec begins anew");
        assert!(!stalls(&retries(-1), &failed(9, 1)));
        assert!(!stalls(
            &json!({"strategy": {"name": "RetryOnFailure"}}),
            &json!({})
        ));
    }

    #[test]
    fn success_adds_to_the_history_and_forgets_failures() {
        let object = object(
            &json!({}),
            &json!({"history": [{"version": 1, "status": "deployed"}]}),
        );
        let status = succeeded(&Release::of(&object).unwrap(), "sha256:00");
        assert_eq!(status["history"][0]["version"], 2);
        assert_eq!(status["history"][1]["status"], "superseded");
        assert_eq!(status["failures"], Value::Null);
        assert_eq!(status["conditions"][0]["reason"], "UpgradeSucceeded");
    }
}
