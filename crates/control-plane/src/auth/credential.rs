//! The management password's hash on disk (30 §3). A file that exists and cannot be used is its own
//! state: it must never read as "no password yet", or the old token would set a new one.

use std::path::PathBuf;
use std::sync::Arc;

use appliance_common::password::{Cost, PasswordDocument, StoredPassword};
use appliance_common::process::chain;
use appliance_common::secret::Secret;
use appliance_common::state_file::{StateFile, StateFileError};
use jiff::Timestamp;

use super::hashing::{Hasher, HashingError};
use crate::watched::Watched;
use appliance_common::random;

const SALT_BYTES: usize = 16;

/// Whether `password` is the one.
pub(crate) async fn verify(
    stored: &StoredPassword,
    hasher: &Hasher,
    password: Secret<String>,
) -> Result<bool, HashingError> {
    let key = hasher
        .derive(password, stored.salt().to_vec(), stored.cost())
        .await?;
    Ok(stored.is(&key))
}

/// What the file says.
#[derive(Debug)]
pub(crate) enum Credential {
    /// There is no file: the setup token may set a password.
    Unset,
    /// A password is set.
    Configured(StoredPassword),
    /// There is a file and it cannot be used: nothing is accepted until root resets it.
    Unreadable,
}

/// Why a password was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error(transparent)]
    Hashing(HashingError),
    #[error(transparent)]
    File(StateFileError),
}

/// The file that holds the hash.
#[derive(Debug)]
pub(crate) struct CredentialFile {
    file: StateFile<PasswordDocument>,
    watched: Watched<Credential>,
}

impl CredentialFile {
    pub(crate) fn at(path: PathBuf) -> Self {
        let file = StateFile::at(path.clone());
        let read = file.clone();
        Self {
            file,
            watched: Watched::new(path, move || load(&read)),
        }
    }

    /// The credential as it is now.
    pub(crate) fn current(&self) -> Arc<Credential> {
        self.watched.get()
    }

    /// Replaces the credential by the hash of `password`. The caller holds the credential's mutex.
    pub(crate) async fn store(
        &self,
        hasher: &Hasher,
        password: Secret<String>,
        now: Timestamp,
    ) -> Result<StoredPassword, StoreError> {
        let salt = random::bytes::<SALT_BYTES>().to_vec();
        let cost = Cost::CURRENT;
        let hash = hasher
            .derive(password, salt.clone(), cost)
            .await
            .map_err(StoreError::Hashing)?;
        let document = PasswordDocument::new(cost, &salt, &hash, now);
        self.file.store(&document).map_err(StoreError::File)?;
        StoredPassword::from_document(&document).ok_or(StoreError::Hashing(HashingError::Failed))
    }
}

fn load(file: &StateFile<PasswordDocument>) -> Credential {
    let problem = match file.load() {
        Ok(None) => return Credential::Unset,
        Ok(Some(document)) => match StoredPassword::from_document(&document) {
            Some(stored) => return Credential::Configured(stored),
            None => "its algorithm, cost or hash is not one this program uses".to_owned(),
        },
        Err(error) => chain(&error),
    };
    tracing::error!(
        problem,
        path = %file.path().display(),
        "the management password is unusable: run alga-appliance-reset-admin on the host"
    );
    Credential::Unreadable
}

#[cfg(test)]
mod tests;
