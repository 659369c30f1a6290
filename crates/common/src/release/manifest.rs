//! The release manifest as published: a lenient reader that keeps everything known and drops the rest.
//!
//! It accepts whatever was ever published (10 §4.1). What a manifest must be before anything acts on it is
//! decided later and separately, by the strict reading.

mod fields;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::reference::{Digest, ImageRef};
use super::strict_json;

/// The schema this product reads.
pub const SCHEMA: &str = "alga.appliance.release/v1";

/// The profile of a manifest that names none.
pub const DEFAULT_PROFILE: &str = "single-node";

/// The only repository a support agent may come from.
pub const SUPPORT_AGENT_REPOSITORY: &str = "ghcr.io/nine-minds/alga-appliance-support-agent";

/// Most receipt keys: the current one and its predecessor.
const MAX_RECEIPT_KEYS: usize = 2;
/// Longest receipt key, in characters.
const MAX_RECEIPT_KEY: usize = 8192;
/// Longest id of a receipt key.
const MAX_RECEIPT_KEY_ID: usize = 64;
/// How every receipt key begins.
const RECEIPT_KEY_START: &str = "-----BEGIN PUBLIC KEY-----";

/// Why a document is not a release manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The bytes are not one JSON document within the limits.
    #[error("the release manifest cannot be read as JSON")]
    NotJson {
        /// Where the parser stopped.
        source: serde_json::Error,
    },
    /// A value is missing or is not what it must be.
    #[error("the release manifest is not usable: {path} {problem}")]
    Field {
        /// Where in the document, such as `$.config.digest`.
        path: String,
        /// What is wrong there.
        problem: String,
    },
}

/// A release as its publisher described it: structure checked, contents not yet.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseManifest {
    /// Version of the release.
    pub version: String,
    /// The channel it was published for; information only, it may differ from the one that was followed.
    pub declared_channel: Option<String>,
    /// Which set of profile values it is made for.
    pub values_profile: String,
    /// Image tags by component, as published.
    pub images: Map<String, Value>,
    /// The control plane's image, as published.
    pub control_plane: Option<String>,
    /// The support agent's image.
    pub support_agent: Option<ImageRef>,
    /// Public keys that support receipts are checked with, by key id.
    pub support_receipt_keys: BTreeMap<String, String>,
    /// The Flux bundle.
    pub config: Config,
    /// Chart versions; information only, the bundle pins its charts itself.
    pub charts: Map<String, Value>,
    /// Values files by name, as published.
    pub profile_values: Map<String, Value>,
    /// `tenantBootstrap.passwordFormat`: how the bootstrap Job takes the first password; absent means clear.
    pub password_format: Option<String>,
}

/// Where the Flux bundle of a release is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Registry and repository, as published.
    pub repository: String,
    /// Its tag, information only.
    pub tag: String,
    /// Its digest, as published.
    pub digest: String,
}

impl ReleaseManifest {
    /// Reads a published manifest.
    ///
    /// ```
    /// use appliance_common::release::manifest::ReleaseManifest;
    /// let json = br#"{"version":"1.0","images":{"algaCore":"a"},"config":{"repository":"r","digest":"d"}}"#;
    /// assert_eq!(ReleaseManifest::from_json(json).unwrap().values_profile, "single-node");
    /// ```
    ///
    /// # Errors
    /// [`ManifestError`], naming the path in the document.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ManifestError> {
        let document = strict_json::parse(bytes).map_err(|source| ManifestError::NotJson { source })?;
        let Value::Object(root) = document else {
            return Err(fields::bad("$", "is not an object"));
        };
        check_schema(root.get("schema"))?;
        let version = version(root.get("version"))?;
        Ok(Self {
            declared_channel: fields::stated(root.get("channel")),
            values_profile: fields::text("$.valuesProfile", root.get("valuesProfile"))?
                .unwrap_or_else(|| DEFAULT_PROFILE.to_owned()),
            images: images(root.get("images"))?,
            control_plane: fields::stated(root.get("controlPlane")),
            support_agent: support_agent(root.get("supportAgent"))?,
            support_receipt_keys: receipt_keys(root.get("supportReceiptKeys"))?,
            config: config(root.get("config"), &version)?,
            charts: fields::object_or_empty(root.get("charts")),
            profile_values: fields::object_or_empty(root.get("profileValues")),
            password_format: password_format(root.get("tenantBootstrap"))?,
            version,
        })
    }
}

