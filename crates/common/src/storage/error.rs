//! Why storage is not as it should be.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::guard::Refused;
use crate::agent_api::AgentError;
use crate::cluster::ClusterError;
use crate::cluster::ManifestError;

/// Why storage is not as it should be; one variant for each thing a caller does differently.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// Somebody else reconciles storage.
    #[error("{} is still held by {holder} after {} s", path.display(), waited.as_secs())]
    LockHeld {
        /// The lock.
        path: PathBuf,
        /// Who has it, in their own words.
        holder: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The lock cannot be used.
    #[error("the storage lock {} cannot be used", path.display())]
    LockUnusable {
        /// The lock.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The host agent could not put the host's side right.
    #[error("putting the host's side of storage right")]
    Host {
        /// What the agent said.
        source: AgentError,
    },
    /// The cluster failed while nobody could tell how the host's side is.
    #[error("how the host's side of storage is could not be told ({reason})")]
    HostUnknown {
        /// Why not.
        reason: String,
        /// What failed.
        source: Box<StorageError>,
    },
    /// The API server did not do what was asked.
    #[error("{doing}")]
    Cluster {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        source: ClusterError,
    },
    /// A wait ended without its condition.
    #[error("waiting for {what}: not after {} s: {last}", limit.as_secs())]
    NotReached {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
        /// What was seen last.
        last: String,
    },
    /// k3s's own provisioner came back.
    #[error("kube-system/local-path-provisioner came back: two provisioners of one name would race")]
    BundledBack,
    /// The class of our name is of another provisioner.
    #[error("StorageClass local-path is of provisioner {provisioner}, not of the appliance")]
    ForeignClass {
        /// Whose it is.
        provisioner: String,
    },
    /// A volume must not be touched.
    #[error("cleaning up after the storage test")]
    Refused(#[source] Refused),
    /// The test's claim got no volume.
    #[error("claim storage-smoke/storage-smoke-pvc is not bound after {} s: {reason}", limit.as_secs())]
    NotBound {
        /// How long was waited.
        limit: Duration,
        /// What can be seen of it.
        reason: String,
    },
    /// The test's Job failed.
    #[error("the storage test failed: {reason}{}", log_text(log))]
    TestFailed {
        /// What the cluster says of it.
        reason: String,
        /// The end of its log.
        log: String,
    },
    /// Something does not go away.
    #[error("{what} does not go away within {} s: {why}", limit.as_secs())]
    Stuck {
        /// The object.
        what: String,
        /// How long was waited.
        limit: Duration,
        /// Its finalizers, or what else holds it.
        why: String,
    },
    /// The whole took too long.
    #[error("storage was not ready within {} s; it was {doing}", limit.as_secs())]
    TooSlow {
        /// What was going on.
        doing: String,
        /// The deadline.
        limit: Duration,
    },
    /// The manifest in this program is defective.
    #[error("the storage manifest cannot be used")]
    Defective(#[source] ManifestError),
}

fn log_text(log: &str) -> String {
    if log.is_empty() {
        String::new()
    } else {
        format!("; its log ends: {log}")
    }
}

impl StorageError {
    /// An error of the cluster while `doing` something.
    pub(super) fn while_(doing: &'static str) -> impl Fn(ClusterError) -> Self {
        move |source| Self::Cluster { doing, source }
    }

    /// Whether it can pass without anybody doing anything.
    #[must_use]
    pub fn transient(&self) -> bool {
        match self {
            Self::LockHeld { .. }
            | Self::NotReached { .. }
            | Self::NotBound { .. }
            | Self::Stuck { .. }
            | Self::TooSlow { .. } => true,
            Self::Host { source } => match source {
                AgentError::Busy { .. } | AgentError::TooSlow { .. } | AgentError::Transport { .. } => true,
                AgentError::Absent { .. }
                | AgentError::TooOld { .. }
                | AgentError::Refused { .. }
                | AgentError::Unintelligible { .. } => false,
            },
            Self::HostUnknown { source, .. } => source.transient(),
            Self::Cluster { source, .. } => source.transient(),
            Self::LockUnusable { .. }
            | Self::BundledBack
            | Self::ForeignClass { .. }
            | Self::Refused(_)
            | Self::TestFailed { .. }
            | Self::Defective(_) => false,
        }
    }

    /// Stable word for the kind of failure.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::LockHeld { .. } => "locked",
            Self::LockUnusable { .. } => "state-write",
            Self::Host { .. } => "host",
            Self::HostUnknown { source, .. } => source.category(),
            Self::Cluster { source, .. } => source.category(),
            Self::NotReached { .. } | Self::NotBound { .. } | Self::Stuck { .. } => "not-ready-in-time",
            Self::TooSlow { .. } => "timeout",
            Self::BundledBack => "bundled-provisioner",
            Self::ForeignClass { .. } => "foreign-storage-class",
            Self::Refused(_) => "foreign-volume",
            Self::TestFailed { .. } => "storage-test",
            Self::Defective(_) => "defect",
        }
    }

    /// What the operator does.
    #[must_use]
    pub fn next_step(&self) -> String {
        let text = match self {
            Self::HostUnknown { source, .. } => return source.next_step(),
            Self::Cluster { source, .. } => return source.next_step(),
            Self::LockHeld { .. } => "Wait until the other storage work has ended, then try again.",
            Self::LockUnusable { .. } => {
                "Correct owner and mode of the file named on the host, then try again."
            }
            Self::Host { .. } => {
                "Look at the host agent (`systemctl status alga-host-agent`) and free disk space, then try again."
            }
            Self::NotReached { .. } | Self::TooSlow { .. } => {
                "Check that the box can pull images and is not overloaded, then try again."
            }
            Self::BundledBack => {
                "Restart k3s (`systemctl restart k3s`) so that it takes up `--disable local-storage`, then try again."
            }
            Self::ForeignClass { .. } => {
                "Remove or rename the StorageClass `local-path` that is not the appliance's, then try again."
            }
            Self::Refused(_) => {
                "Look at the volume named: it carries the storage test's name and is not its."
            }
            Self::NotBound { .. } | Self::TestFailed { .. } => {
                "Check the disk under /var/mnt/alga-data (free space, read-only mount), then try again."
            }
            Self::Stuck { .. } => "Look at what holds the object named, remove it, then try again.",
            Self::Defective(_) => {
                "Use another control-plane image (alga-control-plane-reapply), then try again."
            }
        };
        text.to_owned()
    }
}
