//! `control-plane-upgrade.json`: how the last look at the channel's image ended, for whoever asked (10 §9.5).

use std::io;
use std::path::{Path, PathBuf};

use appliance_common::host::{ControlPlaneUpgrade, ImageOutcome, UpgradeStatus};
use jiff::Timestamp;

use crate::owned::{self, Place};

/// Group-readable: the pod shows it.
const MODE: u32 = 0o640;

/// The document's place, and what is known so far.
#[derive(Debug)]
pub(super) struct Report {
    path: PathBuf,
    upgrade: ControlPlaneUpgrade,
}

impl Report {
    pub(super) fn begin(path: &Path, now: Timestamp) -> Self {
        let report = Self {
            path: path.to_owned(),
            upgrade: ControlPlaneUpgrade::begun(now),
        };
        report.write();
        report
    }

    /// What goes on now.
    pub(super) fn say(&mut self, now: Timestamp, message: &str) {
        self.upgrade.message = Some(message.to_owned());
        self.upgrade.updated_at = now;
        self.write();
    }

    pub(super) fn images(&mut self, from: &str, resolved: Option<&str>) {
        self.upgrade.from_image = Some(from.to_owned());
        self.upgrade.resolved_image = resolved.map(str::to_owned);
    }

    pub(super) fn end(&mut self, now: Timestamp, outcome: ImageOutcome, to: &str, message: &str) {
        self.upgrade.status = match outcome {
            ImageOutcome::Complete => UpgradeStatus::Complete,
            ImageOutcome::Unchanged => UpgradeStatus::Unchanged,
            ImageOutcome::Held => UpgradeStatus::Held,
            ImageOutcome::Blocked => UpgradeStatus::Blocked,
        };
        self.upgrade.to_image = Some(to.to_owned());
        self.upgrade.finished_at = Some(now);
        self.say(now, message);
    }

    /// One that cannot be written stops nothing; the journal has the same.
    fn write(&self) {
        let written = serde_json::to_vec(&self.upgrade)
            .map_err(io::Error::from)
            .map(|mut bytes| {
                bytes.push(b'\n');
                bytes
            })
            .and_then(|bytes| owned::write(&self.path, &bytes, MODE, Place::Any));
        if let Err(error) = written {
            tracing::warn!(%error, path = %self.path.display(), "how the upgrade goes cannot be told");
        }
    }
}
