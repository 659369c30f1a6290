//! Who failed how often, and how long they wait for it (30 §5.1). A value: the gate keeps, stores and
//! times it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Addresses remembered; beyond that the one that failed longest ago is forgotten.
const MAX_ENTRIES: usize = 10_000;
/// A failure this old no longer counts.
const DECAY: SignedDuration = SignedDuration::from_hours(24);

/// When and for how long an address is locked out.
#[derive(Debug, Clone)]
pub(crate) struct LockoutPolicy {
    pub(crate) max_failures: u32,
    pub(crate) base: Duration,
    pub(crate) max: Duration,
}

impl LockoutPolicy {
    /// The lock that follows the `failures`-th failure in a row.
    fn lock(&self, failures: u32) -> Option<Duration> {
        let beyond = failures.checked_sub(self.max_failures)?;
        Some(self.base.saturating_mul(1 << beyond.min(20)).min(self.max))
    }
}

/// What is remembered of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    failures: u32,
    last_failure_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    locked_until: Option<Timestamp>,
}

/// The failures under one credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lockouts {
    /// The credential that the failures were made against.
    generation: String,
    entries: BTreeMap<IpAddr, Entry>,
}

impl Lockouts {
    /// Forgets everything when the credential changed: who locked himself out of the old one must be
    /// let in with the new.
    pub(crate) fn adopt(&mut self, generation: &str) {
        if self.generation != generation {
            generation.clone_into(&mut self.generation);
            self.entries.clear();
        }
    }

    /// How long `peer` has still to wait.
    pub(crate) fn locked_for(
        &mut self,
        peer: IpAddr,
        now: Timestamp,
        policy: &LockoutPolicy,
    ) -> Option<Duration> {
        let until = self.entries.get_mut(&peer)?.locked_until.as_mut()?;
        // A clock that was set back must not make a lock longer than any lock is: it begins now.
        if let Ok(longest) = now.checked_add(policy.max) {
            *until = longest.min(*until);
        }
        let left = Duration::try_from(until.duration_since(now)).ok()?;
        (!left.is_zero()).then_some(left)
    }

    /// Counts a failure. Returns what was remembered before, for [`Self::restore`].
    pub(crate) fn fail(&mut self, peer: IpAddr, now: Timestamp, policy: &LockoutPolicy) -> Option<Entry> {
        let before = self.entries.get(&peer).copied();
        let recent = before.filter(|entry| now.duration_since(entry.last_failure_at) < DECAY);
        let failures = recent.map_or(0, |entry| entry.failures).saturating_add(1);
        let locked_until = policy.lock(failures).and_then(|lock| now.checked_add(lock).ok());
        self.make_room(peer);
        self.entries.insert(
            peer,
            Entry {
                failures,
                last_failure_at: now,
                locked_until,
            },
        );
        before
    }

    /// Takes a failure back.
    pub(crate) fn restore(&mut self, peer: IpAddr, before: Option<Entry>) {
        match before {
            Some(entry) => self.entries.insert(peer, entry),
            None => self.entries.remove(&peer),
        };
    }

    fn make_room(&mut self, peer: IpAddr) {
        if self.entries.len() < MAX_ENTRIES || self.entries.contains_key(&peer) {
            return;
        }
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.last_failure_at);
        if let Some(oldest) = oldest.map(|(peer, _)| *peer) {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
