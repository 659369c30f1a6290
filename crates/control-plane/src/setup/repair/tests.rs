//! What a repair would do, in tables.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::carry_out::end;
use super::plan::plan;
use super::survey::Survey;
use super::{RepairPlan, RepairRequest, RepairState};

fn object(value: Value) -> DynamicObject {
    serde_json::from_value(value).unwrap()
}

fn release(ready: &str) -> DynamicObject {
    object(json!({
        "metadata": {"name": "alga-core", "namespace": "alga-system", "generation": 1},
        "spec": {"targetNamespace": "msp", "releaseName": "alga-core"},
        "status": {"observedGeneration": 1, "conditions": [
            {"type": "Ready", "status": ready, "reason": "R", "message": "m"},
        ]},
    }))
}

fn of_flux(name: &str, uid: &str, owner: &str, rest: &Value) -> DynamicObject {
    let mut value = json!({"metadata": {
        "name": name, "namespace": "msp", "uid": uid,
        "labels": {"helm.toolkit.fluxcd.io/name": owner, "helm.toolkit.fluxcd.io/namespace": "alga-system"},
    }});
    for (key, part) in rest.as_object().unwrap() {
        value[key] = part.clone();
    }
    object(value)
}

fn controlled(name: &str, uid: &str, by: &str, status: &Value) -> DynamicObject {
    object(json!({
        "metadata": {"name": name, "namespace": "msp", "uid": uid, "ownerReferences": [
            {"apiVersion": "v1", "kind": "K", "name": "n", "uid": by, "controller": true},
        ]},
        "status": status,
    }))
}

fn crashing() -> Value {
    json!({"phase": "Running", "containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]})
}

fn survey(release: DynamicObject) -> Survey {
    Survey {
        release,
        deployments: Vec::new(),
        stateful_sets: Vec::new(),
        replica_sets: Vec::new(),
        jobs: Vec::new(),
        pods: Vec::new(),
    }
}

fn planned(survey: &Survey) -> RepairPlan {
    let request = RepairRequest {
        release: "alga-core".to_owned(),
        dry_run: false,
        force: false,
        skip_cleanup: false,
    };
    plan(&request, survey, None)
}

fn names(plan: &RepairPlan) -> Vec<&str> {
    plan.remove.iter().map(|removal| removal.name.as_str()).collect()
}

#[test]
fn a_healthy_release_is_left_alone() {
    let plan = planned(&survey(release("True")));
    assert!(plan.healthy && !plan.force && plan.remove.is_empty());
    assert_eq!(plan.reason, "nothing to repair");
}

#[test]
fn a_release_that_is_not_ready_is_forced_also_without_a_job() {
    let plan = planned(&survey(release("False")));
    assert!(!plan.healthy && plan.force && plan.remove.is_empty());
}

#[test]
fn only_what_has_failed_and_is_the_releases_own_goes() {
    let failed = json!({"status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}});
    let mut seen = survey(release("False"));
    seen.jobs = vec![
        of_flux("core-failed", "j1", "alga-core", &failed),
        of_flux("core-running", "j2", "alga-core", &json!({})),
        of_flux("temporal-failed", "j3", "temporal", &failed),
        object(
            json!({"metadata": {"name": "alga-core-sebastian-bootstrap", "namespace": "msp", "uid": "j4"},
                      "status": failed["status"]}),
        ),
    ];
    seen.deployments = vec![
        of_flux("core", "d1", "alga-core", &json!({})),
        of_flux("temporal", "d2", "temporal", &json!({})),
    ];
    seen.replica_sets = vec![
        controlled("core-1", "r1", "d1", &json!({})),
        controlled("temporal-1", "r2", "d2", &json!({})),
    ];
    seen.pods = vec![
        controlled("core-crashing", "p1", "r1", &crashing()),
        controlled(
            "core-evicted",
            "p2",
            "r1",
            &json!({"phase": "Failed", "reason": "Evicted"}),
        ),
        controlled("core-healthy", "p3", "r1", &json!({"phase": "Running"})),
        controlled("temporal-crashing", "p4", "r2", &crashing()),
        controlled("job-pod", "p5", "j1", &json!({"phase": "Failed"})),
        object(json!({"metadata": {"name": "lone", "uid": "p6"}, "status": crashing()})),
    ];
    let plan = planned(&seen);
    assert_eq!(
        names(&plan),
        [
            "core-failed",
            "alga-core-sebastian-bootstrap",
            "core-crashing",
            "core-evicted"
        ]
    );
}

#[test]
fn the_end_is_told_only_for_the_request_that_was_made() {
    let at = |handled: &str, conditions: Value| {
        object(json!({
            "metadata": {"generation": 1},
            "status": {"observedGeneration": 1, "lastHandledReconcileAt": handled, "conditions": conditions},
        }))
    };
    let ready = |status: &str, reason: &str| json!([{"type": "Ready", "status": status, "reason": reason}]);
    assert_eq!(end(&at("t0", ready("True", "x")), "t1"), None);
    assert_eq!(end(&at("t1", ready("True", "x")), "t1"), Some(RepairState::Ready));
    assert_eq!(end(&at("t1", ready("Unknown", "Progressing")), "t1"), None);
    assert_eq!(end(&at("t1", ready("False", "DependencyNotReady")), "t1"), None);
    assert_eq!(
        end(&at("t1", ready("False", "UpgradeFailed")), "t1"),
        Some(RepairState::Failed)
    );
}
