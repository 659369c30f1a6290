use super::*;

fn repository(generation: i64, requested: &str, status: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "metadata": {"name": "a", "generation": generation, "annotations": {REQUESTED_AT: requested}},
        "spec": {"url": "oci://r.example/a"},
        "status": status,
    }))
    .unwrap()
}

#[test]
fn an_object_is_due_when_it_changed_or_somebody_asked() {
    let seen = json!({"observedGeneration": 2, "lastHandledReconcileAt": "t1"});
    assert!(is_due(&repository(1, "", &json!({"observedGeneration": -1}))));
    assert!(is_due(&repository(3, "t1", &seen)));
    assert!(is_due(&repository(2, "t2", &seen)));
    assert!(!is_due(&repository(2, "t1", &seen)));
}

#[test]
fn a_failure_keeps_the_artifact_and_says_why() {
    let status = failed(&repository(2, "", &json!({})), &PullError::url("no".to_owned()));
    assert!(status.get("artifact").is_none());
    assert_eq!(status["conditions"][0]["status"], "False");
    assert_eq!(status["conditions"][0]["reason"], "URLInvalid");
}