fn check_schema(value: Option<&Value>) -> Result<(), ManifestError> {
    match value {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(id)) if id.is_empty() || id == SCHEMA => Ok(()),
        Some(other) => Err(fields::bad(
            "$.schema",
            format!("is {}, this appliance reads {SCHEMA}", fields::shown(other)),
        )),
    }
}

fn version(value: Option<&Value>) -> Result<String, ManifestError> {
    match value {
        Some(Value::Number(number)) => Ok(number.to_string()),
        other => fields::required("$.version", other),
    }
}

fn images(value: Option<&Value>) -> Result<Map<String, Value>, ManifestError> {
    let images = fields::object("$.images", value)?;
    match images.get("algaCore") {
        None | Some(Value::Null) => Err(fields::bad("$.images.algaCore", "is missing")),
        Some(Value::String(tag)) if tag.trim().is_empty() => {
            Err(fields::bad("$.images.algaCore", "is blank"))
        }
        Some(_) => Ok(images.clone()),
    }
}

fn support_agent(value: Option<&Value>) -> Result<Option<ImageRef>, ManifestError> {
    const PATH: &str = "$.supportAgent";
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Value::String(text)) => text,
        Some(other) => {
            return Err(fields::bad(
                PATH,
                format!("is {}, not a string", fields::shown(other)),
            ));
        }
    };
    text.strip_prefix(SUPPORT_AGENT_REPOSITORY)
        .and_then(|rest| rest.strip_prefix('@'))
        .and_then(|digest| digest.parse::<Digest>().ok())
        .and_then(|_| text.parse().ok())
        .map(Some)
        .ok_or_else(|| {
            fields::bad(
                PATH,
                format!("is not {SUPPORT_AGENT_REPOSITORY}@ and a sha256 digest"),
            )
        })
}

fn receipt_keys(value: Option<&Value>) -> Result<BTreeMap<String, String>, ManifestError> {
    const PATH: &str = "$.supportReceiptKeys";
    let entries = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        other => fields::object(PATH, other)?,
    };
    if entries.is_empty() || entries.len() > MAX_RECEIPT_KEYS {
        return Err(fields::bad(
            PATH,
            format!("has {} entries, not one or two", entries.len()),
        ));
    }
    entries
        .iter()
        .map(|(id, key)| match key {
            _ if !is_key_id(id) => Err(fields::bad(
                PATH,
                "has a key id that is not 1 to 64 of A-Z a-z 0-9 _ . -",
            )),
            Value::String(pem) if is_receipt_key(pem) => Ok((id.clone(), pem.clone())),
            _ => Err(fields::bad(
                format!("{PATH}.{id}"),
                format!("is not a PEM public key of at most {MAX_RECEIPT_KEY} characters"),
            )),
        })
        .collect()
}

fn is_key_id(id: &str) -> bool {
    (1..=MAX_RECEIPT_KEY_ID).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_receipt_key(pem: &str) -> bool {
    pem.starts_with(RECEIPT_KEY_START) && pem.chars().count() <= MAX_RECEIPT_KEY
}

fn config(value: Option<&Value>, version: &str) -> Result<Config, ManifestError> {
    let config = fields::object("$.config", value)?;
    let tag = match fields::text("$.config.tag", config.get("tag"))? {
        None => fields::text("$.config.version", config.get("version"))?,
        tag => tag,
    };
    Ok(Config {
        repository: fields::required("$.config.repository", config.get("repository"))?,
        tag: tag.unwrap_or_else(|| version.to_owned()),
        digest: fields::required("$.config.digest", config.get("digest"))?,
    })
}

fn password_format(value: Option<&Value>) -> Result<Option<String>, ManifestError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        other => {
            let bootstrap = fields::object("$.tenantBootstrap", other)?;
            fields::text(
                "$.tenantBootstrap.passwordFormat",
                bootstrap.get("passwordFormat"),
            )
        }
    }
}

#[cfg(test)]
mod tests;
