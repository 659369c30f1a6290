//! OCI artifacts: a manifest and the blobs it names, made in memory with fixed bytes.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use appliance_common::release::reference::Digest;
use jiff::Timestamp;
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest};
use serde_json::json;

use crate::bundle::chart::Chart;
use crate::bundle::pack::Archive;

/// Media types, each with the page that fixes it.
mod media {
    /// <https://fluxcd.io/flux/cheatsheets/oci-artifacts/>
    pub(super) const FLUX_CONFIG: &str = "application/vnd.cncf.flux.config.v1+json";
    pub(super) const FLUX_CONTENT: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";
    /// <https://helm.sh/docs/topics/registries/#oci-feature-deprecation-and-behavior-changes-with-v380>
    pub(super) const HELM_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
    pub(super) const HELM_CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
    /// Readers do not look at the type of the release manifest (10 §3.1).
    pub(super) const RELEASE: &str = "application/vnd.alga.appliance.release.v1+json";
    /// <https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidance-for-an-empty-descriptor>
    pub(super) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
}

/// Where the sources of what is published are.
const SOURCE_URL: &str = "https://github.com/nine-minds/alga-psa";

/// A blob and how the manifest describes it.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    pub(crate) bytes: Vec<u8>,
    pub(crate) descriptor: OciDescriptor,
}

impl Blob {
    pub(crate) fn new(media_type: &str, bytes: Vec<u8>) -> Result<Self> {
        let descriptor = OciDescriptor {
            media_type: media_type.to_owned(),
            digest: Digest::of(&bytes).to_string(),
            size: i64::try_from(bytes.len())?,
            ..OciDescriptor::default()
        };
        Ok(Self { bytes, descriptor })
    }
}

/// One artifact, ready to be pushed.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    /// Repository on the registry.
    pub(crate) repository: String,
    /// The tag that names exactly these bytes for ever.
    pub(crate) tag: String,
    pub(crate) blobs: Vec<Blob>,
    pub(crate) manifest: Vec<u8>,
    pub(crate) digest: Digest,
}

/// What an artifact says of its making.
pub(super) struct Stamp {
    /// Version of the release, or of the chart.
    pub(super) version: String,
    /// Date of everything, in seconds since 1970.
    pub(super) epoch: u64,
}

impl Stamp {
    fn annotations(&self) -> Result<BTreeMap<String, String>> {
        let seconds = i64::try_from(self.epoch).context("the source date is out of range")?;
        let created = Timestamp::from_second(seconds).context("the source date is out of range")?;
        let entries = [
            ("created", created.to_string()),
            ("revision", self.version.clone()),
            ("source", SOURCE_URL.to_owned()),
        ];
        Ok(entries
            .into_iter()
            .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value))
            .collect())
    }

    /// The config bundle, as `flux push artifact` makes it.
    pub(super) fn bundle(&self, archive: Archive) -> Result<Artifact> {
        let config = json!({
            "architecture": "", "os": "", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [archive.diff_id.as_str()]},
        });
        self.artifact(
            "nine-minds/alga-appliance-config",
            Blob::new(media::FLUX_CONFIG, serde_json::to_vec(&config)?)?,
            Blob::new(media::FLUX_CONTENT, archive.bytes)?,
        )
    }

    /// The release: its manifest is the config blob, and its layer is empty (10 §1).
    pub(super) fn release(&self, manifest: Vec<u8>) -> Result<Artifact> {
        self.artifact(
            "nine-minds/alga-appliance-release",
            Blob::new(media::RELEASE, manifest)?,
            Blob::new(media::EMPTY, b"{}".to_vec())?,
        )
    }

    fn artifact(&self, repository: &str, config: Blob, layer: Blob) -> Result<Artifact> {
        let manifest = OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            config: config.descriptor.clone(),
            layers: vec![layer.descriptor.clone()],
            annotations: Some(self.annotations()?),
            ..OciImageManifest::default()
        };
        let manifest = serde_json::to_vec(&manifest)?;
        Ok(Artifact {
            repository: repository.to_owned(),
            // Tags have no `+`; Helm writes `_` for it.
            tag: self.version.replace('+', "_"),
            blobs: vec![layer, config],
            digest: Digest::of(&manifest),
            manifest,
        })
    }
}

/// A chart, as `helm push` makes it. Its bytes depend on the chart alone, and not on the release or
/// its date: the same version of a chart comes along with many releases.
pub(super) fn chart(chart: &Chart) -> Result<Artifact> {
    let stamp = Stamp {
        version: chart.version()?.to_owned(),
        epoch: 0,
    };
    stamp.artifact(
        &format!("nine-minds/charts/{}", chart.name()?),
        Blob::new(media::HELM_CONFIG, serde_json::to_vec(&chart.metadata)?)?,
        Blob::new(media::HELM_CONTENT, chart.pack(stamp.epoch)?.bytes)?,
    )
}
