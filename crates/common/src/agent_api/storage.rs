//! The host's side of storage: four things that only root can look after (20 §7, W12).

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing on the host that storage needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostItem {
    /// The directory of the volumes: `/var/mnt/alga-data/local-path-provisioner`, root's, 0711.
    DataRoot,
    /// k3s's drop-in `20-alga-local-storage.yaml`, whose `disable+` has `local-storage`.
    K3sDropIn,
    /// `local-storage.yaml.skip`, which keeps k3s from deploying its own provisioner again.
    K3sSkipFile,
    /// `--disable local-storage` in a unit that names what it disables.
    K3sUnit,
}

impl HostItem {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::DataRoot, Self::K3sDropIn, Self::K3sSkipFile, Self::K3sUnit];
}

impl fmt::Display for HostItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DataRoot => "the data directory",
            Self::K3sDropIn => "k3s's drop-in",
            Self::K3sSkipFile => "k3s's skip file",
            Self::K3sUnit => "k3s's unit",
        })
    }
}

/// What the agent is to do about drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConvergeMode {
    /// Look, and write nothing.
    Look,
    /// Look, and put right what differs.
    Mend,
}

/// Body of `POST /v1/storage/converge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConvergeStorage {
    /// What to do about drift.
    pub mode: ConvergeMode,
}

/// Answer of `POST /v1/storage/converge`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StorageConverged {
    /// What differed when the agent looked.
    pub drifted: Vec<HostItem>,
    /// What it put right; empty for a look.
    pub changed: Vec<HostItem>,
}
