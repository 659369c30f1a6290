//! The OCI image manifest, as far as a release needs it.

use serde_json::Value;

use super::failure::Failure;
use super::fetch::{Answer, MAX_BLOB};
use crate::release::reference::{Digest, Reference};
use crate::release::strict_json;

/// Smallest release manifest: two bytes make an empty object.
const MIN_CONFIG: u64 = 2;
/// Longest creation date that is kept.
const MAX_CREATED: usize = 64;
/// When the release was made (<https://github.com/opencontainers/image-spec/blob/main/annotations.md>).
const CREATED: &str = "org.opencontainers.image.created";

/// The config descriptor, and what else of the manifest is used.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) digest: Digest,
    pub(super) size: usize,
    pub(super) created: Option<String>,
}

/// Reads the config descriptor of a manifest whose digest was verified.
pub(super) fn config(body: &[u8]) -> Result<Config, Failure> {
    let document = strict_json::parse(body).map_err(Failure::NotJson)?;
    let invalid = |problem: &str| Failure::InvalidManifest(problem.to_owned());
    let descriptor = document
        .get("config")
        .filter(|config| config.get("digest").is_some())
        .ok_or_else(|| invalid("no config descriptor: this is an index or not a release"))?;
    let digest = descriptor["digest"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| invalid("config.digest is not sha256: and 64 lower-case hex digits"))?;
    let size = descriptor
        .get("size")
        .and_then(Value::as_u64)
        .filter(|size| *size >= MIN_CONFIG)
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= MAX_BLOB)
        .ok_or_else(|| invalid("config.size is not an integer from 2 to 4194304"))?;
    let created = document
        .pointer("/annotations")
        .and_then(|annotations| annotations.get(CREATED))
        .and_then(Value::as_str)
        .filter(|text| text.len() <= MAX_CREATED)
        .map(str::to_owned);
    Ok(Config {
        digest,
        size,
        created,
    })
}

/// The digest of the bytes received, if it is the one that was asked for and the one the registry states.
pub(super) fn verified_digest(manifest: &Answer, reference: &Reference) -> Result<Digest, Failure> {
    let found = Digest::of(&manifest.body);
    if let Reference::Digest(asked) = reference
        && *asked != found
    {
        return Err(Failure::Integrity(format!("asked for {asked}, received {found}")));
    }
    for stated in manifest.headers.get_all("docker-content-digest") {
        if stated.as_bytes() != found.as_str().as_bytes() {
            return Err(Failure::Integrity(format!(
                "the registry states {}, received {found}",
                String::from_utf8_lossy(stated.as_bytes())
                    .chars()
                    .take(80)
                    .collect::<String>()
                    .escape_debug()
            )));
        }
    }
    Ok(found)
}
