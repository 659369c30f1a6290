//! `storage-reconcile.log`: what repairs did, bounded; one older file is kept.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use appliance_common::clock::{Clock, iso_millis};
use nix::fcntl::OFlag;

/// Size at which the file is set aside.
const MAX_BYTES: u64 = 256 * 1024;

/// The log at one path.
#[derive(Debug)]
pub(super) struct RepairLog {
    path: PathBuf,
    clock: Clock,
}

impl RepairLog {
    pub(super) fn at(path: PathBuf, clock: Clock) -> Self {
        Self { path, clock }
    }

    /// Writes one line; what cannot be written stops no repair.
    pub(super) fn say(&self, text: &str) {
        tracing::info!(text, "storage repair");
        if let Err(error) = self.append(text) {
            tracing::warn!(%error, path = %self.path.display(), "the storage log cannot be written");
        }
    }

    fn append(&self, text: &str) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|meta| meta.len() >= MAX_BYTES) {
            fs::rename(&self.path, self.path.with_extension("log.1"))?;
        }
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o640)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(&self.path)?;
        let line = text.replace(['\n', '\r'], " ");
        file.write_all(format!("{} {line}\n", iso_millis(self.clock.now())).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_keeps_one_older_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("storage-reconcile.log");
        let log = RepairLog::at(path.clone(), Clock::system());
        let line = "x".repeat(64 * 1024);
        for _ in 0..20 {
            log.say(&line);
        }
        let names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .collect();
        assert_eq!(names.len(), 2, "{names:?}");
        let longest = MAX_BYTES + line.len() as u64 + 64;
        assert!(
            names
                .iter()
                .all(|entry| entry.metadata().unwrap().len() <= longest)
        );
        log.say("two\nlines");
        assert!(
            fs::read_to_string(&path)
                .unwrap()
                .trim_end()
                .ends_with("two lines")
        );
    }
}
