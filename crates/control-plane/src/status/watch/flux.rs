//! Flux' sources, Kustomizations and Helm releases.

use appliance_common::readiness::observed::{FluxKind, FluxObject};
use serde::Deserialize;

use super::decode::{Meta, RawCondition, conditions, filled, go_duration};

/// What is read of an object of Flux; each kind fills a part of it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawFlux {
    metadata: Meta,
    spec: Spec,
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    suspend: Option<bool>,
    r#type: Option<String>,
    timeout: Option<String>,
    #[serde(deserialize_with = "filled")]
    depends_on: Vec<Dependency>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Dependency {
    name: String,
    namespace: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    observed_generation: Option<i64>,
    #[serde(deserialize_with = "filled")]
    conditions: Vec<RawCondition>,
    artifact: Option<Artifact>,
    last_applied_revision: Option<String>,
    last_attempted_revision: Option<String>,
    #[serde(deserialize_with = "filled")]
    history: Vec<Snapshot>,
    #[serde(deserialize_with = "filled")]
    install_failures: u32,
    #[serde(deserialize_with = "filled")]
    upgrade_failures: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact {
    revision: Option<String>,
}

/// An entry of a Helm release's history; the newest is first. A Kustomization's has other keys.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Snapshot {
    chart_version: Option<String>,
}

pub(super) fn oci_repository(raw: RawFlux) -> (String, FluxObject) {
    flux(FluxKind::OciRepository, raw)
}

pub(super) fn helm_repository(raw: RawFlux) -> (String, FluxObject) {
    flux(FluxKind::HelmRepository, raw)
}

pub(super) fn kustomization(raw: RawFlux) -> (String, FluxObject) {
    flux(FluxKind::Kustomization, raw)
}

pub(super) fn helm_release(raw: RawFlux) -> (String, FluxObject) {
    flux(FluxKind::HelmRelease, raw)
}

fn flux(kind: FluxKind, raw: RawFlux) -> (String, FluxObject) {
    let (key, meta, status) = (raw.metadata.key(), raw.metadata, raw.status);
    let released = status
        .history
        .into_iter()
        .next()
        .and_then(|newest| newest.chart_version);
    let fetched = status.artifact.and_then(|artifact| artifact.revision);
    let waits_for = |on: Dependency| {
        let namespace = on.namespace.filter(|namespace| !namespace.is_empty());
        format!("{}/{}", namespace.as_deref().unwrap_or(&meta.namespace), on.name)
    };
    let object = FluxObject {
        kind,
        generation: meta.generation,
        generation_seen: None,
        observed_generation: status.observed_generation.unwrap_or(-1),
        suspended: raw.spec.suspend.unwrap_or(false),
        is_address: kind == FluxKind::HelmRepository && raw.spec.r#type.as_deref() == Some("oci"),
        conditions: conditions(status.conditions),
        revision: fetched.or(released).or(status.last_applied_revision),
        attempted_revision: status.last_attempted_revision,
        depends_on: raw.spec.depends_on.into_iter().map(waits_for).collect(),
        timeout: raw.spec.timeout.as_deref().and_then(go_duration),
        failures: status.install_failures.saturating_add(status.upgrade_failures),
        created: meta.creation_timestamp,
        namespace: meta.namespace,
        name: meta.name,
    };
    (key, object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_helm_repository_of_type_oci_is_an_address() {
        let raw = |kind: &str| serde_json::from_value::<RawFlux>(json!({"spec": {"type": kind}})).unwrap();
        assert!(helm_repository(raw("oci")).1.is_address);
        assert!(!helm_repository(raw("default")).1.is_address);
        assert!(!helm_repository(RawFlux::default()).1.is_address);
        assert!(!oci_repository(raw("oci")).1.is_address);
    }
}
