//! Trying again: what, how often, after how long.

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::{Instant, sleep};

use super::Registry;
use super::failure::Failure;
use super::fetch::{Answer, Fetch};

/// Waits before the second and the third try.
const WAITS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(1)];
/// Longest wait that a registry may ask for.
const MAX_WAIT: Duration = Duration::from_secs(10);

impl Registry {
    /// Sends until it works, fails for good, or the tries or the time are used up.
    pub(super) async fn send_patiently(&self, request: &Fetch, deadline: Instant) -> Result<Answer, Failure> {
        for usual in WAITS {
            let failure = match self.send(request, deadline).await {
                Err(failure) if failure.worth_another_try() => failure,
                other => return other,
            };
            let wait = failure.retry_after().unwrap_or_else(|| usual + jitter(usual));
            if wait > MAX_WAIT || Instant::now() + wait >= deadline {
                return Err(failure);
            }
            tracing::debug!(host = %self.host, ?wait, error = %failure, "asking the registry again");
            sleep(wait).await;
        }
        self.send(request, deadline).await
    }
}

/// Up to a quarter more, so that boxes that failed together do not come back together.
fn jitter(wait: Duration) -> Duration {
    let mut byte = [0];
    match SystemRandom::new().fill(&mut byte) {
        Ok(()) => wait / 1024 * u32::from(byte[0]),
        Err(_) => Duration::ZERO,
    }
}
