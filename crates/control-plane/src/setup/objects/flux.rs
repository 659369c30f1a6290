//! The Flux objects that hand the release over: its source, by digest, and the Kustomization above all.

use appliance_common::names::{namespace, object};
use appliance_common::release::reference::{Digest, ImageRepository};
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use serde_json::{Value, json};

/// An object of Flux and the resource it belongs to.
#[derive(Debug, Clone)]
pub struct FluxObject {
    /// Where the API serves it.
    pub resource: ApiResource,
    /// The object.
    pub object: DynamicObject,
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
    flux_object(ApiResource::from_gvk_with_plural(&kind, "ocirepositories"), &spec)
}

/// `Kustomization` `alga-appliance`: everything in the bundle's `base`.
#[must_use]
pub fn kustomization() -> FluxObject {
    let spec = json!({
        "interval": "5m0s",
        "path": "./base",
        "prune": true,
        "sourceRef": {"kind": "OCIRepository", "name": object::FLUX_SOURCE},
    });
    let kind = GroupVersionKind::gvk("kustomize.toolkit.fluxcd.io", "v1", "Kustomization");
    flux_object(ApiResource::from_gvk_with_plural(&kind, "kustomizations"), &spec)
}

fn flux_object(resource: ApiResource, spec: &Value) -> FluxObject {
    let mut object = DynamicObject::new(object::FLUX_SOURCE, &resource).within(namespace::FLUX_SYSTEM);
    object.data = json!({"spec": spec});
    FluxObject { resource, object }
}
