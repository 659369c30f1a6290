//! Fetches an artifact from a registry and checks every digest on the way.

use std::io::Read;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use flate2::read::GzDecoder;
use reqwest::header::ACCEPT;
use ring::digest::{SHA256, digest};
use serde::Deserialize;

use super::Spec;

/// Longest time one request may take.
const LIMIT: Duration = Duration::from_secs(10);

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Reasons of Flux, in the `Ready` condition.
const URL_INVALID: &str = "URLInvalid";
const PULL_FAILED: &str = "OCIArtifactPullFailed";
const LAYER_FAILED: &str = "OCIArtifactLayerOperationFailed";

/// Why there is no artifact, in the words of a condition.
#[derive(Debug)]
pub(super) struct PullError {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl PullError {
    pub(super) fn url(message: String) -> Self {
        Self {
            reason: URL_INVALID,
            message,
        }
    }

    fn pull(error: &anyhow::Error) -> Self {
        Self {
            reason: PULL_FAILED,
            message: format!("failed to pull artifact: {error:#}"),
        }
    }

    fn layer(error: &anyhow::Error) -> Self {
        Self {
            reason: LAYER_FAILED,
            message: format!("failed to extract layer contents: {error:#}"),
        }
    }
}

/// What was fetched.
pub(super) struct Artifact {
    /// `sha256:…`, or `<tag>@sha256:…` when a tag was asked for.
    pub(super) revision: String,
    /// Digest of the content.
    pub(super) digest: String,
    /// A gzipped tar archive.
    pub(super) content: Bytes,
}

#[derive(Deserialize)]
struct Manifest {
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
struct Layer {
    digest: String,
}

pub(super) struct Puller(reqwest::Client);

impl Puller {
    pub(super) fn new() -> Result<Self> {
        let client = reqwest::Client::builder().timeout(LIMIT).no_proxy().build();
        client.map(Self).context("making an HTTP client")
    }

    /// Fetches the first layer of what the spec points at.
    pub(super) async fn pull(&self, spec: &Spec) -> Result<Artifact, PullError> {
        let base = base(spec).ok_or_else(|| PullError::url(format!("invalid OCI URL '{}'", spec.url)))?;
        let (by, tag) = match (&spec.reference.digest, &spec.reference.tag) {
            (Some(digest), _) => (digest.as_str(), None),
            (None, tag) => (
                tag.as_deref().unwrap_or("latest"),
                Some(tag.as_deref().unwrap_or("latest")),
            ),
        };
        let manifest = self
            .get(&format!("{base}/manifests/{by}"))
            .await
            .map_err(|error| PullError::pull(&error))?;
        let manifest_digest = sha256(&manifest);
        if tag.is_none() {
            check(by, &manifest_digest).map_err(|error| PullError::pull(&error))?;
        }
        let layer = first_layer(&manifest).map_err(|error| PullError::layer(&error))?;
        let content = self
            .get(&format!("{base}/blobs/{layer}"))
            .await
            .map_err(|error| PullError::pull(&error))?;
        check(&layer, &sha256(&content)).map_err(|error| PullError::pull(&error))?;
        check_archive(&content).map_err(|error| PullError::layer(&error))?;
        let revision = tag.map_or_else(
            || manifest_digest.clone(),
            |tag| format!("{tag}@{manifest_digest}"),
        );
        Ok(Artifact {
            revision,
            digest: sha256(&content),
            content,
        })
    }

    async fn get(&self, url: &str) -> Result<Bytes> {
        let response = self.0.get(url).header(ACCEPT, MANIFEST).send().await;
        let response = response.and_then(reqwest::Response::error_for_status);
        let body = response.with_context(|| format!("GET {url}"))?.bytes().await;
        body.with_context(|| format!("reading {url}"))
    }
}

/// `oci://host/path` as the registry API's URL of that repository.
fn base(spec: &Spec) -> Option<String> {
    let (host, path) = spec.url.strip_prefix("oci://")?.split_once('/')?;
    let scheme = if spec.insecure { "http" } else { "https" };
    (!host.is_empty() && !path.is_empty()).then(|| format!("{scheme}://{host}/v2/{path}"))
}

fn first_layer(manifest: &[u8]) -> Result<String> {
    let manifest: Manifest = serde_json::from_slice(manifest).context("the manifest does not parse")?;
    let layer = manifest
        .layers
        .into_iter()
        .next()
        .context("no layers found in artifact")?;
    Ok(layer.digest)
}

fn check(promised: &str, found: &str) -> Result<()> {
    anyhow::ensure!(promised == found, "{found} was sent for {promised}");
    Ok(())
}

/// Whether it unpacks to the end.
fn check_archive(content: &[u8]) -> Result<()> {
    for entry in tar::Archive::new(GzDecoder::new(content))
        .entries()
        .context("not a tar archive")?
    {
        let mut entry = entry.context("not a tar archive")?;
        std::io::copy(&mut entry.by_ref(), &mut std::io::sink()).context("a file in the archive is cut")?;
    }
    Ok(())
}

fn sha256(content: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest(&SHA256, content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_oci_url_becomes_the_url_of_the_registry_api() {
        let base = |url: &str, insecure| {
            let reference = super::super::Reference::default();
            base(&Spec {
                url: url.to_owned(),
                reference,
                insecure,
            })
        };
        assert_eq!(
            base("oci://r.example/a/b", false).as_deref(),
            Some("https://r.example/v2/a/b")
        );
        assert_eq!(
            base("oci://127.0.0.1:5000/a", true).as_deref(),
            Some("http://127.0.0.1:5000/v2/a")
        );
        assert_eq!(base("https://r.example/a", false), None);
        assert_eq!(base("oci://r.example", false), None);
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        assert!(check_archive(b"not gzip").is_err());
    }
}
