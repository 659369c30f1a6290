//! What setup has put into a cluster, looked up by who wrote it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::core::GroupVersionKind;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

/// The field manager of setup.
const MANAGER: &str = "alga-appliance-setup";

/// The kinds of 20 §11: group, version, kind.
pub(crate) const KINDS: [(&str, &str, &str); 5] = [
    ("", "v1", "Namespace"),
    ("", "v1", "Secret"),
    ("", "v1", "ConfigMap"),
    ("source.toolkit.fluxcd.io", "v1", "OCIRepository"),
    ("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"),
];

/// Objects by `Kind namespace/name`.
pub(crate) type Objects = BTreeMap<String, Value>;

pub(crate) fn resource(kind: &str) -> Result<ApiResource> {
    let releases = ("helm.toolkit.fluxcd.io", "v2", "HelmRelease");
    let known = KINDS.into_iter().chain([releases]);
    let mut known = known.filter(|(.., name)| *name == kind);
    let (group, version, kind) = known
        .next()
        .with_context(|| format!("{kind} is not known here"))?;
    Ok(ApiResource::from_gvk(&GroupVersionKind::gvk(
        group, version, kind,
    )))
}

/// Everything of these kinds that setup has written.
pub(crate) async fn ours(client: &Client) -> Result<Objects> {
    let mut ours = Objects::new();
    for (.., kind) in KINDS {
        let api = Api::<DynamicObject>::all_with(client.clone(), &resource(kind)?);
        for object in api.list(&ListParams::default()).await?.items {
            let written = object.managed_fields().iter();
            let mut managers = written.filter_map(|entry| entry.manager.as_deref());
            if managers.any(|manager| manager == MANAGER) {
                let place = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
                ours.insert(format!("{kind} {place}"), serde_json::to_value(&object)?);
            }
        }
    }
    Ok(ours)
}

/// What is the same after every install from the same answers: no versions, times or random values.
pub(crate) fn lasting(objects: &Objects) -> Objects {
    let lasting = |(name, object): (&String, &Value)| {
        let kept = if name.starts_with("Secret") {
            let keys = object["data"].as_object();
            json!({"type": object["type"], "keys": keys.map(|data| data.keys().collect::<Vec<_>>())})
        } else {
            let annotations = &object["metadata"]["annotations"];
            json!({"data": object["data"], "spec": object["spec"], "annotations": annotations})
        };
        (name.clone(), kept)
    };
    objects.iter().map(lasting).collect()
}

/// Data and version of each Secret: what nobody may change.
pub(crate) fn secrets(objects: &Objects) -> Objects {
    let secrets = objects.iter().filter(|(name, _)| name.starts_with("Secret"));
    let exact = |object: &Value| json!([object["data"], object["metadata"]["resourceVersion"]]);
    secrets
        .map(|(name, object)| (name.clone(), exact(object)))
        .collect()
}

/// A value of a Secret, decoded.
pub(crate) fn secret_value(object: &Value, key: &str) -> Result<String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let Some(encoded) = object["data"][key].as_str() else {
        bail!("no key {key}");
    };
    Ok(String::from_utf8(STANDARD.decode(encoded)?)?)
}
