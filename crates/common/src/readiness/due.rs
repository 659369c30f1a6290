//! Deadlines that have passed, and the next one that has not.

use std::time::Duration;

use jiff::Timestamp;

/// Collects when a judgement must be made again although nothing new is observed.
#[derive(Debug)]
pub(super) struct Due {
    at: Timestamp,
    next: Option<Timestamp>,
}

impl Due {
    pub(super) fn new(at: Timestamp) -> Self {
        Self { at, next: None }
    }

    /// Whether `limit` after `from` is over; without a `from` it is never.
    pub(super) fn is_over(&mut self, from: Option<Timestamp>, limit: Duration) -> bool {
        // A deadline beyond the end of time never comes.
        let Some(deadline) = from.and_then(|from| from.checked_add(limit).ok()) else {
            return false;
        };
        if deadline <= self.at {
            return true;
        }
        self.next = Some(self.next.map_or(deadline, |next| next.min(deadline)));
        false
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.next
    }
}
