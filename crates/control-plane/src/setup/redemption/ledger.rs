//! `redemption.json`: what became of each code, durable before anything relies on it.
//!
//! What a person may see (who we are to the service, how far it came) is in clear; hashes, tokens and
//! credentials are sealed with the key in the cluster, and the seal covers the clear part too.

mod document;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use appliance_common::process::chain;
use appliance_common::state_file::{StateFile, StateFileError};
use serde_json::Value;

use super::book::{Book, Entry, SetAside};
use crate::setup::seal::{SealError, SealKey};
use document::Document;

/// Why the ledger is not to be had. Damage is none of these: a damaged one is set aside.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    /// It is there and cannot be read.
    #[error("reading the record of your install code")]
    Read(#[source] StateFileError),
    /// It could not be written; what was to be recorded did not happen.
    #[error("writing the record of your install code")]
    Write(#[source] StateFileError),
    /// It could not be sealed.
    #[error("sealing the record of your install code")]
    Seal(#[source] SealError),
    /// The process is ending.
    #[error("the process is ending")]
    Ending,
}

/// The open ledger.
#[derive(Debug)]
pub(super) struct Ledger {
    file: StateFile<Document>,
    key: SealKey,
    pub(super) book: Book,
}

impl Ledger {
    /// Reads the ledger. A damaged one is kept beside it under the name `….damaged`, and the new one says
    /// under which submission (`now`: id and time) that was found.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub(super) async fn open(
        path: PathBuf,
        key: SealKey,
        now: (String, String),
    ) -> Result<Self, LedgerError> {
        let file = StateFile::at(path);
        let (book, damage) = {
            let (file, key) = (file.clone(), key.clone());
            blocking(move || load(&file, &key)).await?
        };
        let mut ledger = Self { file, key, book };
        if let Some(cause) = damage {
            tracing::error!(
                cause,
                "the record of the install code is damaged and was set aside"
            );
            let path = ledger.file.path().to_owned();
            blocking(move || keep_damaged(&path)).await?;
            let (submission, at) = now;
            ledger.book.set_aside = Some(SetAside {
                submission,
                cause,
                at,
            });
            ledger.store().await?;
        }
        Ok(ledger)
    }

    /// Records what became of a code; returns when it is on the disk.
    ///
    /// # Errors
    /// [`LedgerError`]; the ledger is then as it was.
    pub(super) async fn record(&mut self, appliance_id: &str, entry: Entry) -> Result<(), LedgerError> {
        let before = self.book.clone();
        self.book.appliance_id = Some(appliance_id.to_owned());
        self.book.note(entry);
        let stored = self.store().await;
        if stored.is_err() {
            self.book = before;
        }
        // Whoever waits for this record sees it before the next action starts.
        tokio::task::yield_now().await;
        stored
    }

    async fn store(&self) -> Result<(), LedgerError> {
        let document = Document::close(&self.book, &self.key).map_err(LedgerError::Seal)?;
        let file = self.file.clone();
        blocking(move || file.store(&document).map_err(LedgerError::Write)).await
    }
}

/// A sync can take seconds on a bad disk; the server's threads must not wait for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, LedgerError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| LedgerError::Ending)?
}

/// What the file tells, and what is wrong with it. A damaged one still may say who we are.
fn load(file: &StateFile<Document>, key: &SealKey) -> Result<(Book, Option<String>), LedgerError> {
    let opened = match file.load() {
        Ok(None) => return Ok((Book::default(), None)),
        Ok(Some(document)) => document.open(key).map_err(|error| chain(&error)),
        Err(error @ StateFileError::Unreadable { .. }) => return Err(LedgerError::Read(error)),
        Err(error) => Err(chain(&error)),
    };
    Ok(match opened {
        Ok(book) => (book, None),
        Err(cause) => {
            let rest = StateFile::<Value>::at(file.path()).load().ok().flatten();
            let appliance_id = rest.and_then(|rest| rest["applianceId"].as_str().map(str::to_owned));
            let book = Book {
                appliance_id,
                ..Book::default()
            };
            (book, Some(cause))
        }
    })
}

/// A second name for the damaged file, so that replacing it loses nothing.
fn keep_damaged(path: &Path) -> Result<(), LedgerError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".damaged");
    let beside = PathBuf::from(name);
    let linked =
        appliance_common::state_file::remove(&beside).and_then(|()| std::fs::hard_link(path, &beside));
    linked.map_err(|source| LedgerError::Write(StateFileError::Unwritable { path: beside, source }))
}
