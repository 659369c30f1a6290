//! The form of `redemption.json`: a clear part, and a sealed one that is bound to it.

use appliance_common::secret::Secret;
use serde::{Deserialize, Serialize};

use crate::setup::redemption::answer::{InstallEdition, Redemption};
use crate::setup::redemption::book::{Book, Entry, SetAside, State};
use crate::setup::redemption::code::CodeHash;
use crate::setup::seal::{SealError, SealKey};

/// Version of the document's shape.
const SCHEMA_VERSION: u32 = 1;

/// The file. Its clear part is what the seal is bound to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Document {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) sealed: String,
}

/// What anybody who reads the state volume may know.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
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
pub(super) enum OpenError {
    #[error("it is of version {0}, which this program does not know")]
    Version(u32),
    #[error("what is sealed in it is not to be had")]
    Seal(#[source] SealError),
    #[error("what was sealed in it is not what this program writes")]
    Content(#[source] serde_json::Error),
}

impl Document {
    pub(super) fn close(book: &Book, key: &SealKey) -> Result<Self, SealError> {
        let head = Head::of(book);
        let entries: Vec<SealedEntry> = book.entries.iter().map(SealedEntry::from).collect();
        let plain = serde_json::to_vec(&entries).map_err(|_| SealError::CannotSeal)?;
        let sealed = key.seal_bytes(&head.bound()?, plain)?;
        Ok(Self { head, sealed })
    }

    pub(super) fn open(self, key: &SealKey) -> Result<Book, OpenError> {
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

    pub(super) fn bound(&self) -> Result<String, SealError> {
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
