//! When a Deployment runs what it should.

use kube::api::DynamicObject;
use serde_json::Value;

use super::Judgement;

/// Whether a Deployment runs what it should, on as many replicas as it should.
#[must_use]
pub fn rolled_out(deployment: Option<&DynamicObject>) -> Judgement {
    let Some(deployment) = deployment else {
        return Judgement::Waiting("it does not exist".to_owned());
    };
    let number = |pointer| {
        deployment
            .data
            .pointer(pointer)
            .and_then(Value::as_i64)
            .unwrap_or(0)
    };
    let wanted = deployment
        .data
        .pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .unwrap_or(1);
    if number("/status/observedGeneration") < deployment.metadata.generation.unwrap_or(0) {
        return Judgement::Waiting("its change has not been taken up yet".to_owned());
    }
    let (updated, available) = (
        number("/status/updatedReplicas"),
        number("/status/availableReplicas"),
    );
    if updated >= wanted && available >= wanted && number("/status/replicas") == updated {
        Judgement::Reached
    } else {
        Judgement::Waiting(format!("{available} of {wanted} pods are available"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_is_over_when_all_replicas_are_of_the_new_generation() {
        let deployment = |generation, observed, updated, available, replicas| -> DynamicObject {
            serde_json::from_value(serde_json::json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "d", "generation": generation},
                "spec": {"replicas": 1},
                "status": {"observedGeneration": observed, "updatedReplicas": updated,
                           "availableReplicas": available, "replicas": replicas},
            }))
            .unwrap()
        };
        assert_eq!(rolled_out(Some(&deployment(2, 2, 1, 1, 1))), Judgement::Reached);
        for behind in [
            deployment(2, 1, 1, 1, 1),
            deployment(2, 2, 0, 1, 1),
            deployment(2, 2, 1, 0, 1),
            deployment(2, 2, 1, 1, 2),
        ] {
            assert!(matches!(rolled_out(Some(&behind)), Judgement::Waiting(_)));
        }
        assert!(matches!(rolled_out(None), Judgement::Waiting(_)));
    }
}
