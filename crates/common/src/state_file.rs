//! Typed JSON documents on the state volume that survive a crash at any instruction.
//!
//! A document is written to a sibling temporary file, synced, renamed over the target, and the
//! directory is synced (10 §5.3): a reader sees the old document or the new one, never a part of
//! either. Locks are the kernel's, so the death of a holder frees them.

mod atomic;
mod lock;

use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use atomic::{remove, replace};
pub use lock::{FileLock, LockError};

/// Largest document that is read: far above any we write, far below what would hurt.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Why a document could not be read or written. The file named is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The file exists and cannot be read: wrong owner, a failing disk, a directory in its place.
    #[error("reading {}", path.display())]
    Unreadable {
        /// The document.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file was read and is not the document it should be.
    #[error("{} is damaged or not what this program writes", path.display())]
    Corrupt {
        /// The document.
        path: PathBuf,
        /// Where the parser stopped.
        source: serde_json::Error,
    },
    /// The new document could not be stored; the previous one is intact.
    #[error("writing {}", path.display())]
    Unwritable {
        /// The document.
        path: PathBuf,
        /// What the system said; `StorageFull` when the disk is full.
        source: io::Error,
    },
}

/// One JSON document at one path.
#[derive(Debug, Clone)]
pub struct StateFile<T> {
    path: PathBuf,
    document: PhantomData<fn() -> T>,
}

impl<T> StateFile<T> {
    /// The document at `path`; touches nothing.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            document: PhantomData,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the document; one that is not there is fine.
    ///
    /// # Errors
    /// [`StateFileError::Unwritable`] when the file cannot be unlinked.
    pub fn remove(&self) -> Result<(), StateFileError> {
        remove(&self.path).map_err(|source| StateFileError::Unwritable {
            path: self.path.clone(),
            source,
        })
    }
}

impl<T: DeserializeOwned> StateFile<T> {
    /// Reads the document. `None` means that no file exists, and nothing else does: an unreadable or
    /// damaged file is an error, so that it is never mistaken for a fresh box.
    ///
    /// # Errors
    /// [`StateFileError::Unreadable`] or [`StateFileError::Corrupt`].
    pub fn load(&self) -> Result<Option<T>, StateFileError> {
        let unreadable = |source| StateFileError::Unreadable {
            path: self.path.clone(),
            source,
        };
        let bytes = match atomic::read(&self.path, MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|source| StateFileError::Corrupt {
                path: self.path.clone(),
                source,
            })
    }
}

impl<T: Serialize> StateFile<T> {
    /// Replaces the document: pretty-printed, two spaces, a trailing newline, mode 0600.
    ///
    /// # Errors
    /// [`StateFileError::Unwritable`]; the previous document is then intact.
    pub fn store(&self, document: &T) -> Result<(), StateFileError> {
        let unwritable = |source| StateFileError::Unwritable {
            path: self.path.clone(),
            source,
        };
        let mut bytes = serde_json::to_vec_pretty(document).map_err(|error| unwritable(error.into()))?;
        bytes.push(b'\n');
        replace(&self.path, &bytes, 0o600).map_err(unwritable)
    }
}

#[cfg(test)]
mod tests;
