//! A part of the status that is costly to read: read in the background, one reading at a time whoever
//! asks, kept for a while, and the last good one kept longer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::clock::Clock;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// Longest time one reading may take.
const READING_LIMIT: Duration = Duration::from_mins(1);

/// Why a part, or one thing in it, could not be read; for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Trouble {
    /// Stable.
    pub(super) code: &'static str,
    /// A sentence.
    pub(super) message: String,
}

impl Trouble {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, message }
    }
}

/// How long a reading is good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keep {
    /// A good one.
    pub(super) good: Duration,
    /// A failed one, and a good one that is a makeshift.
    pub(super) failed: Duration,
}

/// A part; cheap to clone.
pub(super) struct Part<T>(Arc<Shared<T>>);

struct Shared<T> {
    keep: Keep,
    clock: Clock,
    is_makeshift: fn(&T) -> bool,
    read: Box<dyn Fn() -> BoxFuture<'static, Result<T, Trouble>> + Send + Sync>,
    state: watch::Sender<State<T>>,
}

struct State<T> {
    good: Option<(Arc<T>, Timestamp)>,
    trouble: Option<Trouble>,
    /// When the last reading ended; absent when what it told is known not to be so any more.
    ended: Option<Instant>,
    reading: bool,
    /// What is being read now is known not to be so any more.
    outdated: bool,
}

/// What is known of a part.
pub(super) struct Shown<T> {
    /// The last good reading, and when it was made.
    pub(super) good: Option<(Arc<T>, Timestamp)>,
    /// Why the last reading was not good.
    pub(super) trouble: Option<Trouble>,
}

