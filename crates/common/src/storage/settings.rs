//! What a reconciliation is told.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::names::{HOST_AGENT_SOCKET, file};

/// The images that storage runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// The provisioner.
    pub provisioner: ImageName,
    /// The provisioner's helper pods and the test.
    pub helper: ImageName,
}

impl Default for Images {
    fn default() -> Self {
        Self {
            provisioner: ImageName("rancher/local-path-provisioner:v0.0.31".to_owned()),
            helper: ImageName("busybox:1.36".to_owned()),
        }
    }
}

/// The name of an image as containerd takes it; the registry may be left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageName(String);

/// Longest name that is accepted.
const MAX_IMAGE: usize = 512;

impl ImageName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ImageName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_known = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins && text.len() <= MAX_IMAGE && text.chars().all(is_known) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be the name of an image, such as busybox:1.36")
        }
    }
}

/// Longest times of the waits (20 §7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The provisioner's rollout, and the end of the one k3s brings along.
    pub rollout: Duration,
    /// The test's claim being bound.
    pub bound: Duration,
    /// The test's Job, once its claim is bound.
    pub job: Duration,
    /// The test's namespace, and after it its volumes, being gone.
    pub gone: Duration,
    /// The whole, from the lock on; the clean-up after a failure comes on top.
    pub overall: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let each = Duration::from_mins(5);
        Self {
            rollout: each,
            bound: each,
            job: each,
            gone: each,
            overall: Duration::from_mins(15),
        }
    }
}

/// What a reconciliation is told.
#[derive(Debug, Clone)]
pub struct StorageSettings {
    /// The kernel lock's file.
    pub lock: PathBuf,
    /// How often a lock that somebody holds is tried, [`StorageSettings::lock_pause`] apart.
    pub lock_attempts: u32,
    /// Between two tries.
    pub lock_pause: Duration,
    /// How long no second provisioner may show up before storage counts as settled.
    pub settle: Duration,
    /// What was proven before.
    pub record: PathBuf,
    /// The host agent's socket.
    pub agent: PathBuf,
    /// The images.
    pub images: Images,
    /// The waits.
    pub limits: Limits,
}

impl StorageSettings {
    /// The published defaults for a state volume.
    #[must_use]
    pub fn in_state_dir(dir: &Path) -> Self {
        Self {
            lock: dir.join(file::STORAGE_LOCK),
            lock_attempts: 150,
            lock_pause: Duration::from_secs(2),
            settle: Duration::from_secs(10),
            record: dir.join(file::STORAGE_STATE),
            agent: HOST_AGENT_SOCKET.into(),
            images: Images::default(),
            limits: Limits::default(),
        }
    }

    /// Longest time a reconciliation can take with everything that belongs to it.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let clean_up = self.limits.gone * 3;
        self.lock_pause * self.lock_attempts + self.limits.overall + clean_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_name_cannot_break_out_of_the_manifest() {
        for good in ["busybox:1.36", "ghcr.io/a/b@sha256:00", "127.0.0.1:5000/x"] {
            assert_eq!(good.parse::<ImageName>().unwrap().as_str(), good);
        }
        for bad in ["", " x", "x\ny: z", "x\"", "-x", "x y", "x#y"] {
            assert!(bad.parse::<ImageName>().is_err(), "{bad:?}");
        }
    }
}
