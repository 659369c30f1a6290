//! `release-selection.json`: the release this box follows, and whether it is installed (10 §5.2).

use std::path::{Path, PathBuf};

use appliance_common::clock::iso_millis;
use appliance_common::state_file::{StateFile, StateFileError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The form this program writes.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The document. Reading is lenient, since updates and boots of older products wrote it too; unknown keys
/// are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReleaseSelection {
    /// The form of the document; the shipped product had no number for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_version: Option<u32>,
    /// When it was written last.
    pub updated_at: String,
    /// Channel that is followed. See [`ReleaseSelection::channel`].
    pub selected_channel: String,
    /// Version of the release.
    pub selected_release_version: String,
    /// Registry its manifest came from.
    pub registry_host: String,
    /// Repository its manifest came from.
    pub repository: String,
    /// Digest of its manifest.
    pub manifest_digest: Option<String>,
    /// Digest of its Flux bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_digest: Option<String>,
    /// Image of its support agent.
    pub support_agent: Option<String>,
    /// The pin: when it is set, boots and updates keep to it instead of the channel's head.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_ref: Option<String>,
    /// What was installed before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousRelease>,
    /// When its Flux source was applied; absent until an installation got that far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_at: Option<String>,
    /// What updates render values from; a record without it cannot be updated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
}

/// A release that was installed before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PreviousRelease {
    /// Its version.
    pub selected_release_version: String,
    /// Digest of its manifest.
    pub manifest_digest: Option<String>,
    /// Channel that was followed.
    pub selected_channel: String,
}

/// The answers that outlive the setup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Runtime {
    /// The application's address in canonical form; empty keeps the profile's own.
    pub app_hostname: String,
    /// `system` or `custom`.
    pub dns_mode: String,
    /// The list as typed.
    pub dns_servers: String,
    /// Since when a change of these is not yet in the cluster; absent when it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_since: Option<String>,
    #[serde(flatten)]
    pub(crate) unknown: Map<String, Value>,
}

impl ReleaseSelection {
    /// The same selection, its Flux source now applied. The first time counts.
    #[must_use]
    pub fn installed(mut self, now: Timestamp) -> Self {
        let now = iso_millis(now);
        self.installed_at.get_or_insert_with(|| now.clone());
        self.updated_at = now;
        self
    }

    /// The channel that is followed; old files call it `channel`.
    #[must_use]
    pub fn channel(&self) -> &str {
        let old = || {
            self.unknown
                .get("channel")
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        Some(self.selected_channel.as_str())
            .filter(|channel| !channel.is_empty())
            .unwrap_or_else(old)
    }
}

/// The file, and its `.bak` beside it.
#[derive(Debug, Clone)]
pub struct SelectionFile {
    file: StateFile<ReleaseSelection>,
    backup: StateFile<ReleaseSelection>,
}

impl SelectionFile {
    /// The file at `path`; touches nothing.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        let mut backup = path.as_os_str().to_owned();
        backup.push(".bak");
        Self {
            file: StateFile::at(path),
            backup: StateFile::at(PathBuf::from(backup)),
        }
    }

    /// Reads it; `None` when it does not exist.
    ///
    /// # Errors
    /// See [`StateFile::load`]: a damaged file is never taken for an absent one.
    pub fn load(&self) -> Result<Option<ReleaseSelection>, StateFileError> {
        self.file.load()
    }

    /// Replaces it, after a copy of what it said went to `.bak`. A damaged file leaves the last good copy
    /// there.
    ///
    /// # Errors
    /// See [`StateFile::store`]; the file is then as it was.
    pub fn store(&self, selection: &ReleaseSelection) -> Result<(), StateFileError> {
        match self.file.load() {
            Ok(Some(previous)) => self.backup.store(&previous)?,
            Ok(None) | Err(StateFileError::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
        self.file.store(selection)
    }
}
