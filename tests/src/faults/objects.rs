//! What setup has put into a cluster, looked up by who wrote it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

/// The field manager of setup.
const MANAGER: &str = "alga-appliance-setup";

/// The kinds of 20 §11: group, version, kind.
const KINDS: [(&str, &str, &str); 5] = [
    ("", "v1", "Namespace"),
    ("", "v1", "Secret"),
    ("", "v1", "ConfigMap"),
    ("source.toolkit.fluxcd.io", "v1", "OCIRepository"),
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"),
];

/// Objects by `Kind namespace/name`.
pub(super) type Objects = BTreeMap<String, Value>;

pub(super) fn resource(kind: &str) -> Result<ApiResource> {
    let known = KINDS.iter().find(|(.., name)| *name == kind);
    let (group, version, kind) = known.with_context(|| format!("{kind} is not known here"))?;
    Ok(ApiResource::from_gvk(&GroupVersionKind::gvk(
        group, version, kind,
    )))
}

/// Everything of these kinds that setup has written.
pub(super) async fn ours(client: &Client) -> Result<Objects> {
    let mut ours = Objects::new();
    for (.., kind) in KINDS {
        let api = Api::<DynamicObject>::all_with(client.clone(), &resource(kind)?);
        for object in api.list(&ListParams::default()).await?.items {
            let mut written = object.managed_fields().iter();
            if written.any(|entry| entry.manager.as_deref() == Some(MANAGER)) {
                let place = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
                ours.insert(format!("{kind} {place}"), serde_json::to_value(&object)?);
            }
        }
    }
    Ok(ours)
}

/// What is the same after every install from the same answers, byte for byte: no versions, times or random
/// values. A Secret's values are [`values`].
pub(super) fn lasting(objects: &Objects) -> Objects {
    let lasting = |(name, object): (&String, &Value)| {
        let data = if name.starts_with("Secret") {
            let keys = object["data"].as_object();
            json!(keys.map(|data| data.keys().collect::<Vec<_>>()))
        } else {
            object["data"].clone()
        };
        let kept = json!({
            "type": object["type"], "data": data, "spec": object["spec"],
            "labels": object["metadata"]["labels"], "annotations": object["metadata"]["annotations"],
        });
        (name.clone(), kept)
    };
    objects.iter().map(lasting).collect()
}

/// The Secrets' values, each under `namespace/name key`: what nobody may lose or change.
pub(super) fn values(objects: &Objects) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for (name, object) in objects.iter().filter(|(name, _)| name.starts_with("Secret")) {
        for (key, value) in object["data"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default().to_owned();
            values.insert(format!("{name} {key}"), value);
        }
    }
    values
}
