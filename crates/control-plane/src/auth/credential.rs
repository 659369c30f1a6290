//! The management password's hash on disk (30 §3). A file that exists and cannot be used is its own
//! state: it must never read as "no password yet", or the old token would set a new one.

use std::path::PathBuf;
use std::sync::Arc;

use appliance_common::clock::iso_millis;
use appliance_common::process::chain;
use appliance_common::secret::{Secret, ct_eq};
use appliance_common::state_file::{StateFile, StateFileError};
use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::hashing::{Cost, Hasher, HashingError};
use crate::watched::Watched;
use appliance_common::random;

const ALGORITHM: &str = "scrypt";
const CONFIGURED: &str = "configured";
const SALT_BYTES: usize = 16;

/// The document, as shipped images read and write it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    status: String,
    #[serde(default = "scrypt")]
    algorithm: String,
    #[serde(default)]
    params: Params,
    salt: String,
    hash: String,
    #[serde(default)]
    updated_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
    keylen: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            n: 16384,
            r: 8,
            p: 1,
            keylen: 64,
        }
    }
}

fn scrypt() -> String {
    ALGORITHM.to_owned()
}

/// A usable hash.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    cost: Cost,
    salt: Vec<u8>,
    hash: Secret<Vec<u8>>,
    generation: String,
}

impl Stored {
    fn from_document(document: &Document) -> Option<Self> {
        if document.status != CONFIGURED || document.algorithm != ALGORITHM {
            return None;
        }
        let Params { n, r, p, keylen } = document.params;
        let cost = Cost::checked(n, r, p, keylen)?;
        let salt = hex::decode(&document.salt).ok().filter(|salt| !salt.is_empty())?;
        let hash = hex::decode(&document.hash)
            .ok()
            .filter(|hash| hash.len() == cost.length)?;
        let identity = digest(&SHA256, &[salt.as_slice(), &hash].concat());
        Some(Self {
            cost,
            salt,
            generation: hex::encode(&identity.as_ref()[..8]),
            hash: Secret::new(hash),
        })
    }

    /// Changes whenever the password does; tells nothing of it.
    pub(crate) fn generation(&self) -> &str {
        &self.generation
    }

    /// Whether the hash was made with less than today's cost.
    pub(crate) fn is_outdated(&self) -> bool {
        self.cost.p < Cost::CURRENT.p
    }

    /// Whether `password` is the one.
    pub(crate) async fn verify(
        &self,
        hasher: &Hasher,
        password: Secret<String>,
    ) -> Result<bool, HashingError> {
        let key = hasher.derive(password, self.salt.clone(), self.cost).await?;
        Ok(ct_eq(&key, self.hash.expose()))
    }
}

/// What the file says.
#[derive(Debug)]
pub(crate) enum Credential {
    /// There is no file: the setup token may set a password.
    Unset,
    /// A password is set.
    Configured(Stored),
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
    file: StateFile<Document>,
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
    ) -> Result<Stored, StoreError> {
        let salt = random::bytes::<SALT_BYTES>().to_vec();
        let cost = Cost::CURRENT;
        let hash = hasher
            .derive(password, salt.clone(), cost)
            .await
            .map_err(StoreError::Hashing)?;
        let document = Document {
            status: CONFIGURED.to_owned(),
            algorithm: scrypt(),
            params: Params {
                n: 1 << cost.log_n,
                r: cost.r,
                p: cost.p,
                keylen: cost.length,
            },
            salt: hex::encode(&salt),
            hash: hex::encode(&*hash),
            updated_at: iso_millis(now),
        };
        self.file.store(&document).map_err(StoreError::File)?;
        Stored::from_document(&document).ok_or(StoreError::Hashing(HashingError::Failed))
    }
}

fn load(file: &StateFile<Document>) -> Credential {
    let problem = match file.load() {
        Ok(None) => return Credential::Unset,
        Ok(Some(document)) => match Stored::from_document(&document) {
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
