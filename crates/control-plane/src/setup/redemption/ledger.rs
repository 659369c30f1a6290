//! `redemption.json`: what became of each code, durable before anything relies on it.
//!
//! What a person may see (who we are to the service, how far it came) is in clear; hashes, tokens and
//! credentials are sealed with the key in the cluster, and the seal covers the clear part too.

use std::path::{Path, PathBuf};

use appliance_common::process::chain;
use appliance_common::secret::Secret;
use appliance_common::state_file::{StateFile, StateFileError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::{InstallEdition, Redemption};
use super::book::{Book, Entry, SetAside, State};
use super::code::CodeHash;
use crate::setup::seal::{SealError, SealKey};

/// Version of the document's shape.
const SCHEMA_VERSION: u32 = 1;

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

/// The file. Its clear part is what the seal is bound to.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Document {
    #[serde(flatten)]
    head: Head,
    sealed: String,
}

/// What anybody who reads the state volume may know.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    schema_version: u32,
    /// Of the code that was tried last: `intent`, `answered-unusable`, `redeemed`, `settled`.
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    appliance_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant_id: Option<String>,
    /// Why the answer cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set_aside: Option<SetAside>,
}

/// Why a document is not opened.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error("it is of version {0}, which this program does not know")]
    Version(u32),
    #[error("what is sealed in it is not to be had")]
    Seal(#[source] SealError),
    #[error("what was sealed in it is not what this program writes")]
    Content(#[source] serde_json::Error),
}

impl Document {
    fn close(book: &Book, key: &SealKey) -> Result<Self, SealError> {
        let head = Head::of(book);
        let entries: Vec<SealedEntry> = book.entries.iter().map(SealedEntry::from).collect();
        let plain = serde_json::to_vec(&entries).map_err(|_| SealError::CannotSeal)?;
        let sealed = key.seal_bytes(&head.bound()?, plain)?;
        Ok(Self { head, sealed })
    }

    fn open(self, key: &SealKey) -> Result<Book, OpenError> {
        if self.head.schema_version != SCHEMA_VERSION {
            return Err(OpenError::Version(self.head.schema_version));
        }
        let bound = self.head.bound().map_err(OpenError::Seal)?;
        let plain = key.open_bytes(&bound, &self.sealed).map_err(OpenError::Seal)?;
        let entries: Vec<SealedEntry> = serde_json::from_slice(plain.expose()).map_err(OpenError::Content)?;
        Ok(Book {
            appliance_id: self.head.appliance_id,
            set_aside: self.head.set_aside,
            entries: entries.into_iter().map(Entry::from).collect(),
        })
    }
}

impl Head {
    fn of(book: &Book) -> Self {
        let last = book.entries.last();
        let (state, tenant_id, cause) = match last.map(|entry| &entry.state) {
            None => ("empty", None, None),
            Some(State::Intent { .. }) => ("intent", None, None),
            Some(State::Unusable { cause, .. }) => ("answered-unusable", None, Some(cause.clone())),
            Some(State::Redeemed(redemption)) => ("redeemed", Some(redemption.tenant_id.clone()), None),
            Some(State::Settled(redemption)) => ("settled", Some(redemption.tenant_id.clone()), None),
        };
        Self {
            schema_version: SCHEMA_VERSION,
            state: state.to_owned(),
            appliance_id: book.appliance_id.clone(),
            service_url: last.map(|entry| entry.service.clone()),
            at: last.map(|entry| entry.at.clone()),
            tenant_id,
            cause,
            set_aside: book.set_aside.clone(),
        }
    }

    fn bound(&self) -> Result<String, SealError> {
        let head = serde_json::to_string(self).map_err(|_| SealError::CannotSeal)?;
        Ok(format!("redemption {head}"))
    }
}

/// An entry as it lies inside the seal: the only place where its secrets are serialised.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SealedEntry {
    code_hash: CodeHash,
    submission: String,
    service_url: String,
    at: String,
    state: SealedState,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum SealedState {
    Intent { may_be_spent: bool },
    AnsweredUnusable { cause: String, answer: String },
    Redeemed(SealedRedemption),
    Settled(SealedRedemption),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SealedRedemption {
    tenant_id: String,
    edition: InstallEdition,
    company_name: Option<String>,
    contact_email: Option<String>,
    license_token: Option<String>,
    credential: Option<String>,
    check_in_url: Option<String>,
}

impl From<&Entry> for SealedEntry {
    fn from(entry: &Entry) -> Self {
        Self {
            code_hash: entry.code.clone(),
            submission: entry.submission.clone(),
            service_url: entry.service.clone(),
            at: entry.at.clone(),
            state: match &entry.state {
                State::Intent { may_be_spent } => SealedState::Intent {
                    may_be_spent: *may_be_spent,
                },
                State::Unusable { cause, answer } => SealedState::AnsweredUnusable {
                    cause: cause.clone(),
                    answer: answer.expose().clone(),
                },
                State::Redeemed(redemption) => SealedState::Redeemed(redemption.into()),
                State::Settled(redemption) => SealedState::Settled(redemption.into()),
            },
        }
    }
}

impl From<SealedEntry> for Entry {
    fn from(sealed: SealedEntry) -> Self {
        Self {
            code: sealed.code_hash,
            submission: sealed.submission,
            service: sealed.service_url,
            at: sealed.at,
            state: match sealed.state {
                SealedState::Intent { may_be_spent } => State::Intent { may_be_spent },
                SealedState::AnsweredUnusable { cause, answer } => State::Unusable {
                    cause,
                    answer: Secret::new(answer),
                },
                SealedState::Redeemed(redemption) => State::Redeemed(redemption.into()),
                SealedState::Settled(redemption) => State::Settled(redemption.into()),
            },
        }
    }
}

impl From<&Redemption> for SealedRedemption {
    fn from(redemption: &Redemption) -> Self {
        let revealed =
            |secret: &Option<Secret<String>>| secret.as_ref().map(|secret| secret.expose().clone());
        Self {
            tenant_id: redemption.tenant_id.clone(),
            edition: redemption.edition,
            company_name: redemption.company_name.clone(),
            contact_email: redemption.contact_email.clone(),
            license_token: revealed(&redemption.license_token),
            credential: revealed(&redemption.credential),
            check_in_url: redemption.check_in_url.clone(),
        }
    }
}

impl From<SealedRedemption> for Redemption {
    fn from(sealed: SealedRedemption) -> Self {
        Self {
            tenant_id: sealed.tenant_id,
            edition: sealed.edition,
            company_name: sealed.company_name,
            contact_email: sealed.contact_email,
            license_token: sealed.license_token.map(Secret::new),
            credential: sealed.credential.map(Secret::new),
            check_in_url: sealed.check_in_url,
        }
    }
}

#[cfg(test)]
mod tests;
