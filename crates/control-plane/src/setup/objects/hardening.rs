//! What the appliance demands of every bundle, published ones too, which cannot be edited: patches of the
//! parent Kustomization, and through it of its children (70 §17.3).
//!
//! A patch whose target is not in the bundle is passed over by kustomize.

use appliance_common::names::{CLAIMS_ANNOTATION, PRUNE_ANNOTATION, namespace};
use serde_json::{Value, json};

/// The patches of the parent Kustomization.
#[must_use]
pub(super) fn parent_patches() -> Value {
    let names = [
        namespace::MSP,
        namespace::ALGA_SYSTEM,
        namespace::APPLIANCE_SYSTEM,
    ]
    .join("|");
    json!([
        merge(
            &json!({"kind": "Namespace", "name": format!("({names})")}),
            &object("v1", "Namespace", &json!({
                "metadata": {"name": "any", "annotations": {PRUNE_ANNOTATION: "disabled"}},
            })),
        ),
        {
            "target": {"group": "kustomize.toolkit.fluxcd.io", "kind": "Kustomization"},
            "patch": json!([{"op": "add", "path": "/spec/patches", "value": child_patches()}]).to_string(),
        },
    ])
}

/// The patches that the parent gives to each of its children.
fn child_patches() -> Value {
    json!([retries(), kept_claims(), no_status_service(), no_rights_of_it()])
}

/// Releases ship with no retry at all: a registry's bad minute would need a person. The figures are those
/// of the bundle of this repository (flux/README.md).
fn retries() -> Value {
    merge(
        &json!({"group": "helm.toolkit.fluxcd.io", "kind": "HelmRelease"}),
        &release(&json!({
            "install": {"remediation": {"retries": -1}},
            "upgrade": {"remediation": {"retries": 5, "remediateLastFailure": false}},
        })),
    )
}

/// The chart annotates its claims the wrong way round (70 W-22). A bundle that keeps them itself says so
/// in an annotation: a list of post-renderers can only be replaced whole.
fn kept_claims() -> Value {
    let keep = object(
        "v1",
        "PersistentVolumeClaim",
        &json!({"metadata": {"name": "any", "annotations": {"helm.sh/resource-policy": "keep"}}}),
    );
    merge(
        &json!({
            "group": "helm.toolkit.fluxcd.io", "kind": "HelmRelease", "name": "alga-core",
            "annotationSelector": format!("!{CLAIMS_ANNOTATION}"),
        }),
        &release(&json!({
            "postRenderers": [{"kustomize": {"patches": [merge(&json!({"kind": "PersistentVolumeClaim"}), &keep)]}}],
        })),
    )
}

/// The shipped product's second status service: it answers nobody, and may write anywhere.
fn no_status_service() -> Value {
    without("apps/v1", "Deployment", "appliance-status")
}

fn no_rights_of_it() -> Value {
    without(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "appliance-status(-readonly)?",
    )
}

fn without(version: &str, kind: &str, name: &str) -> Value {
    let gone = json!({"$patch": "delete", "metadata": {"name": "any"}});
    merge(
        &json!({"kind": kind, "name": name}),
        &object(version, kind, &gone),
    )
}

fn release(spec: &Value) -> Value {
    let body = json!({"metadata": {"name": "any"}, "spec": spec});
    object("helm.toolkit.fluxcd.io/v2", "HelmRelease", &body)
}

fn object(version: &str, kind: &str, body: &Value) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind});
    if let (Some(object), Some(body)) = (object.as_object_mut(), body.as_object()) {
        object.extend(body.clone());
    }
    object
}

/// A strategic merge of `patch` into whatever `target` selects. JSON is YAML, and needs no quoting.
fn merge(target: &Value, patch: &Value) -> Value {
    json!({"target": target, "patch": patch.to_string()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_patch_has_a_target_so_that_a_bundle_without_it_still_builds() {
        let parents = parent_patches();
        let children = child_patches();
        for patch in parents
            .as_array()
            .unwrap()
            .iter()
            .chain(children.as_array().unwrap())
        {
            assert!(patch["target"]["kind"].is_string(), "{patch}");
            serde_json::from_str::<Value>(patch["patch"].as_str().unwrap()).unwrap();
        }
    }

    #[test]
    fn the_children_get_theirs_through_the_parent() {
        let parents = parent_patches();
        let operations: Value = serde_json::from_str(parents[1]["patch"].as_str().unwrap()).unwrap();
        assert_eq!(operations[0]["path"], "/spec/patches");
        assert_eq!(operations[0]["value"], child_patches());
    }
}
