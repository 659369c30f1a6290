//! A signal with its reasons: what each rule answers, and how answers are put together.

use super::observed::{Reading, Trouble};
use super::verdict::{Signal, Tier, TierStatus};

/// What a rule answers. Reasons are empty exactly when it is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) signal: Signal,
    pub(super) reasons: Vec<String>,
}

impl Told {
    pub(super) fn ready() -> Self {
        Self {
            signal: Signal::Ready,
            reasons: Vec::new(),
        }
    }

    pub(super) fn not(reason: impl Into<String>) -> Self {
        Self {
            signal: Signal::NotReady,
            reasons: vec![reason.into()],
        }
    }

    pub(super) fn unknown(reason: impl Into<String>) -> Self {
        Self {
            signal: Signal::Unknown,
            reasons: vec![reason.into()],
        }
    }

    /// What `rule` answers of a reading that is current; without one nothing is known.
    pub(super) fn of<T>(what: &str, reading: &Reading<T>, rule: impl FnOnce(&T) -> Self) -> Self {
        match reading.current() {
            Ok(value) => rule(value),
            Err(trouble) => Self::unknown(not_known(what, trouble)),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.signal == Signal::Ready
    }

    /// Both: one that is not ready outweighs one that is not known, which outweighs one that is ready.
    #[must_use]
    pub(super) fn and(mut self, other: Self) -> Self {
        self.signal = match (self.signal, other.signal) {
            (Signal::NotReady, _) | (_, Signal::NotReady) => Signal::NotReady,
            (Signal::Unknown, _) | (_, Signal::Unknown) => Signal::Unknown,
            (Signal::Ready, Signal::Ready) => Signal::Ready,
        };
        for reason in other.reasons {
            if !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
        self
    }

    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::ready(), Self::and)
    }

    /// The tier of this answer; `otherwise` is its word while it is not ready.
    pub(super) fn tier(self, otherwise: TierStatus) -> Tier {
        Tier {
            ready: self.is_ready(),
            status: match self.signal {
                Signal::Ready => TierStatus::Ready,
                Signal::NotReady => otherwise,
                Signal::Unknown => TierStatus::Unknown,
            },
            signal: self.signal,
            reasons: self.reasons,
        }
    }
}

/// Why a question has no answer, for the operator.
pub(super) fn not_known(what: &str, trouble: &Trouble) -> String {
    format!("The state of {what} is not known: {}", trouble.message)
}
