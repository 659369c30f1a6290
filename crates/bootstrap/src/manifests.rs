//! Manifests as objects: read, given the image that is kept, and applied in their order (50 W17: no temporary
//! overlay, no other program).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use appliance_common::cluster::{self, Cluster, ClusterError, ManifestObject, Owner, manifest_objects};
use appliance_common::names::BAKED_IMAGE;
use kube::ResourceExt;
use serde_json::Value;

/// Why a manifest cannot be applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("reading the manifest {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is no manifest", path.display())]
    Unusable {
        path: PathBuf,
        source: cluster::ManifestError,
    },
}

/// Reads every object of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<ManifestObject>, ManifestError> {
    let text = fs::read_to_string(path).map_err(|source| ManifestError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    manifest_objects(&text).map_err(|source| ManifestError::Unusable {
        path: path.to_owned(),
        source,
    })
}

/// Puts `image` into every container, init containers too, that runs the baked one.
pub(crate) fn with_image(objects: &mut [ManifestObject], image: &str) {
    let repository = BAKED_IMAGE
        .rsplit_once(':')
        .map_or(BAKED_IMAGE, |(repository, _)| repository);
    for wanted in objects {
        for containers in ["containers", "initContainers"] {
            let found = wanted
                .object
                .data
                .pointer_mut(&format!("/spec/template/spec/{containers}"));
            for container in found.and_then(Value::as_array_mut).into_iter().flatten() {
                let is_ours = container["image"].as_str().is_some_and(|image| {
                    image == repository
                        || image
                            .strip_prefix(repository)
                            .is_some_and(|rest| rest.starts_with(':'))
                });
                if is_ours {
                    container["image"] = Value::from(image);
                }
            }
        }
    }
}

/// Puts the port into the settings and into the port of that name of every container (50 W33). The Service keeps its
/// own, which leads to that name.
pub(crate) fn with_port(objects: &mut [ManifestObject], port: u16) {
    for wanted in objects {
        if let Some(setting) = wanted.object.data.pointer_mut("/data/ALGA_APPLIANCE_PORT") {
            *setting = Value::from(port.to_string());
        }
        let containers = wanted.object.data.pointer_mut("/spec/template/spec/containers");
        for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
            let ports = container.get_mut("ports").and_then(Value::as_array_mut);
            for named in ports
                .into_iter()
                .flatten()
                .filter(|named| named["name"] == "setup-http")
            {
                named["containerPort"] = Value::from(port);
                named["hostPort"] = Value::from(port);
            }
        }
    }
}

/// Annotates pods with a digest of the settings, so that other settings are another pod (50 W40).
pub(crate) fn with_settings_hash(objects: &mut [ManifestObject]) {
    let settings = objects
        .iter()
        .filter(|wanted| wanted.resource.kind == "ConfigMap");
    let text: String = settings
        .map(|wanted| wanted.object.data["data"].to_string())
        .collect();
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    for wanted in objects {
        if let Some(template) = wanted.object.data.pointer_mut("/spec/template/metadata") {
            template["annotations"]["alga.nineminds.com/config-hash"] =
                Value::from(hex::encode(&digest.as_ref()[..8]));
        }
    }
}

/// Applies them in their order, under our own field manager.
pub(crate) async fn apply(cluster: &Cluster, objects: &[ManifestObject]) -> Result<(), ClusterError> {
    for wanted in objects {
        cluster
            .apply_dynamic(Owner::Bootstrap, &wanted.resource, &wanted.object)
            .await?;
        tracing::debug!(
            kind = wanted.resource.kind,
            name = wanted.object.name_any(),
            "applied"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_is_put_into_every_container_that_runs_ours_and_into_no_other() {
        let deployment = serde_json::json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"},
            "spec": {"template": {"spec": {
                "initContainers": [{"name": "init", "image": BAKED_IMAGE}],
                "containers": [
                    {"name": "setup-api", "image": "localhost/alga-appliance-control-plane"},
                    {"name": "other", "image": "localhost/alga-appliance-control-plane-tools:1"},
                ],
            }}},
        });
        let mut objects = vec![ManifestObject::read(deployment).unwrap()];
        with_image(&mut objects, "ghcr.io/a/b@sha256:1");
        let spec = &objects[0].object.data["spec"]["template"]["spec"];
        assert_eq!(spec["initContainers"][0]["image"], "ghcr.io/a/b@sha256:1");
        assert_eq!(spec["containers"][0]["image"], "ghcr.io/a/b@sha256:1");
        assert_eq!(
            spec["containers"][1]["image"],
            "localhost/alga-appliance-control-plane-tools:1"
        );
    }
}
