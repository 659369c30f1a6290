//! The pins of one release: images, charts, helper images, in one TOML file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
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
    pub control_plane: Option<String>,
    /// The support agent's image, by digest.
    pub support_agent: Option<String>,
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
    alga_core: String,
    workflow_worker: String,
    email_service: String,
    temporal_worker: String,
}

/// One chart.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartPin {
    /// Version in `Chart.yaml` and in the bundle's `HelmRelease`.
    pub version: String,
    /// Digest of its OCI manifest; needed where the chart is published already.
    pub digest: Option<String>,
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
            ensure!(
                is_pinned_tag(tag),
                "images.{key} is {tag:?}: write `tag` or `tag@sha256:…`, and not `latest`"
            );
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
            let pinned = |image: &String| image.split_once('@').is_some_and(|(_, digest)| is_digest(digest));
            ensure!(
                image.as_ref().is_none_or(pinned),
                "{key} is {image:?}: write `registry/repository@sha256:…`"
            );
        }
        for (name, chart) in &lock.charts {
            ensure!(
                chart.digest.as_deref().is_none_or(is_digest),
                "charts.{name}.digest is not `sha256:` and 64 hexadecimal digits"
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
            ("algaCore", &self.images.alga_core),
            ("workflowWorker", &self.images.workflow_worker),
            ("emailService", &self.images.email_service),
            ("temporalWorker", &self.images.temporal_worker),
        ]
    }
}

/// `name:tag@digest` as name, `tag@digest` and digest.
fn split_helper(reference: &str) -> Option<(&str, &str, &str)> {
    let (before, digest) = reference.split_once('@')?;
    let (name, tag) = before.rsplit_once(':')?;
    let pinned = is_digest(digest) && is_tag(tag) && tag != "latest" && !name.is_empty();
    pinned.then(|| (name, &reference[name.len() + 1..], digest))
}

fn is_pinned_tag(text: &str) -> bool {
    let (tag, digest) = match text.split_once('@') {
        Some((tag, digest)) => (tag, Some(digest)),
        None => (text, None),
    };
    is_tag(tag) && tag != "latest" && digest.is_none_or(is_digest)
}

/// Whether `text` is a tag of 10 §2.
#[must_use]
pub fn is_tag(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=128).contains(&text.len()) && text.chars().all(legal) && !text.starts_with(['.', '-'])
}

/// Whether `text` is a digest of 10 §2.
#[must_use]
pub fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
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
            ("\"sample-core\"", "\"repo/name:tag\"", "images.algaCore"),
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
                "charts.sebastian.digest",
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
