//! Releases pushed as bytes: those that no publisher would make, and a small one that installs.

use anyhow::{Context, Result};
use appliance_common::names::SERVICES;
use appliance_common::release::reference::Digest;
use appliance_common::testing::Published;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::{Client, Reference};
use serde_json::{Map, Value, json};

/// Where releases are in a registry.
pub const REPOSITORY: &str = "nine-minds/alga-appliance-release";

/// A release manifest that installs from the registry `host`; its Flux bundle is a digest of nothing.
#[must_use]
pub fn manifest(host: &str, version: &str) -> Value {
    let values: Map<String, Value> = SERVICES
        .into_iter()
        .map(|service| {
            let text = "# kept\nimage: {tag: none}\n";
            (format!("{service}.single-node.yaml"), text.into())
        })
        .collect();
    json!({
        "schema": "alga.appliance.release/v1",
        "version": version,
        "valuesProfile": "single-node",
        "images": {
            "algaCore": "core-1", "workflowWorker": "workflow-1",
            "emailService": "email-1", "temporalWorker": "temporal-1",
        },
        "config": {
            "repository": format!("{host}/nine-minds/alga-appliance-config"),
            "digest": Digest::of(version.as_bytes()),
        },
        "profileValues": values,
    })
}

/// Pushes bytes as the release manifest of an otherwise correct release, and gives the digest of its
/// OCI manifest, which `tag` then names.
///
/// # Errors
/// The registry does not take it.
pub async fn push(host: &str, tag: &str, release: &[u8]) -> Result<Digest> {
    let artifact = Published::new(release);
    let client = client();
    let reference: Reference = format!("{host}/{REPOSITORY}:{tag}").parse()?;
    let blob = Digest::of(release);
    client
        .push_blob(&reference, release.to_vec(), blob.as_str())
        .await
        .with_context(|| format!("pushing the release manifest of {reference}"))?;
    let media_type = "application/vnd.oci.image.manifest.v1+json".parse()?;
    client
        .push_manifest_raw(&reference, artifact.manifest.clone(), media_type)
        .await
        .with_context(|| format!("pushing {reference}"))?;
    Ok(Digest::of(&artifact.manifest))
}

/// Pushes an image of no layers as a control plane, with these labels in its config, and gives what names it for
/// ever. `note` makes it another image than others with the same labels.
///
/// # Errors
/// The registry does not take it.
pub async fn push_control_plane(host: &str, note: &str, labels: &Value) -> Result<String> {
    let config = json!({
        "architecture": "amd64", "os": "linux", "author": note,
        "config": {"Labels": labels}, "rootfs": {"type": "layers", "diff_ids": []},
    });
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": Digest::of(&config), "size": config.len(),
        },
        "layers": [],
    });
    let manifest = manifest.to_string().into_bytes();
    let repository = format!("{host}/nine-minds/alga-appliance-control-plane");
    let reference: Reference = format!("{repository}:{note}").parse()?;
    let client = client();
    client
        .push_blob(&reference, config.clone(), Digest::of(&config).as_str())
        .await
        .with_context(|| format!("pushing the config of {reference}"))?;
    let media_type = "application/vnd.oci.image.manifest.v1+json".parse()?;
    let digest = Digest::of(&manifest);
    client
        .push_manifest_raw(&reference, manifest, media_type)
        .await
        .with_context(|| format!("pushing {reference}"))?;
    Ok(format!("{repository}@{digest}"))
}

fn client() -> Client {
    Client::new(ClientConfig {
        protocol: ClientProtocol::Http,
        ..ClientConfig::default()
    })
}
