use serde_json::json;

use super::*;

fn release(name: &str, spec: &Value, status: &Value, requested: &str) -> DynamicObject {
    serde_json::from_value(json!({
        "metadata": {"name": name, "namespace": "alga-system", "generation": 2, "annotations": {REQUESTED_AT: requested}},
        "spec": spec,
        "status": status,
    }))
    .unwrap()
}

fn with_ready(status: &str) -> Value {
    json!({
        "observedGeneration": 2,
        "conditions": [{"type": "Ready", "status": status, "observedGeneration": 2}],
    })
}

#[test]
fn a_release_is_due_when_it_changed_when_somebody_asked_and_when_it_failed() {
    let due = |status: &Value, requested| due(&release("a", &json!({}), status, requested), &[], true);
    assert_eq!(due(&json!({"observedGeneration": 1}), ""), Due::Now);
    assert_eq!(due(&with_ready("True"), ""), Due::No);
    assert_eq!(due(&with_ready("True"), "t1"), Due::Now);
    assert_eq!(due(&with_ready("False"), ""), Due::Now);
}

#[test]
fn a_release_without_retries_left_is_not_due_until_somebody_asks() {
    let mut status = with_ready("False");
    let stalled = json!({"type": "Stalled", "status": "True", "observedGeneration": 2});
    status["conditions"].as_array_mut().unwrap().push(stalled);
    assert_eq!(due(&release("a", &json!({}), &status, ""), &[], true), Due::No);
    assert_eq!(due(&release("a", &json!({}), &status, "t1"), &[], true), Due::Now);
}

#[test]
fn a_failure_rests_before_it_is_tried_again_and_a_suspended_release_rests_for_good() {
    assert_eq!(
        due(&release("a", &json!({}), &with_ready("False"), ""), &[], false),
        Due::No
    );
    assert_eq!(
        due(
            &release("a", &json!({"suspend": true}), &json!({}), ""),
            &[],
            true
        ),
        Due::No
    );
}

#[test]
fn a_release_waits_for_the_first_dependency_that_is_not_ready() {
    let waiting = release("b", &json!({"dependsOn": [{"name": "a"}]}), &json!({}), "");
    let with = |status: &Value| due(&waiting, &[release("a", &json!({}), status, "")], true);
    let waits = Due::WaitsFor("dependency 'alga-system/a' is not ready".to_owned());
    assert_eq!(with(&with_ready("True")), Due::Now);
    assert_eq!(with(&with_ready("Unknown")), waits);
    assert_eq!(due(&waiting, &[], true), waits);
    let of_an_older_generation =
        json!({"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]});
    assert_eq!(with(&of_an_older_generation), waits);
}

#[test]
fn durations_are_read_as_go_writes_them() {
    assert_eq!(duration("30m"), Some(Duration::from_mins(30)));
    assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
    assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
    assert_eq!(duration("soon"), None);
}
