//! Who is signed in, and who has to wait before trying again. A value; the door keeps and times it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use appliance_common::random;
use appliance_common::secret::ct_eq;
use tokio::time::Instant;

/// How long a visitor stays signed in.
const STAY: Duration = Duration::from_mins(30);
/// Visitors at once; the one who came first leaves.
const MAX_VISITORS: usize = 16;
/// Failures that cost nothing.
const FREE_FAILURES: u32 = 5;
/// The wait after one more; it doubles up to [`MAX_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(30);
const MAX_WAIT: Duration = Duration::from_mins(15);
/// Addresses remembered; beyond that the one that failed longest ago is forgotten.
const MAX_ADDRESSES: usize = 1000;

/// One who is signed in.
#[derive(Debug, Clone)]
struct Visitor {
    id: String,
    until: Instant,
}

/// Failures of one address.
#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Visitors {
    visitors: Vec<Visitor>,
    failures: BTreeMap<IpAddr, Failures>,
}

impl Visitors {
    /// Lets one in; what its cookie says from now on.
    pub(super) fn enter(&mut self, peer: IpAddr, now: Instant) -> String {
        self.failures.remove(&peer);
        self.visitors.retain(|visitor| visitor.until > now);
        if self.visitors.len() >= MAX_VISITORS {
            self.visitors.remove(0);
        }
        let id = random::id();
        self.visitors.push(Visitor {
            id: id.clone(),
            until: now + STAY,
        });
        id
    }

    pub(super) fn is_in(&self, id: &str, now: Instant) -> bool {
        let known = |visitor: &Visitor| ct_eq(visitor.id.as_bytes(), id.as_bytes()) && visitor.until > now;
        self.visitors.iter().any(known)
    }

    pub(super) fn leave(&mut self, id: &str) {
        self.visitors.retain(|visitor| visitor.id != id);
    }

    /// How long an address has still to wait before it may try.
    pub(super) fn wait(&self, peer: IpAddr, now: Instant) -> Option<Duration> {
        let failures = self.failures.get(&peer)?;
        let beyond = failures.count.checked_sub(FREE_FAILURES)?;
        let wait = FIRST_WAIT.saturating_mul(1 << beyond.min(10)).min(MAX_WAIT);
        let left = (failures.last + wait).checked_duration_since(now)?;
        (!left.is_zero()).then_some(left)
    }

    pub(super) fn fail(&mut self, peer: IpAddr, now: Instant) {
        if self.failures.len() >= MAX_ADDRESSES && !self.failures.contains_key(&peer) {
            let oldest = self.failures.iter().min_by_key(|(_, failures)| failures.last);
            if let Some(address) = oldest.map(|(address, _)| *address) {
                self.failures.remove(&address);
            }
        }
        let failures = self
            .failures
            .entry(peer)
            .or_insert(Failures { count: 0, last: now });
        failures.count += 1;
        failures.last = now;
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn whoever_fails_too_often_waits_longer_each_time_and_others_do_not() {
        let (mut visitors, now) = (Visitors::default(), Instant::now());
        for _ in 0..4 {
            visitors.fail(PEER, now);
        }
        assert_eq!(visitors.wait(PEER, now), None);
        visitors.fail(PEER, now);
        assert_eq!(visitors.wait(PEER, now), Some(FIRST_WAIT));
        visitors.fail(PEER, now);
        assert_eq!(visitors.wait(PEER, now), Some(2 * FIRST_WAIT));
        for _ in 0..50 {
            visitors.fail(PEER, now);
        }
        assert_eq!(visitors.wait(PEER, now), Some(MAX_WAIT));
        assert_eq!(visitors.wait(PEER, now + MAX_WAIT), None);
        assert_eq!(visitors.wait(Ipv4Addr::LOCALHOST.into(), now), None);
        visitors.enter(PEER, now);
        assert_eq!(visitors.wait(PEER, now), None);
    }

    #[test]
    fn a_visitor_is_known_by_its_cookie_alone_and_for_a_while() {
        let (mut visitors, now) = (Visitors::default(), Instant::now());
        let id = visitors.enter(PEER, now);
        assert!(visitors.is_in(&id, now) && !visitors.is_in("", now) && !visitors.is_in(&id[1..], now));
        assert!(!visitors.is_in(&id, now + STAY));
        for _ in 0..MAX_VISITORS {
            visitors.enter(PEER, now);
        }
        assert!(!visitors.is_in(&id, now), "the first had to leave");
        let other = visitors.enter(PEER, now);
        visitors.leave(&other);
        assert!(!visitors.is_in(&other, now));
    }
}
