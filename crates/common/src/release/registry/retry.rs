//! Trying again: what, how often, after how long.

use std::time::Duration;

use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, HeaderValue, RETRY_AFTER};
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

/// `Retry-After`, in seconds or as a date, which counts from the answer's own `Date`.
pub(super) fn after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| rfc2822::parse(text).ok();
    let sent = headers.get(DATE).map(HeaderValue::to_str)?.ok()?;
    let seconds = date(text)?.timestamp().as_second() - date(sent)?.timestamp().as_second();
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let headers = |retry: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static("Wed, 21 Oct 2015 07:28:00 GMT"));
            headers.insert(RETRY_AFTER, retry.parse().unwrap());
            after(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(headers("7"), Some(7));
        assert_eq!(headers("Wed, 21 Oct 2015 07:28:05 GMT"), Some(5));
        assert_eq!(headers("Wed, 21 Oct 2015 07:27:00 GMT"), Some(0));
        assert_eq!(headers("soon"), None);
        assert_eq!(headers("-1"), None);
        assert_eq!(after(&HeaderMap::new()), None);
    }
}
