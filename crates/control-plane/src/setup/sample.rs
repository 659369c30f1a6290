//! One submission and one release, for the tests of this folder.

use appliance_common::names::SERVICES;
use appliance_common::release::manifest::ReleaseManifest;
use appliance_common::release::policy::UsePolicy;
use appliance_common::release::usable::UsableRelease;
use serde_json::{Map, Value, json};

use super::inputs::{RawInputs, SetupInputs};

/// With everything that breaks naive quoting in it.
pub(super) const PASSWORD: &str = r#" Can4ry"\Pass! "#;
pub(super) const KEY: &str = "e30.Y2FuYXJ5.c2ln";
pub(super) const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A manual submission with a licence key.
pub(super) fn inputs() -> SetupInputs {
    let body = json!({
        "appHostname": "psa.example.com", "channel": "nightly", "dnsMode": "custom", "dnsServers": "10.0.0.53",
        "releaseRef": "1.4.2", "tenantName": "Acme", "adminFirstName": "Ada", "adminLastName": "Byron",
        "adminEmail": "ada@example.com", "adminPassword": PASSWORD, "adminPasswordConfirm": PASSWORD,
        "licenseMode": "manual", "licenseKey": KEY,
    });
    let raw = RawInputs::from_json(body.to_string().as_bytes()).unwrap();
    SetupInputs::from_submission(&raw, "2026-06-01T10:20:30.456Z".parse().unwrap()).unwrap()
}

/// A release with a tag for two of its images.
pub(super) fn release(version: &str) -> UsableRelease {
    let values: Map<String, Value> = SERVICES
        .into_iter()
        .map(|service| {
            (
                format!("{service}.single-node.yaml"),
                json!("image: {tag: latest}\n"),
            )
        })
        .collect();
    let manifest = json!({
        "version": version,
        "images": {"algaCore": "core-1", "workflowWorker": "worker-1"},
        "controlPlane": "0a1b2c3",
        "config": {"repository": "ghcr.io/nine-minds/alga-appliance-config", "digest": DIGEST},
        "profileValues": values,
    });
    let manifest = ReleaseManifest::from_json(manifest.to_string().as_bytes()).unwrap();
    manifest
        .usable(&UsePolicy::for_registry(&"ghcr.io".parse().unwrap()))
        .unwrap()
}
