//! A state volume that fills up or turns read-only. Both need a mount, which needs root.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use nix::sys::statvfs::statvfs;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

/// What can happen to a state volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskFault {
    /// Nothing fits any more.
    Full,
    /// Nothing can be written, as after an error of the file system.
    ReadOnly,
}

/// Both of them.
pub const ALL: [DiskFault; 2] = [DiskFault::Full, DiskFault::ReadOnly];

/// Size of a volume that is well: what the checks of a box ask for. It takes memory only as it is used.
const ROOMY: &str = "8g";

/// Smallest size; for a temporary file system 0 means no limit.
const PAGE: u64 = 4096;

/// The state volume of one box; it goes with its handle.
#[derive(Debug)]
pub struct StateVolume {
    mounts: Vec<PathBuf>,
    is_read_only: bool,
    is_full: bool,
    dir: TempDir,
}

impl StateVolume {
    /// A directory on the disk of this machine.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn plain() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("alga-volume-").tempdir();
        Ok(Self {
            mounts: Vec::new(),
            is_read_only: false,
            is_full: false,
            dir: dir.context("making a state volume")?,
        })
    }

    /// A file system of its own, which can fill up and turn read-only.
    ///
    /// # Errors
    /// Mounting needs root.
    pub fn small() -> Result<Self> {
        let mut volume = Self::plain()?;
        let options = format!("size={ROOMY},mode=0750");
        let arguments = ["-t", "tmpfs", "-o", &options, "alga-test"];
        system("mount", arguments.map(OsStr::new), volume.path())?;
        volume.mounts.push(volume.path().to_owned());
        Ok(volume)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Makes `fault` happen.
    ///
    /// # Errors
    /// It cannot be done, for example on a [`StateVolume::plain`].
    pub fn disturb(&mut self, fault: DiskFault) -> Result<()> {
        ensure!(!self.mounts.is_empty(), "this volume cannot go wrong");
        match fault {
            DiskFault::Full => self.fill(),
            DiskFault::ReadOnly => self.protect(),
        }
    }

    /// Ends what was disturbed.
    ///
    /// # Errors
    /// It cannot be undone.
    pub fn heal(&mut self) -> Result<()> {
        if std::mem::take(&mut self.is_read_only) {
            self.mounts.pop();
            unmount(self.path())?;
        }
        if std::mem::take(&mut self.is_full) {
            self.resize(ROOMY)?;
        }
        Ok(())
    }

    /// Takes away all room that is not used: a file that took it would have to be written first.
    fn fill(&mut self) -> Result<()> {
        let seen = statvfs(self.path()).context("measuring the volume")?;
        let used = (seen.blocks() - seen.blocks_free()) * seen.fragment_size();
        self.is_full = true;
        self.resize(&used.max(PAGE).to_string())
    }

    fn resize(&self, size: &str) -> Result<()> {
        let options = format!("remount,size={size}");
        system("mount", ["-o", &options].map(OsStr::new), self.path())
    }

    /// Covers the volume with a read-only view of itself: a file that is open for writing would keep the
    /// volume from being remounted, and nothing that is opened from now on can be written.
    fn protect(&mut self) -> Result<()> {
        if self.is_read_only {
            return Ok(());
        }
        let path = self.path().as_os_str().to_owned();
        system("mount", [OsStr::new("--bind"), &path], self.path())?;
        self.mounts.push(self.path().to_owned());
        self.is_read_only = true;
        system("mount", ["-o", "remount,bind,ro"].map(OsStr::new), self.path())
    }
}

impl Drop for StateVolume {
    fn drop(&mut self) {
        for mount in self.mounts.drain(..).rev() {
            // What stays mounted is in a directory of its own, and goes with the machine.
            let _ = unmount(&mount);
        }
    }
}

fn unmount(path: &Path) -> Result<()> {
    system("umount", ["-l"].map(OsStr::new), path)
}

#[expect(clippy::disallowed_methods, reason = "no child of the product")]
fn system<const N: usize>(program: &str, args: [&OsStr; N], path: &Path) -> Result<()> {
    let output = Command::new(program).args(args).arg(path).output();
    let output = output.with_context(|| format!("running {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program} {}: {}",
        path.display(),
        said.trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::{ErrorKind, Write};

    use super::*;

    #[test]
    fn a_volume_fills_up_turns_read_only_and_heals() {
        let mut volume = match StateVolume::small() {
            Ok(volume) => volume,
            Err(error) => return eprintln!("not tested: {error:#}"),
        };
        File::create(volume.path().join("used"))
            .unwrap()
            .write_all(&[1; 64])
            .unwrap();
        let write = |volume: &StateVolume| {
            let made = File::create(volume.path().join("state.json"));
            made.and_then(|mut file| file.write_all(&[1; 8192]))
                .map_err(|error| error.kind())
        };
        for (fault, expected) in [
            (DiskFault::Full, ErrorKind::StorageFull),
            (DiskFault::ReadOnly, ErrorKind::ReadOnlyFilesystem),
        ] {
            volume.disturb(fault).unwrap();
            assert_eq!(write(&volume), Err(expected));
            volume.heal().unwrap();
            assert_eq!(write(&volume), Ok(()));
            fs::remove_file(volume.path().join("state.json")).unwrap();
        }
    }
}
