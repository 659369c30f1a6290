//! The Flux objects that hand the release over: its source, by digest, and the Kustomization above all.

use appliance_common::names::{namespace, object};
use appliance_common::release::reference::{Digest, ImageRepository};
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

use super::hardening::parent_patches;

/// Fields of a source that would make it fetch something else, or not at all.
const FOREIGN_IN_SOURCE: [&str; 4] = ["suspend", "insecure", "layerSelector", "ignore"];
/// Fields of a Kustomization that would make it apply something else, elsewhere, or not at all.
const FOREIGN_IN_KUSTOMIZATION: [&str; 9] = [
    "suspend",
    "force",
    "targetNamespace",
    "namePrefix",
    "nameSuffix",
    "kubeConfig",
    "components",
    "images",
    "postBuild",
];

/// An object of Flux and the resource it belongs to.
#[derive(Debug, Clone)]
pub struct FluxObject {
    /// Where the API serves it.
    pub resource: ApiResource,
    /// The object.
    pub object: DynamicObject,
    /// Fields of its spec that nobody may set beside ours.
    foreign: &'static [&'static str],
}

/// How a live object differs from what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// Whether a field of ours is missing or another.
    pub differs: bool,
    /// What somebody else has set beside ours, as paths below `spec`.
    pub foreign: Vec<String>,
}

impl Deviation {
    /// Whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        !self.differs && self.foreign.is_empty()
    }
}

impl FluxObject {
    /// Compares a live object with this one; what the API server adds by default is no deviation.
    #[must_use]
    pub fn deviation(&self, live: &DynamicObject) -> Deviation {
        let (wanted, live) = (&self.object.data["spec"], &live.data["spec"]);
        let own = |key: &str| wanted.get(key).is_some();
        let is_set = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
        let unwanted = self
            .foreign
            .iter()
            .filter(|key| !own(key) && is_set(&live[**key]));
        let mut foreign: Vec<_> = unwanted.map(|key| (*key).to_owned()).collect();
        let references = live["ref"].as_object().into_iter().flatten();
        let others = references.filter(|(key, _)| wanted["ref"].get(key.as_str()).is_none());
        foreign.extend(others.map(|(key, _)| format!("ref.{key}")));
        let differs = wanted
            .as_object()
            .into_iter()
            .flatten()
            .any(|(key, value)| match value {
                // What is beside ours in a reference is foreign, not another value of ours.
                Value::Object(fields) => fields.iter().any(|(inner, value)| live[key][inner] != *value),
                _ => live[key] != *value,
            });
        Deviation { differs, foreign }
    }

    /// The merge patch that takes `foreign` out of a live object, and only out of this version of it.
    #[must_use]
    pub fn without_foreign(live: &DynamicObject, foreign: &[String]) -> Value {
        let mut spec = json!({});
        for path in foreign {
            match path.split_once('.') {
                Some((key, inner)) => spec[key][inner] = Value::Null,
                None => spec[path.as_str()] = Value::Null,
            }
        }
        json!({"metadata": {"resourceVersion": live.metadata.resource_version}, "spec": spec})
    }
}

/// `OCIRepository` `alga-appliance`: the release's bundle, by digest and never by a tag, which could move.
/// Only a registry of this machine may be plain HTTP.
#[must_use]
pub fn oci_repository(repository: &ImageRepository, digest: &Digest) -> FluxObject {
    let mut spec = json!({
        "interval": "1m0s",
        "url": format!("oci://{repository}"),
        "ref": {"digest": digest},
    });
    if repository.registry().is_loopback() {
        spec["insecure"] = Value::Bool(true);
    }
    let kind = GroupVersionKind::gvk("source.toolkit.fluxcd.io", "v1", "OCIRepository");
    flux_object(
        ApiResource::from_gvk_with_plural(&kind, "ocirepositories"),
        &spec,
        &FOREIGN_IN_SOURCE,
    )
}

/// `Kustomization` `alga-appliance`: everything in the bundle's `base`, with what the appliance demands of
/// every bundle.
#[must_use]
pub fn kustomization() -> FluxObject {
    let spec = json!({
        "interval": "5m0s",
        "path": "./base",
        "prune": true,
        "sourceRef": {"kind": "OCIRepository", "name": object::FLUX_SOURCE},
        "patches": parent_patches(),
    });
    let kind = GroupVersionKind::gvk("kustomize.toolkit.fluxcd.io", "v1", "Kustomization");
    flux_object(
        ApiResource::from_gvk_with_plural(&kind, "kustomizations"),
        &spec,
        &FOREIGN_IN_KUSTOMIZATION,
    )
}

fn flux_object(resource: ApiResource, spec: &Value, foreign: &'static [&'static str]) -> FluxObject {
    let mut object = DynamicObject::new(object::FLUX_SOURCE, &resource).within(namespace::FLUX_SYSTEM);
    object.data = json!({"spec": spec});
    FluxObject {
        resource,
        object,
        foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Kustomization as the API server gives it back, changed by `edit`.
    fn live(wanted: &FluxObject, edit: impl Fn(&mut Value)) -> DynamicObject {
        let mut live = wanted.object.clone();
        edit(&mut live.data["spec"]);
        live
    }

    #[test]
    fn defaults_of_the_server_and_ways_to_fetch_are_no_deviation() {
        let repository = "ghcr.io/nine-minds/alga-appliance-config".parse().unwrap();
        let digest = format!("sha256:{}", "0".repeat(64)).parse().unwrap();
        let source = oci_repository(&repository, &digest);
        let same = live(&source, |spec| {
            spec["provider"] = json!("generic");
            spec["timeout"] = json!("60s");
            spec["proxySecretRef"] = json!({"name": "proxy"});
        });
        assert!(source.deviation(&same).is_none());
        let tagged = live(&source, |spec| {
            spec["ref"]["tag"] = json!("latest");
            spec["insecure"] = json!(true);
        });
        assert_eq!(source.deviation(&tagged).foreign, ["insecure", "ref.tag"]);
        assert!(!source.deviation(&tagged).differs);
        let elsewhere = live(&source, |spec| spec["url"] = json!("oci://elsewhere/x"));
        assert!(source.deviation(&elsewhere).differs);
    }

    #[test]
    fn what_would_apply_something_else_or_nothing_is_foreign() {
        let wanted = kustomization();
        assert!(
            wanted
                .deviation(&live(&wanted, |spec| spec["force"] = json!(false)))
                .is_none()
        );
        let seen = live(&wanted, |spec| {
            spec["suspend"] = json!(true);
            spec["kubeConfig"] = json!({"secretRef": {"name": "x"}});
        });
        assert_eq!(wanted.deviation(&seen).foreign, ["suspend", "kubeConfig"]);
        let unpatched = live(&wanted, |spec| spec["patches"] = json!([]));
        assert!(wanted.deviation(&unpatched).differs);
        let change = FluxObject::without_foreign(&seen, &["suspend".to_owned(), "ref.tag".to_owned()]);
        assert_eq!(change["spec"], json!({"suspend": null, "ref": {"tag": null}}));
    }
}
