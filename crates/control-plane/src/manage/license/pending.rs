//! `license-pending.json`: that the application was asked to change its licence, written before it is asked,
//! and what it gave for a code, sealed, until the recovery seed has it.
//!
//! A code works once and its gifts are told once, so a kill between the application's answer and the seed
//! must not lose them. A question whose answer nobody heard is settled by what the application says later.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use appliance_common::secret::Secret;
use appliance_common::state_file::{StateFile, StateFileError};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::seed::SeedChange;
use crate::seal::{SealError, SealKey};

const SCHEMA_VERSION: u32 = 1;

/// The document.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pending {
    schema_version: u32,
    /// When the application was asked; ISO-8601.
    at: String,
    /// What it gave; absent while no answer is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

/// What a code gave.
#[derive(Debug)]
pub(super) struct Given {
    code: CodeHash,
    pub(super) change: SeedChange,
}

/// SHA-256 of a code, in hex; only ever inside the seal, because codes are short enough to be guessed from it.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct CodeHash(String);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inside {
    code_hash: CodeHash,
    values: BTreeMap<String, String>,
}

impl CodeHash {
    fn of(code: &Secret<String>) -> Self {
        Self(hex::encode(digest(&SHA256, code.expose().as_bytes())))
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash(…)")
    }
}

impl Given {
    /// Whether this code gave it.
    pub(super) fn is_of(&self, code: &Secret<String>) -> bool {
        self.code == CodeHash::of(code)
    }
}

impl Pending {
    /// The application is about to be asked.
    pub(super) fn asked(at: String) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            at,
            sealed: None,
        }
    }

    /// It has redeemed `code`, and this is what it gave.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub(super) fn given(
        at: String,
        key: &SealKey,
        code: &Secret<String>,
        change: &SeedChange,
    ) -> Result<Self, SealError> {
        let inside = Inside {
            code_hash: CodeHash::of(code),
            values: change.revealed(),
        };
        let plain = serde_json::to_vec(&inside).map_err(|_| SealError::CannotSeal)?;
        let sealed = key.seal_bytes(&bound_to(&at), plain)?;
        Ok(Self {
            sealed: Some(sealed),
            ..Self::asked(at)
        })
    }

    /// Whether it holds what a code gave.
    pub(super) fn holds_gifts(&self) -> bool {
        self.sealed.is_some()
    }

    /// What a code gave; `None` where no answer is known.
    ///
    /// # Errors
    /// [`SealError`]; it is then as if no answer was heard.
    pub(super) fn open(&self, key: &SealKey) -> Result<Option<Given>, SealError> {
        let Some(sealed) = &self.sealed else {
            return Ok(None);
        };
        let plain = key.open_bytes(&bound_to(&self.at), sealed)?;
        let inside: Inside = serde_json::from_slice(plain.expose()).map_err(|_| SealError::UnknownForm)?;
        Ok(Some(Given {
            code: inside.code_hash,
            change: SeedChange::of_revealed(inside.values),
        }))
    }
}

fn bound_to(at: &str) -> String {
    format!("license-pending {at}")
}

/// Where the document is.
#[derive(Debug, Clone)]
pub(super) struct PendingFile(StateFile<Pending>);

impl PendingFile {
    pub(super) fn at(path: PathBuf) -> Self {
        Self(StateFile::at(path))
    }

    /// What is there. A damaged document still says that the application was asked.
    ///
    /// # Errors
    /// When it exists and cannot be read.
    pub(super) async fn load(&self) -> Result<Option<Pending>, StateFileError> {
        match self.with(StateFile::load).await {
            Err(StateFileError::Corrupt { .. }) => Ok(Some(Pending::asked(String::new()))),
            other => other,
        }
    }

    /// Returns once it is on the disk.
    ///
    /// # Errors
    /// When the disk does not take it; what was there before is then intact.
    pub(super) async fn store(&self, pending: Pending) -> Result<(), StateFileError> {
        self.with(move |file| file.store(&pending)).await
    }

    /// Nothing is pending any more.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) async fn forget(&self) -> Result<(), StateFileError> {
        self.with(StateFile::remove).await
    }

    /// A sync can take seconds on a bad disk; the server's threads must not wait for it.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&StateFile<Pending>) -> Result<T, StateFileError> + Send + 'static,
    ) -> Result<T, StateFileError> {
        let file = self.0.clone();
        let path = file.path().to_owned();
        let done = tokio::task::spawn_blocking(move || work(&file)).await;
        done.unwrap_or_else(|_| {
            let source = std::io::Error::other("the process is ending");
            Err(StateFileError::Unwritable { path, source })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    fn gifts() -> SeedChange {
        let answer =
            json!({"result": {"license_token": "canary-token", "appliance_credential": "canary-credential"}});
        SeedChange::of_answer(answer.as_object().unwrap())
    }

    #[test]
    fn what_a_code_gave_comes_back_for_the_same_code_and_is_nowhere_to_be_read() {
        let key = SealKey::generate();
        let pending = Pending::given("t".into(), &key, &secret("K7QPM2RX"), &gifts()).unwrap();
        let text = serde_json::to_string(&pending).unwrap();
        assert!(!text.contains("canary") && !text.contains("K7QPM2RX"), "{text}");
        let read: Pending = serde_json::from_str(&text).unwrap();
        let given = read.open(&key).unwrap().unwrap();
        assert!(given.is_of(&secret("K7QPM2RX")) && !given.is_of(&secret("K7QPM2RY")));
        assert_eq!(given.change.revealed(), gifts().revealed());
        assert!(!format!("{given:?} {read:?}").contains("canary"));
        assert_eq!(
            read.open(&SealKey::generate()).unwrap_err(),
            SealError::DoesNotOpen
        );
    }

    #[tokio::test]
    async fn a_damaged_note_still_says_that_the_application_was_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pending.json");
        let file = PendingFile::at(path.clone());
        assert!(file.load().await.unwrap().is_none());
        appliance_common::state_file::replace(&path, b"{\"sche", 0o600).unwrap();
        let pending = file.load().await.unwrap().unwrap();
        assert!(!pending.holds_gifts());
        file.store(Pending::asked("t".into())).await.unwrap();
        file.forget().await.unwrap();
        assert!(file.load().await.unwrap().is_none());
    }
}