impl<T> Clone for Part<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + Sync + 'static> Part<T> {
    pub(super) fn new(
        keep: Keep,
        clock: Clock,
        is_makeshift: fn(&T) -> bool,
        read: impl Fn() -> BoxFuture<'static, Result<T, Trouble>> + Send + Sync + 'static,
    ) -> Self {
        let state = watch::Sender::new(State {
            good: None,
            trouble: None,
            ended: None,
            reading: false,
            outdated: false,
        });
        Self(Arc::new(Shared {
            keep,
            clock,
            is_makeshift,
            read: Box::new(read),
            state,
        }))
    }

    /// What is known, at once; where nothing is, after at most `patience`. A reading that is due is begun.
    pub(super) async fn ask(&self, patience: Duration) -> Shown<T> {
        if self.begin() {
            let mut states = self.0.state.subscribe();
            // After that it is shown as not known yet; the reading goes on.
            let _ = timeout(patience, states.wait_for(|state| !state.reading)).await;
        }
        let state = self.0.state.borrow();
        let nothing = state.good.is_none() && state.trouble.is_none();
        Shown {
            good: state.good.clone(),
            trouble: state
                .trouble
                .clone()
                .or_else(|| nothing.then(|| Trouble::new("not_read_yet", "This is being looked up."))),
        }
    }

    /// What was read is not so any more.
    pub(super) fn outdate(&self) {
        self.0.state.send_modify(|state| {
            state.ended = None;
            state.outdated = state.reading;
        });
    }

    /// Begins a reading if one is due; whether nothing is known that could be shown meanwhile.
    fn begin(&self) -> bool {
        let (mut begins, mut unknown) = (false, false);
        self.0.state.send_modify(|state| {
            let good = state.good.as_ref().filter(|_| state.trouble.is_none());
            let keep = match good {
                Some((good, _)) if !(self.0.is_makeshift)(good) => self.0.keep.good,
                Some(_) | None => self.0.keep.failed,
            };
            let is_due = state.ended.is_none_or(|ended| ended.elapsed() >= keep);
            begins = is_due && !state.reading;
            state.reading |= begins;
            unknown = state.ended.is_none();
        });
        if begins {
            tokio::spawn(self.clone().read());
        }
        unknown
    }

    async fn read(self) {
        loop {
            let reading = AssertUnwindSafe(timeout(READING_LIMIT, (self.0.read)())).catch_unwind();
            let result = match reading.await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Trouble::new("too_slow", "Looking this up took too long.")),
                Err(_) => Err(Trouble::new(
                    "defect",
                    "Looking this up stopped because of a defect.",
                )),
            };
            let now = self.0.clock.now();
            let mut again = false;
            self.0.state.send_modify(|state| {
                again = std::mem::take(&mut state.outdated);
                state.reading = again;
                state.ended = (!again).then(Instant::now);
                match result {
                    Ok(good) => {
                        state.good = Some((Arc::new(good), now));
                        state.trouble = None;
                    }
                    Err(trouble) => state.trouble = Some(trouble),
                }
            });
            if !again {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const KEEP: Keep = Keep {
        good: Duration::from_mins(1),
        failed: Duration::from_secs(15),
    };
    const PATIENCE: Duration = Duration::from_secs(2);

    /// A part that counts its readings, each of which takes a second; those from `fails` on fail.
    fn counting(fails: usize) -> Part<usize> {
        let count = Arc::new(AtomicUsize::new(0));
        Part::new(
            KEEP,
            Clock::system(),
            |value| *value == 7,
            move || {
                let count = Arc::clone(&count);
                async move {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    match count.fetch_add(1, Ordering::SeqCst) + 1 {
                        n if n < fails => Ok(n),
                        n => Err(Trouble::new("failed", n.to_string())),
                    }
                }
                .boxed()
            },
        )
    }

    fn value(shown: &Shown<usize>) -> Option<usize> {
        shown.good.as_ref().map(|(value, _)| **value)
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_at_once_share_one_reading_and_later_ones_do_not_wait() {
        let part = counting(9);
        let first = futures::future::join_all((0..20).map(|_| part.ask(PATIENCE))).await;
        assert!(first.iter().all(|shown| value(shown) == Some(1)));
        tokio::time::advance(KEEP.good).await;
        let began = Instant::now();
        assert_eq!(value(&part.ask(PATIENCE).await), Some(1), "the old one, at once");
        assert_eq!(began.elapsed(), Duration::ZERO);
        tokio::time::sleep(PATIENCE).await;
        assert_eq!(value(&part.ask(PATIENCE).await), Some(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_keeps_the_last_good_one_and_is_tried_again_sooner() {
        let part = counting(2);
        part.ask(PATIENCE).await;
        tokio::time::advance(KEEP.good).await;
        part.ask(PATIENCE).await;
        tokio::time::sleep(PATIENCE).await;
        let shown = part.ask(PATIENCE).await;
        assert_eq!(
            (value(&shown), shown.trouble.unwrap().message),
            (Some(1), "2".to_owned())
        );
        tokio::time::advance(KEEP.failed).await;
        part.ask(PATIENCE).await;
        tokio::time::sleep(PATIENCE).await;
        assert_eq!(part.ask(PATIENCE).await.trouble.unwrap().message, "3");
    }

    #[tokio::test(start_paused = true)]
    async fn a_makeshift_is_kept_no_longer_than_a_failure() {
        let part = counting(99);
        for _ in 1..=7 {
            part.outdate();
            part.ask(PATIENCE).await;
        }
        tokio::time::advance(KEEP.failed).await;
        assert_eq!(value(&part.ask(PATIENCE).await), Some(7));
        tokio::time::sleep(PATIENCE).await;
        assert_eq!(value(&part.ask(PATIENCE).await), Some(8));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_outdated_is_read_again_before_it_is_shown_even_while_it_is_being_read() {
        let part = counting(9);
        part.ask(PATIENCE).await;
        part.outdate();
        assert_eq!(value(&part.ask(PATIENCE).await), Some(2));
        part.outdate();
        assert_eq!(
            value(&part.ask(Duration::ZERO).await),
            Some(2),
            "patience is over"
        );
        part.outdate();
        assert_eq!(value(&part.ask(Duration::from_secs(5)).await), Some(4));
    }

    #[tokio::test(start_paused = true)]
    async fn neither_a_reading_without_end_nor_a_defect_keeps_a_part_from_being_read() {
        let endless = Part::<()>::new(
            KEEP,
            Clock::system(),
            |()| false,
            || std::future::pending().boxed(),
        );
        assert_eq!(endless.ask(PATIENCE).await.trouble.unwrap().code, "not_read_yet");
        tokio::time::sleep(READING_LIMIT).await;
        assert_eq!(endless.ask(PATIENCE).await.trouble.unwrap().code, "too_slow");
        let broken = Part::<()>::new(
            KEEP,
            Clock::system(),
            |()| false,
            || async { panic!("on purpose") }.boxed(),
        );
        assert_eq!(broken.ask(PATIENCE).await.trouble.unwrap().code, "defect");
    }
}
