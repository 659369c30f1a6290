//! What stands before every check of a token or password: the lockout of the address, one check at a
//! time per address, and a budget of failures for everybody together.
//!
//! An attempt counts as failed from the moment it is let through until it is known to have
//! succeeded, so that requests opened in parallel or given up half-way win nothing.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::process::chain;
use appliance_common::state_file::StateFile;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::lockout::{Entry, LockoutPolicy, Lockouts};

/// How long an attempt may wait, for its turn or for the budget.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Failures a minute, from all addresses, beyond which attempts are delayed.
const BUDGET: u32 = 50;
const BUDGET_PERIOD: Duration = Duration::from_mins(1);

/// Why an attempt was not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The address failed too often.
    Locked(Duration),
    /// Too much is being tried at once.
    Busy(Duration),
}

/// The one gate of the process.
#[derive(Debug)]
pub(crate) struct Gate {
    policy: LockoutPolicy,
    clock: Clock,
    lockouts: Mutex<Lockouts>,
    file: StateFile<Lockouts>,
    storing: tokio::sync::Mutex<()>,
    budget: Mutex<Budget>,
    turns: Turns,
}

impl Gate {
    /// A gate that remembers what was stored at `path`.
    pub(crate) fn open(path: PathBuf, policy: LockoutPolicy, clock: Clock) -> Self {
        let file = StateFile::at(path);
        let lockouts = file.load().unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "failed sign-ins are counted anew");
            None
        });
        Self {
            policy,
            clock,
            lockouts: Mutex::new(lockouts.unwrap_or_default()),
            file,
            storing: tokio::sync::Mutex::new(()),
            budget: Mutex::new(Budget::default()),
            turns: Turns::default(),
        }
    }

    /// Whether `peer` is locked out under the credential of `generation`. Costs and counts nothing.
    pub(crate) fn check(&self, peer: IpAddr, generation: &str) -> Result<(), Refused> {
        let mut lockouts = self.lockouts();
        lockouts.adopt(generation);
        match lockouts.locked_for(peer, self.clock.now(), &self.policy) {
            Some(left) => Err(Refused::Locked(left)),
            None => Ok(()),
        }
    }

    /// Lets one attempt of `peer` through, counted as failed.
    pub(crate) async fn enter(self: &Arc<Self>, peer: IpAddr, generation: &str) -> Result<Attempt, Refused> {
        let busy = Refused::Busy(Duration::from_secs(1));
        let turn = tokio::time::timeout(MAX_WAIT, self.turns.take(peer))
            .await
            .map_err(|_| busy)?;
        let before = {
            let mut lockouts = self.lockouts();
            lockouts.adopt(generation);
            let now = self.clock.now();
            if let Some(left) = lockouts.locked_for(peer, now, &self.policy) {
                return Err(Refused::Locked(left));
            }
            lockouts.fail(peer, now, &self.policy)
        };
        let mut attempt = Attempt {
            gate: Arc::clone(self),
            peer,
            before,
            charged: false,
            _turn: turn,
        };
        let wait = self.budget().charge(Instant::now());
        match wait {
            Ok(wait) => {
                attempt.charged = true;
                tokio::time::sleep(wait).await;
                Ok(attempt)
            }
            Err(wait) => {
                attempt.refund();
                Err(Refused::Busy(wait))
            }
        }
    }

    fn lockouts(&self) -> MutexGuard<'_, Lockouts> {
        self.lockouts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores the table. A full disk must not keep anybody from signing in.
    async fn store(&self) {
        let _one_at_a_time = self.storing.lock().await;
        let table = self.lockouts().clone();
        let file = self.file.clone();
        let stored = tokio::task::spawn_blocking(move || file.store(&table)).await;
        if let Ok(Err(error)) = stored {
            tracing::warn!(
                error = chain(&error),
                "failed sign-ins will be forgotten by a restart"
            );
        }
    }
}

/// An attempt that was let through. Dropped without a word, it stays a failure.
#[derive(Debug)]
pub(crate) struct Attempt {
    gate: Arc<Gate>,
    peer: IpAddr,
    before: Option<Entry>,
    charged: bool,
    _turn: Turn,
}

impl Attempt {
    /// Whose attempt it is.
    pub(crate) fn peer(&self) -> IpAddr {
        self.peer
    }

    /// The secret was right: the address starts anew.
    pub(crate) async fn succeeded(self) {
        self.gate.lockouts().restore(self.peer, None);
        self.give_back_charge();
        if self.before.is_some() {
            self.gate.store().await;
        }
    }

    /// The secret was wrong. Returns the lock that follows from it, if any.
    pub(crate) async fn failed(self) -> Option<Duration> {
        self.gate.store().await;
        let gate = &self.gate;
        gate.lockouts()
            .locked_for(self.peer, gate.clock.now(), &gate.policy)
    }

