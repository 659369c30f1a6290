//! What is known of the codes that this box has tried, and what follows from it. Pure.

use appliance_common::secret::Secret;

use super::answer::{InstallEdition, Redemption};
use super::code::CodeHash;

/// Codes that are remembered at once.
pub(super) const MAX_ENTRIES: usize = 8;

/// Everything the ledger tells.
#[derive(Debug, Clone, Default)]
pub(super) struct Book {
    /// Who this box was when it last asked.
    pub(super) appliance_id: Option<String>,
    /// An earlier ledger that could not be read any more.
    pub(super) set_aside: Option<SetAside>,
    /// One for each code, the newest last.
    pub(super) entries: Vec<Entry>,
}

/// A ledger that was found damaged.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetAside {
    /// The submission under which it was found; answers that are submitted after it may try again.
    pub(super) submission: String,
    /// What was wrong with it.
    pub(super) cause: String,
    /// When it was found.
    pub(super) at: String,
}

/// What became of one code.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) code: CodeHash,
    /// The submission that tried it last.
    pub(super) submission: String,
    /// The service that was asked.
    pub(super) service: String,
    /// When that was; ISO-8601.
    pub(super) at: String,
    pub(super) state: State,
}

/// Where one code is.
#[derive(Debug, Clone)]
pub(super) enum State {
    /// It is about to be sent, or was sent; no answer is known.
    Intent {
        /// Whether the service may have taken it without our hearing of it.
        may_be_spent: bool,
    },
    /// The service took it, and its answer cannot be used.
    Unusable {
        /// Why not.
        cause: String,
        /// The beginning of what it said.
        answer: Secret<String>,
    },
    /// The service took it, and this is what it gave.
    Redeemed(Redemption),
    /// The same; the cluster holds what it gave, and licence and credential are only there.
    Settled(Redemption),
}

/// What the cluster's Secrets hold of a redemption.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// `APPLIANCE_ID`.
    pub appliance_id: Option<String>,
    /// `INITIAL_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// `INSTALL_EDITION`.
    pub edition: Option<String>,
    /// Whether licence token and credential are there.
    pub has_license: bool,
}

/// What to do about a code.
#[derive(Debug)]
pub(super) enum Next {
    /// Nothing is asked: this is what it gave.
    Use(Redemption),
    /// Ask the service.
    Ask {
        /// Whether an earlier try may have spent it unheard.
        may_be_spent: bool,
    },
    /// Only another code helps.
    Stop(Stop),
}

/// Why a code is not tried (again).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The service took it, and its answer cannot be used.
    Unusable(String),
    /// The ledger was damaged, so whether the code was used is not known.
    RecordLost(String),
    /// It was redeemed here, and the licence it gave is not in the cluster any more.
    LicenseGone,
}

impl Book {
    /// What to do about `code` for these answers.
    pub(super) fn next(&self, code: &CodeHash, submission: &str, held: &Held) -> Next {
        let Some(entry) = self.entries.iter().find(|entry| entry.code == *code) else {
            return self.next_for_unknown(submission);
        };
        match &entry.state {
            State::Intent { may_be_spent } => Next::Ask {
                may_be_spent: *may_be_spent,
            },
            State::Unusable { cause, .. } if entry.submission == submission => {
                Next::Stop(Stop::Unusable(cause.clone()))
            }
            State::Unusable { .. } => Next::Ask { may_be_spent: true },
            State::Redeemed(redemption) => Next::Use(redemption.clone()),
            State::Settled(redemption) if held.has_license || is_free(redemption) => {
                Next::Use(redemption.clone())
            }
            State::Settled(_) => Next::Stop(Stop::LicenseGone),
        }
    }

    fn next_for_unknown(&self, submission: &str) -> Next {
        match &self.set_aside {
            Some(lost) if lost.submission == submission => Next::Stop(Stop::RecordLost(lost.cause.clone())),
            lost => Next::Ask {
                may_be_spent: lost.is_some(),
            },
        }
    }

    /// What a code that is used up gave this very box, told by the cluster alone (20 §15, W2 e). Not when
    /// the ledger knows that another code gave it.
    pub(super) fn recovered(&self, held: &Held, appliance_id: &str) -> Option<Redemption> {
        let is_ours = held.appliance_id.as_deref() == Some(appliance_id);
        let of_another_code = |entry: &Entry| matches!(entry.state, State::Redeemed(_) | State::Settled(_));
        if !is_ours || self.entries.iter().any(of_another_code) {
            return None;
        }
        let redemption = Redemption {
            tenant_id: super::answer::canonical_uuid(held.tenant_id.as_deref()?)?,
            edition: InstallEdition::parse(held.edition.as_deref()?)?,
            company_name: None,
            contact_email: None,
            license_token: None,
            credential: None,
            check_in_url: None,
        };
        (held.has_license || is_free(&redemption)).then_some(redemption)
    }

    /// Notes what became of a code. What was bought is forgotten last.
    pub(super) fn note(&mut self, entry: Entry) {
        self.entries.retain(|known| known.code != entry.code);
        self.entries.push(entry);
        while self.entries.len() > MAX_ENTRIES {
            let rank = |entry: &Entry| match entry.state {
                State::Intent { .. } | State::Unusable { .. } => 0,
                State::Settled(_) => 1,
                State::Redeemed(_) => 2,
            };
            let older = self.entries.iter().take(MAX_ENTRIES).enumerate();
            let Some((least, _)) = older.min_by_key(|(_, entry)| rank(entry)) else {
                return;
            };
            self.entries.remove(least);
        }
    }
}

fn is_free(redemption: &Redemption) -> bool {
    redemption.edition == InstallEdition::Essentials
}

#[cfg(test)]
mod tests;
