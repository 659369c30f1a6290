//! The objects that storage consists of, and whether a live one is as wanted.

use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::settings::Images;
use crate::cluster::{ManifestError, manifest_objects};
use crate::names::{PRUNE_ANNOTATION, namespace};

/// The provisioner's manifest, with the images it is published with.
const MANIFEST: &str = include_str!("local-path.yaml");

/// The manifest with these images.
#[must_use]
pub fn manifest_text(images: &Images) -> String {
    let published = Images::default();
    MANIFEST
        .replace(published.provisioner.as_str(), images.provisioner.as_str())
        .replace(published.helper.as_str(), images.helper.as_str())
}

/// One object as it should be.
pub(super) use crate::cluster::ManifestObject as Wanted;

impl Wanted {
    /// Its kind and name, for people.
    pub(super) fn title(&self) -> String {
        let name = self.name();
        match &self.object.metadata.namespace {
            Some(namespace) => format!("{} {namespace}/{name}", self.resource.kind),
            None => format!("{} {name}", self.resource.kind),
        }
    }

    pub(super) fn name(&self) -> &str {
        self.object.metadata.name.as_deref().unwrap_or_default()
    }

    pub(super) fn namespace(&self) -> Option<&str> {
        self.object.metadata.namespace.as_deref()
    }

    pub(super) fn is_a(&self, kind: &str) -> bool {
        self.resource.kind == kind
    }

    /// Whether the live object has everything that is wanted; what others added does not count.
    pub(super) fn is_in(&self, live: Option<&DynamicObject>) -> bool {
        let Some(live) = live else { return false };
        let (wanted, live) = (as_value(&self.object), as_value(live));
        live.pointer("/metadata/deletionTimestamp").is_none() && contains(&live, &wanted)
    }
}

fn as_value(object: &DynamicObject) -> Value {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    // A listed object does not name its kind.
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove("apiVersion");
        fields.shift_remove("kind");
    }
    value
}

/// Every object of storage. The first is the provisioner's namespace.
pub(super) fn objects(images: &Images) -> Result<Vec<Wanted>, ManifestError> {
    manifest_objects(&manifest_text(images))
}

/// The application's namespace: its pods use the provisioner's volumes, and Flux never prunes it.
pub(super) fn msp_namespace() -> Result<Wanted, ManifestError> {
    privileged(namespace::MSP, &json!({PRUNE_ANNOTATION: "disabled"}))
}

/// The namespace of the test.
pub(super) fn smoke_namespace() -> Result<Wanted, ManifestError> {
    privileged(namespace::STORAGE_SMOKE, &json!({}))
}

fn privileged(name: &str, annotations: &Value) -> Result<Wanted, ManifestError> {
    let label = |mode: &str| format!("pod-security.kubernetes.io/{mode}");
    let document = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {
            "name": name,
            "labels": {
                label("enforce"): "privileged", label("audit"): "privileged", label("warn"): "privileged",
            },
            "annotations": annotations,
        },
    });
    wanted(document)
}

fn wanted(document: Value) -> Result<Wanted, ManifestError> {
    Wanted::read(document).map_err(|source| ManifestError::NotAnObject { number: 1, source })
}

/// Whether `live` has all of `wanted`. Named list entries are looked up by their name, as the server
/// merges them; other lists are the same length.
fn contains(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, value)| contains(live.get(key).unwrap_or(&Value::Null), value)),
        (Value::Null, Value::Object(wanted)) => wanted.is_empty(),
        (Value::Array(live), Value::Array(wanted)) if is_named(wanted) => wanted.iter().all(|entry| {
            let same = |other: &&Value| other["name"] == entry["name"];
            live.iter().find(same).is_some_and(|live| contains(live, entry))
        }),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len()
                && live
                    .iter()
                    .zip(wanted)
                    .all(|(live, wanted)| contains(live, wanted))
        }
        (live, wanted) => live == wanted,
    }
}

fn is_named(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|entry| entry["name"].is_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_has_the_objects_of_the_contract_with_the_images_that_were_asked_for() {
        let images = Images {
            provisioner: "registry.lan/p@sha256:00".parse().unwrap(),
            helper: "registry.lan/b:1".parse().unwrap(),
        };
        let objects = objects(&images).unwrap();
        let titles: Vec<_> = objects.iter().map(Wanted::title).collect();
        assert_eq!(
            titles,
            [
                "Namespace local-path-storage",
                "ServiceAccount local-path-storage/local-path-provisioner-service-account",
                "Role local-path-storage/local-path-provisioner-role",
                "RoleBinding local-path-storage/local-path-provisioner-bind",
                "ClusterRole alga-local-path-provisioner-role",
                "ClusterRoleBinding alga-local-path-provisioner-bind",
                "ConfigMap local-path-storage/local-path-config",
                "StorageClass local-path",
                "Deployment local-path-storage/local-path-provisioner",
            ]
        );
        let container = objects[8]
            .object
            .data
            .pointer("/spec/template/spec/containers/0")
            .unwrap();
        assert_eq!(container["image"], "registry.lan/p@sha256:00");
        let helper = objects[6].object.data["data"]["helperPod.yaml"].as_str().unwrap();
        assert!(helper.contains("image: registry.lan/b:1\n"), "{helper}");
        assert_eq!(objects[7].object.data["reclaimPolicy"], "Retain");
    }

    #[test]
    fn what_others_add_is_no_drift_and_what_they_change_is() {
        let wanted = json!({"a": {"b": 1}, "list": [1, 2], "env": [{"name": "x", "value": "1"}]});
        let live = json!({
            "a": {"b": 1, "c": 2}, "list": [1, 2], "more": true,
            "env": [{"name": "y"}, {"name": "x", "value": "1", "default": 3}],
        });
        assert!(contains(&live, &wanted));
        for drift in [
            json!({"a": {"b": 2}}),
            json!({"list": [1, 2, 3]}),
            json!({"env": [{"name": "x", "value": "2"}]}),
            json!({"absent": "x"}),
        ] {
            assert!(!contains(&live, &drift), "{drift}");
        }
    }
}