    /// Nothing was found out about the secret: the attempt does not count.
    pub(crate) fn refund(self) {
        self.gate.lockouts().restore(self.peer, self.before);
        self.give_back_charge();
    }

    fn give_back_charge(&self) {
        if self.charged {
            self.gate.budget().give_back();
        }
    }
}

/// A leaky bucket: `BUDGET` failures fit in, and it empties in `BUDGET_PERIOD`.
#[derive(Debug, Default)]
struct Budget {
    /// When the bucket will be empty.
    empty_at: Option<Instant>,
}

impl Budget {
    /// Puts one attempt in; says how long it waits for that, or that it would wait too long.
    fn charge(&mut self, now: Instant) -> Result<Duration, Duration> {
        let empty_at = self.empty_at.unwrap_or(now).max(now) + Self::share();
        let wait = empty_at.duration_since(now).saturating_sub(BUDGET_PERIOD);
        if wait > MAX_WAIT {
            return Err(wait);
        }
        self.empty_at = Some(empty_at);
        Ok(wait)
    }

    fn give_back(&mut self) {
        self.empty_at = self.empty_at.and_then(|at| at.checked_sub(Self::share()));
    }

    fn share() -> Duration {
        BUDGET_PERIOD / BUDGET
    }
}

/// Addresses with a check in progress.
#[derive(Debug, Clone, Default)]
struct Turns(Arc<(Mutex<HashSet<IpAddr>>, Notify)>);

#[derive(Debug)]
struct Turn {
    turns: Turns,
    peer: IpAddr,
}

impl Turns {
    async fn take(&self, peer: IpAddr) -> Turn {
        loop {
            let freed = self.0.1.notified();
            if self.taken().insert(peer) {
                return Turn {
                    turns: self.clone(),
                    peer,
                };
            }
            freed.await;
        }
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<IpAddr>> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.taken().remove(&self.peer);
        self.turns.0.1.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn gate(dir: &tempfile::TempDir) -> Arc<Gate> {
        let policy = LockoutPolicy {
            max_failures: 2,
            base: Duration::from_mins(1),
            max: Duration::from_mins(15),
        };
        Arc::new(Gate::open(
            dir.path().join("auth-lockout.json"),
            policy,
            Clock::system(),
        ))
    }

    #[tokio::test]
    async fn attempts_in_parallel_never_exceed_what_one_after_the_other_may() {
        let dir = tempfile::tempdir().unwrap();
        let gate = gate(&dir);
        let attempts = (0..60).map(|_| async {
            match gate.enter(PEER, "one").await {
                Ok(attempt) => {
                    tokio::task::yield_now().await;
                    attempt.failed().await;
                    true
                }
                Err(_) => false,
            }
        });
        let let_through = futures::future::join_all(attempts).await;
        assert_eq!(let_through.iter().filter(|through| **through).count(), 2);
    }

    #[tokio::test]
    async fn an_attempt_given_up_half_way_counts_and_a_restart_remembers() {
        let dir = tempfile::tempdir().unwrap();
        drop(gate(&dir).enter(PEER, "one").await.unwrap());
        let first = gate(&dir);
        drop(first.enter(PEER, "one").await.unwrap());
        first.enter(PEER, "one").await.unwrap().failed().await.unwrap();
        assert!(matches!(gate(&dir).check(PEER, "one"), Err(Refused::Locked(_))));
        assert_eq!(gate(&dir).check(PEER, "two"), Ok(()));
    }

    #[tokio::test]
    async fn only_a_success_starts_anew_and_a_refund_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let gate = gate(&dir);
        gate.enter(PEER, "one").await.unwrap().failed().await;
        gate.enter(PEER, "one").await.unwrap().refund();
        gate.enter(PEER, "one").await.unwrap().succeeded().await;
        gate.enter(PEER, "one").await.unwrap().failed().await;
        assert_eq!(gate.check(PEER, "one"), Ok(()));
        gate.enter(PEER, "one").await.unwrap().failed().await;
        assert!(gate.check(PEER, "one").is_err());
    }

    #[test]
    fn the_budget_of_failures_delays_then_refuses_and_refills() {
        let start = Instant::now();
        let mut budget = Budget::default();
        for _ in 0..BUDGET {
            assert_eq!(budget.charge(start), Ok(Duration::ZERO));
        }
        let delays: Vec<_> = std::iter::from_fn(|| budget.charge(start).ok()).collect();
        assert!(delays.is_sorted() && !delays[0].is_zero());
        assert_eq!(delays.len(), 4);
        assert_eq!(budget.charge(start + Duration::from_secs(10)), Ok(Duration::ZERO));
        budget.give_back();
        assert_eq!(budget.charge(start + 3 * BUDGET_PERIOD), Ok(Duration::ZERO));
    }
}
