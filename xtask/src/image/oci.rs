//! The image, and the two kinds of archive it is carried in.

use anyhow::Result;
use appliance_common::names::BAKED_IMAGE;
use appliance_common::release::reference::Digest;
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciImageManifest};
use serde_json::{Value, json};

use super::config::Stamp;
use super::tar::{Entry, What, gzip, pack};
use crate::publish::{Artifact, Blob, Target};

/// <https://github.com/opencontainers/image-spec/blob/main/media-types.md>
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// An image of one layer.
pub(super) struct Image {
    config: Blob,
    pub(super) layer: Blob,
    /// The layer before it was compressed.
    tar: Vec<u8>,
    manifest: Vec<u8>,
    /// Of the manifest.
    pub(super) digest: Digest,
    /// Bytes of all files.
    pub(super) unpacked: usize,
    epoch: u64,
}

impl Image {
    pub(super) fn new(stamp: &Stamp, entries: &[Entry], has_flux: bool) -> Result<Self> {
        let tar = pack(entries, stamp.epoch)?;
        let config = stamp.config(&Digest::of(&tar), has_flux)?;
        let config = Blob::new(CONFIG, serde_json::to_vec(&config)?)?;
        let layer = Blob::new(LAYER, gzip(&tar)?)?;
        let manifest = serde_json::to_vec(&OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            config: config.descriptor.clone(),
            layers: vec![layer.descriptor.clone()],
            annotations: Some(stamp.labels()?),
            ..OciImageManifest::default()
        })?;
        let size = |entry: &Entry| match &entry.what {
            What::File(bytes) => bytes.len(),
            What::Directory | What::Link(_) => 0,
        };
        Ok(Self {
            digest: Digest::of(&manifest),
            unpacked: entries.iter().map(size).sum(),
            epoch: stamp.epoch,
            config,
            layer,
            tar,
            manifest,
        })
    }

    /// An OCI layout in a tar archive.
    ///
    /// <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>
    pub(super) fn oci_archive(&self) -> Result<Vec<u8>> {
        let tag = BAKED_IMAGE.rsplit_once(':').map_or("baked", |(_, tag)| tag);
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [{
                "mediaType": OCI_IMAGE_MEDIA_TYPE,
                "digest": self.digest.as_str(),
                "size": self.manifest.len(),
                "platform": {"architecture": "amd64", "os": "linux"},
                // What containerd's import takes for the image's name.
                "annotations": {"io.containerd.image.name": BAKED_IMAGE, "org.opencontainers.image.ref.name": tag},
            }],
        });
        let blob = |digest: &str, bytes: &[u8]| file(&format!("blobs/{}", digest.replace(':', "/")), bytes);
        let mut entries = vec![
            Entry::new("blobs", 0o755, What::Directory),
            Entry::new("blobs/sha256", 0o755, What::Directory),
            blob(&self.config.descriptor.digest, &self.config.bytes),
            blob(self.digest.as_str(), &self.manifest),
            blob(&self.layer.descriptor.digest, &self.layer.bytes),
            file("index.json", &serde_json::to_vec(&index)?),
            file("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        ];
        entries[2..5].sort_by(|a, b| a.path.cmp(&b.path));
        Ok(pack(&entries, self.epoch)?)
    }

    /// What `docker save` writes: every containerd imports it, under the name it carries.
    pub(super) fn docker_archive(&self) -> Result<Vec<u8>> {
        let hex = |digest: &str| digest.trim_start_matches("sha256:").to_owned();
        let config = format!("{}.json", hex(&self.config.descriptor.digest));
        let layer = format!("{}.tar", hex(Digest::of(&self.tar).as_str()));
        let manifest: Value = json!([{"Config": config, "RepoTags": [BAKED_IMAGE], "Layers": [layer]}]);
        let entries = [
            file(&config, &self.config.bytes),
            file(&layer, &self.tar),
            file("manifest.json", &serde_json::to_vec(&manifest)?),
        ];
        Ok(pack(&entries, self.epoch)?)
    }

    /// As a registry holds it.
    pub(super) fn artifact(&self, target: &Target) -> Artifact {
        Artifact {
            repository: target.repository.clone(),
            tag: target.tag.clone(),
            blobs: vec![self.layer.clone(), self.config.clone()],
            manifest: self.manifest.clone(),
            digest: self.digest.clone(),
        }
    }
}

fn file(path: &str, bytes: &[u8]) -> Entry {
    Entry::new(path, 0o644, What::File(bytes.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;
    use crate::image::layer;

    fn made() -> Image {
        let stamp = Stamp {
            epoch: 7,
            revision: "c0ffee".to_owned(),
        };
        let program = vec![Entry::new("bin/p", 0o755, What::File(vec![1; 4096]))];
        Image::new(&stamp, &layer::entries(program, None), false).unwrap()
    }

    fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = ::tar::Archive::new(archive);
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().display().to_string(), bytes)
        });
        entries.collect()
    }

    #[test]
    fn the_same_sources_make_the_same_bytes() {
        let (one, other) = (made(), made());
        assert_eq!(one.digest, other.digest);
        assert_eq!(one.oci_archive().unwrap(), other.oci_archive().unwrap());
        assert_eq!(one.docker_archive().unwrap(), other.docker_archive().unwrap());
    }

    #[test]
    fn the_layout_leads_from_its_index_to_every_blob() {
        let files = files(&made().oci_archive().unwrap());
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let named = &index["manifests"][0];
        assert_eq!(named["annotations"]["io.containerd.image.name"], BAKED_IMAGE);
        let blob = |digest: &Value| {
            let digest = digest.as_str().unwrap();
            let bytes = &files[&format!("blobs/{}", digest.replace(':', "/"))];
            assert_eq!(Digest::of(bytes).as_str(), digest);
            bytes.clone()
        };
        let manifest: Value = serde_json::from_slice(&blob(&named["digest"])).unwrap();
        let config: Value = serde_json::from_slice(&blob(&manifest["config"]["digest"])).unwrap();
        blob(&manifest["layers"][0]["digest"]);
        assert_eq!(config["config"]["User"], "10001:10001");
        assert_eq!(config["config"]["Labels"]["io.alga.appliance.abi"], "1");
        assert_eq!(
            manifest["annotations"]["org.opencontainers.image.revision"],
            "c0ffee"
        );
    }

    #[test]
    fn the_saved_one_has_its_name_and_the_layer_that_its_config_knows() {
        let files = files(&made().docker_archive().unwrap());
        let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        assert_eq!(manifest[0]["RepoTags"][0], BAKED_IMAGE);
        let config: Value = serde_json::from_slice(&files[manifest[0]["Config"].as_str().unwrap()]).unwrap();
        let layer = &files[manifest[0]["Layers"][0].as_str().unwrap()];
        assert_eq!(config["rootfs"]["diff_ids"][0], Digest::of(layer).as_str());
    }
}
