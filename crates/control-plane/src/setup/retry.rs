//! Whether and when a blocked setup is tried again by itself. Pure: the journal and the time decide,
//! so a restart of the process changes nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::failure::{Blame, Failure};
use super::history::History;
use super::run::Run;

/// Longest `Retry-After` that is honoured.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);
/// Steps by which a wait is shortened at most, in hundredths of it: boxes that lost the same registry do
/// not come back in the same second, and each wait is still longer than the one before.
const MAX_JITTER: u32 = 20;

/// How automatic retry was set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Whether there is any.
    pub enabled: bool,
    /// Automatic attempts of one submission before an operator is waited for.
    pub max_attempts: u32,
    /// First wait.
    pub base: Duration,
    /// Longest wait.
    pub max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            max_attempts: 10,
            base: Duration::from_secs(15),
            max: Duration::from_mins(5),
        }
    }
}

/// What automatic retry makes of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is nothing to try again, or only an operator can.
    Rest,
    /// Its attempts are used up; an operator is waited for.
    Exhausted,
    /// The next attempt is due then; in the past, it is due now.
    DueAt(Timestamp),
}

/// Whose answer shows that a failure has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The registry.
    Registry,
    /// The licence service.
    LicenseService,
    /// The API server of this box.
    Cluster,
}

impl RetryPolicy {
    /// What is to be done about `history` at the time `now`.
    #[must_use]
    pub fn judge(&self, history: &History, now: Timestamp) -> Verdict {
        let Some(failure) = candidate(history).filter(|_| self.enabled) else {
            return Verdict::Rest;
        };
        if history.automatic >= self.max_attempts {
            return Verdict::Exhausted;
        }
        let wait = SignedDuration::try_from(self.wait(history, failure)).unwrap_or(SignedDuration::MAX);
        let ended = history.since.as_ref().and_then(|at| at.parse::<Timestamp>().ok());
        // One that lies ahead is of a clock that was set back since: its wait must not last until the clock is
        // there again. That, and one that cannot be read, is long past.
        let ended = ended.filter(|ended| *ended <= now);
        let due = ended.unwrap_or(Timestamp::UNIX_EPOCH).saturating_add(wait);
        Verdict::DueAt(due.unwrap_or(Timestamp::MAX))
    }

    /// How long after the end of the last attempt the next one begins.
    fn wait(&self, history: &History, failure: &Failure) -> Duration {
        let doubled = 2_u32.checked_pow(history.automatic).unwrap_or(u32::MAX);
        let backoff = self.base.saturating_mul(doubled).min(self.max);
        let run = history.last_run.as_ref().map_or("", |run| run.id.as_str());
        let shortened = backoff * (100 - jitter(run)) / 100;
        let asked = Duration::from_secs(failure.retry_after_seconds.unwrap_or(0));
        shortened.max(asked.min(MAX_RETRY_AFTER))
    }
}

/// The failure that can pass by itself, if a run is blocked by such a one.
#[must_use]
pub fn candidate(history: &History) -> Option<&Failure> {
    match &history.run {
        Run::Blocked { failure, .. } if failure.retry_safe && failure.transient => Some(failure),
        Run::Blocked { .. }
        | Run::Empty
        | Run::Queued
        | Run::Running { .. }
        | Run::Interrupted { .. }
        | Run::Cancelled { .. }
        | Run::Complete => None,
    }
}

/// Who must answer before another attempt is spent on `failure`.
#[must_use]
pub fn target(failure: &Failure) -> Option<Target> {
    if failure.category.starts_with("cluster-") {
        return Some(Target::Cluster);
    }
    match failure.step {
        Blame::ResolveSystemResolvers
        | Blame::ResolveRegistryHost
        | Blame::ReachGhcr
        | Blame::ResolveReleaseManifest => Some(Target::Registry),
        Blame::RedeemInstallCode => Some(Target::LicenseService),
        _ => None,
    }
}

/// The same for the same run, whichever process asks.
fn jitter(run: &str) -> u32 {
    let sum = run.bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    sum % (MAX_JITTER + 1)
}

#[cfg(test)]
mod tests;
