//! Whether what was applied works, by the rules of `helm --wait`.

use serde_json::Value;

/// Judges one live object. Kinds that helm does not wait for are fine at once.
pub(super) fn is_healthy(kind: &str, object: &Value) -> bool {
    let (spec, status) = (&object["spec"], &object["status"]);
    let count = |value: &Value| value.as_i64().unwrap_or_default();
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    let seen = count(&status["observedGeneration"]) >= count(&object["metadata"]["generation"]);
    match kind {
        "Deployment" => {
            seen && count(&status["updatedReplicas"]) >= wanted
                && count(&status["availableReplicas"]) >= wanted
        }
        "StatefulSet" => {
            seen && count(&status["updatedReplicas"]) >= wanted && count(&status["readyReplicas"]) >= wanted
        }
        "PersistentVolumeClaim" => status["phase"] == "Bound",
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_healthy;

    #[test]
    fn a_deployment_is_healthy_when_its_newest_pods_are_available() {
        let deployment = |observed: i64, available: i64| {
            json!({
                "metadata": {"generation": 2},
                "spec": {"replicas": 1},
                "status": {"observedGeneration": observed, "updatedReplicas": 1, "availableReplicas": available},
            })
        };
        assert!(is_healthy("Deployment", &deployment(2, 1)));
        assert!(!is_healthy("Deployment", &deployment(1, 1)));
        assert!(!is_healthy("Deployment", &deployment(2, 0)));
    }

    #[test]
    fn claims_must_be_bound_and_unknown_kinds_are_fine() {
        assert!(is_healthy(
            "PersistentVolumeClaim",
            &json!({"status": {"phase": "Bound"}})
        ));
        assert!(!is_healthy(
            "PersistentVolumeClaim",
            &json!({"status": {"phase": "Pending"}})
        ));
        assert!(is_healthy("Secret", &json!({})));
    }
}
