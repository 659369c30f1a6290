//! How many outside requests were made, how long the program did nothing but wait for them, and what holds
//! them up just now.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;

/// Counts requests and the union of the times in which at least one wait was under way, so that
/// waits which overlap count once.
#[derive(Debug, Default)]
pub struct Meter {
    requests: AtomicU64,
    waits: Mutex<Waits>,
    is_hindered: AtomicBool,
    teller: Option<Teller>,
}

/// How long an answer may take until it is told that it is waited for.
pub(crate) const NOTICE: Duration = Duration::from_secs(3);

/// Whoever wants to know what holds requests up.
struct Teller(Box<dyn Fn(Option<String>) + Send + Sync>);

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Teller")
    }
}

#[derive(Debug, Default)]
struct Waits {
    under_way: usize,
    since: Option<Instant>,
    total: Duration,
}

/// Ends a wait when dropped, also when the future that waited is.
struct Waiting<'a>(&'a Meter);

impl Meter {
    /// A meter that tells what holds requests up, in a sentence, and `None` once they get through again.
    pub fn telling(teller: impl Fn(Option<String>) + Send + Sync + 'static) -> Self {
        Self {
            teller: Some(Teller(Box::new(teller))),
            ..Self::default()
        }
    }

    /// A request does not get through; `by` says why.
    pub fn hindered(&self, by: impl FnOnce() -> String) {
        if let Some(Teller(tell)) = &self.teller {
            self.is_hindered.store(true, Ordering::Relaxed);
            tell(Some(by()));
        }
    }

    /// A request got through.
    pub fn unhindered(&self) {
        if let Some(Teller(tell)) = &self.teller
            && self.is_hindered.swap(false, Ordering::Relaxed)
        {
            tell(None);
        }
    }

    /// Counts one request.
    pub fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Requests so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Time so far in which something was waited for.
    #[must_use]
    pub fn waited(&self) -> Duration {
        let waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.total + waits.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Runs `wait`, counting the time it takes as waiting.
    pub async fn waiting<T>(&self, wait: impl Future<Output = T>) -> T {
        let _guard = self.begin();
        wait.await
    }

    /// The same, and tells when `whom` gives no answer for a while.
    pub async fn waiting_for<T>(&self, whom: &str, wait: impl Future<Output = T>) -> T {
        let mut wait = pin!(wait);
        let told = async {
            if let Ok(answer) = timeout(NOTICE, wait.as_mut()).await {
                return answer;
            }
            self.hindered(|| format!("waiting for {whom}: no answer yet"));
            let answer = wait.await;
            self.unhindered();
            answer
        };
        self.waiting(told).await
    }

    fn begin(&self) -> Waiting<'_> {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.under_way += 1;
        waits.since.get_or_insert_with(Instant::now);
        Waiting(self)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut waits = self.0.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.under_way -= 1;
        if waits.under_way == 0
            && let Some(since) = waits.since.take()
        {
            waits.total += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_holds_requests_up_is_told_until_one_gets_through() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&told);
        let meter = Meter::telling(move |by| listener.lock().unwrap().push(by));
        meter.unhindered();
        meter.hindered(|| "no answer".to_owned());
        meter.unhindered();
        meter.unhindered();
        assert_eq!(*told.lock().unwrap(), [Some("no answer".to_owned()), None]);
    }

    #[tokio::test]
    async fn waits_that_overlap_count_once_and_a_dropped_one_ends() {
        let meter = Meter::default();
        let started = Instant::now();
        {
            let _outer = meter.begin();
            meter
                .waiting(async { meter.waiting(tokio::task::yield_now()).await })
                .await;
        }
        assert!(meter.waited() <= started.elapsed());
        assert_eq!(meter.waits.lock().unwrap().under_way, 0);
        assert_eq!(meter.waited(), meter.waited(), "nothing is waited for any more");
    }
}
