//! What one query shows, and why it is not current.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What one query shows: its last good answer, and why that is not current, if it is not.
#[derive(Debug, Clone)]
pub struct Reading<T> {
    /// The last good answer; empty before the first.
    pub last: T,
    /// When it was last known to be true.
    pub at: Option<Timestamp>,
    /// Why it is not known to be true now.
    pub trouble: Option<Trouble>,
}

/// Why something is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Its kind.
    pub kind: TroubleKind,
    /// The cause, for an operator.
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// Kinds of not knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// Nothing was shown yet; the question is on its way.
    NotYet,
    /// No answer comes.
    Unreachable,
    /// We may not ask.
    Forbidden,
    /// The server does not know the kind, or not this version of it.
    NotServed,
    /// An answer came that cannot be understood.
    Unintelligible,
}

/// Objects of one kind.
#[derive(Debug, Clone)]
pub struct Objects<T> {
    /// Those that were understood.
    pub known: BTreeMap<String, T>,
    /// Those that will not decode, and why.
    pub unclear: BTreeMap<String, String>,
}

impl<T: Default> Default for Reading<T> {
    /// Nothing was shown yet.
    fn default() -> Self {
        Self {
            last: T::default(),
            at: None,
            trouble: Some(Trouble {
                kind: TroubleKind::NotYet,
                message: "not read yet".to_owned(),
                since: None,
            }),
        }
    }
}

impl<T> Default for Objects<T> {
    fn default() -> Self {
        Self {
            known: BTreeMap::new(),
            unclear: BTreeMap::new(),
        }
    }
}

impl<T> Reading<T> {
    /// An answer that is current.
    pub fn of(value: T, at: Timestamp) -> Self {
        Self {
            last: value,
            at: Some(at),
            trouble: None,
        }
    }

    /// What is known to be true now.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn current(&self) -> Result<&T, &Trouble> {
        self.trouble.as_ref().map_or(Ok(&self.last), Err)
    }
}
