//! Kernel file locks: freed by the kernel when the holder dies, whatever namespace it lived in.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// Why a lock is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody works; the text is what the holder wrote about itself, for messages only.
    #[error("{} is held by {holder}", path.display())]
    Held {
        /// The lock file.
        path: PathBuf,
        /// The holder's own words, or `another process`.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error("locking {}", path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// An exclusive lock on a regular file, held until dropped.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

/// How much of a holder's note is read.
const MAX_NOTE: u64 = 1024;

impl FileLock {
    /// Takes the lock at `path` or says who has it; never waits. `note` tells others who holds it.
    ///
    /// The file is created 0660, opened without following a symbolic link and close-on-exec.
    ///
    /// # Errors
    /// [`LockError::Held`] when another open file description holds it, [`LockError::Unusable`] else.
    pub fn try_acquire(path: &Path, note: &str) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable {
            path: path.to_owned(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o660)
            .custom_flags(OFlag::O_NOFOLLOW.bits())
            .open(path)
            .map_err(unusable)?;
        if !file.metadata().map_err(unusable)?.is_file() {
            return Err(unusable(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            )));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held {
                    path: path.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let mut lock = Self { file };
        // The note only improves messages: a full disk must not keep the lock from being taken.
        if let Err(error) = lock.write_note(note) {
            tracing::debug!(%error, path = %path.display(), "writing the holder's note");
        }
        Ok(lock)
    }

    fn write_note(&mut self, note: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(note.as_bytes())
    }
}

fn holder(file: &mut File) -> String {
    let mut note = String::new();
    let read = file.take(MAX_NOTE).read_to_string(&mut note);
    if read.is_ok() && !note.trim().is_empty() {
        note.trim().to_owned()
    } else {
        "another process".to_owned()
    }
}
