//! The key that signs session cookies (30 §4): made once, by the first who signs in.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use appliance_common::secret::Secret;
use appliance_common::state_file;
use ring::hmac;
use zeroize::Zeroizing;

use crate::watched::Watched;
use appliance_common::random;

const FILE_MODE: u32 = 0o600;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("writing {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("the session secret at {} cannot be read", path.display())]
    Read { path: PathBuf },
}

/// The file that holds the key, and the key while the file stays as it is.
#[derive(Debug)]
pub(crate) struct SecretFile {
    path: PathBuf,
    watched: Watched<Option<hmac::Key>>,
}

impl SecretFile {
    pub(crate) fn at(path: PathBuf) -> Self {
        let read = path.clone();
        Self {
            path,
            watched: Watched::new(read.clone(), move || load(&read)),
        }
    }

    /// The key; without one no cookie is valid.
    pub(crate) fn key(&self) -> Arc<Option<hmac::Key>> {
        self.watched.get()
    }

    /// The key, made if there is none. The caller holds the sessions' mutex.
    pub(crate) fn key_or_new(&self) -> Result<hmac::Key, SecretError> {
        if let Some(key) = &*self.key() {
            return Ok(key.clone());
        }
        self.rotate()?;
        Option::clone(&self.key()).ok_or_else(|| SecretError::Read {
            path: self.path.clone(),
        })
    }

    /// Replaces the key, which ends every session.
    pub(crate) fn rotate(&self) -> Result<(), SecretError> {
        let bytes = Zeroizing::new(random::bytes::<32>());
        let text = Zeroizing::new(format!("{}\n", Zeroizing::new(hex::encode(*bytes)).as_str()));
        state_file::replace(&self.path, text.as_bytes(), FILE_MODE).map_err(|source| SecretError::Write {
            path: self.path.clone(),
            source,
        })
    }
}

/// The key is the trimmed text itself, not what its hex digits stand for.
fn load(path: &Path) -> Option<hmac::Key> {
    match std::fs::read_to_string(path).map(Secret::new) {
        Ok(text) if text.expose().trim().is_empty() => None,
        Ok(text) => Some(hmac::Key::new(hmac::HMAC_SHA256, text.expose().trim().as_bytes())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "the session secret cannot be read: everybody is signed out");
            None
        }
    }
}
