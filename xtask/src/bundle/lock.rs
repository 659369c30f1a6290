//! The pins of one release: images, charts, helper images, in one TOML file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use appliance_common::release::reference::{Digest, ImageRef, ImageTag, Tag};
use serde::{Deserialize, Serialize};

/// Everything a release names besides the bundle itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lock {
    /// These pins are samples: they may go to a registry on loopback and nowhere else.
    #[serde(default)]
    pub sample: bool,
    /// Profile whose values the release carries.
    #[serde(default = "single_node")]
    pub values_profile: String,
    /// The control plane's image, by digest.
    pub control_plane: Option<ImageRef>,
    /// The support agent's image, by digest.
    pub support_agent: Option<ImageRef>,
    /// Public keys that sign support receipts, by their ids.
    #[serde(default)]
    pub support_receipt_keys: BTreeMap<String, String>,
    /// The application's images: `tag` or `tag@digest`.
    pub images: Images,
    /// Images of others that the charts run: `name:tag@digest`.
    pub helpers: BTreeMap<String, String>,
    /// The charts the bundle installs.
    pub charts: BTreeMap<String, ChartPin>,
    /// How the first administrator reaches the bootstrap Job.
    pub tenant_bootstrap: Option<TenantBootstrap>,
}

/// What follows the colon in the references of the application's images.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Images {
    alga_core: ImageTag,
    workflow_worker: ImageTag,
    email_service: ImageTag,
    temporal_worker: ImageTag,
}

/// One chart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartPin {
    /// Version in `Chart.yaml` and in the bundle's `HelmRelease`.
    pub version: String,
    /// Digest of its OCI manifest; needed where the chart is published already.
    pub digest: Option<Digest>,
}

/// See the release manifest's key of the same name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TenantBootstrap {
    password_format: String,
}

fn single_node() -> String {
    "single-node".to_owned()
}

impl Lock {
    /// Reads and checks the lock at `path`.
    ///
    /// # Errors
    /// A file that cannot be read, TOML that is not a lock, a pin that does not pin.
    pub fn load(path: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(path).with_context(|| format!("reading the lock {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("the lock {}", path.display()))
    }

    /// The lock in `text`.
    ///
    /// # Errors
    /// As [`Lock::load`].
    pub fn parse(text: &str) -> Result<Self> {
        let lock: Self = toml::from_str(text)?;
        for (key, tag) in lock.image_tags() {
            let floats = tag.split('@').next() == Some("latest");
            ensure!(!floats, "images.{key} is {tag:?}, which floats: name one build");
        }
        for (key, reference) in &lock.helpers {
            ensure!(
                split_helper(reference).is_some(),
                "helpers.{key} is {reference:?}: write `name:tag@sha256:…`, and not `latest`"
            );
        }
        for (key, image) in [
            ("controlPlane", &lock.control_plane),
            ("supportAgent", &lock.support_agent),
        ] {
            ensure!(
                image.as_ref().is_none_or(|image| image.digest().is_some()),
                "{key} is not pinned: write `registry/repository@sha256:…`"
            );
        }
        if let Some(bootstrap) = &lock.tenant_bootstrap {
            let format = &bootstrap.password_format;
            ensure!(
                format == "phc",
                "tenantBootstrap.passwordFormat is {format:?}: write \"phc\" or leave the table out"
            );
        }
        Ok(lock)
    }

    /// What `${…}` stands for in the bundle's files.
    #[must_use]
    pub fn variables(&self) -> BTreeMap<String, &str> {
        let images = self.image_tags().map(|(key, tag)| (format!("images.{key}"), tag));
        let helpers = self.helpers.iter().flat_map(|(key, reference)| {
            let parts = split_helper(reference).into_iter();
            parts.flat_map(move |(name, tag, digest)| {
                [("name", name), ("tag", tag), ("digest", digest)]
                    .map(|(part, value)| (format!("helpers.{key}.{part}"), value))
            })
        });
        images.into_iter().chain(helpers).collect()
    }

    fn image_tags(&self) -> [(&'static str, &str); 4] {
        [
            ("algaCore", self.images.alga_core.as_str()),
            ("workflowWorker", self.images.workflow_worker.as_str()),
            ("emailService", self.images.email_service.as_str()),
            ("temporalWorker", self.images.temporal_worker.as_str()),
        ]
    }
}

/// `name:tag@digest` as name, `tag@digest` and digest.
fn split_helper(reference: &str) -> Option<(&str, &str, &str)> {
    let (before, digest) = reference.split_once('@')?;
    let (name, tag) = before.rsplit_once(':')?;
    let pinned =
        digest.parse::<Digest>().is_ok() && tag.parse::<Tag>().is_ok() && tag != "latest" && !name.is_empty();
    pinned.then(|| (name, &reference[name.len() + 1..], digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../../tests/fixtures/release.lock.toml");

    #[test]
    fn the_sample_lock_is_a_lock_and_says_that_it_is_a_sample() {
        let lock = Lock::parse(SAMPLE).unwrap();
        assert!(lock.sample);
        let variables = lock.variables();
        assert_eq!(variables["images.algaCore"], "sample-core");
        assert_eq!(variables["helpers.redis.name"], "redis");
        assert!(variables["helpers.redis.tag"].starts_with("7.4.2@sha256:4444"));
    }

    #[test]
    fn what_does_not_pin_is_refused_by_its_key() {
        let cases = [
            ("\"sample-core\"", "\"latest\"", "images.algaCore"),
            ("\"sample-core\"", "\"repo/name:tag\"", "algaCore"),
            ("redis:7.4.2@", "redis:latest@", "helpers.redis"),
            (
                "busybox:1.36.1@sha256:5",
                "busybox:1.36.1@sha256:G",
                "helpers.busybox",
            ),
            (
                "alga-appliance-control-plane@sha256:1",
                "alga-appliance-control-plane:1",
                "controlPlane",
            ),
            (
                "{ version = \"0.0.1\" }",
                "{ version = \"0.0.1\", digest = \"sha256:1\" }",
                "sebastian",
            ),
            ("\nsample = true", "\nsmaple = true", "smaple"),
        ];
        for (from, to, named) in cases {
            assert!(SAMPLE.contains(from), "{from}");
            let error = format!("{:#}", Lock::parse(&SAMPLE.replacen(from, to, 1)).unwrap_err());
            assert!(error.contains(named), "{error}");
        }
    }
}
