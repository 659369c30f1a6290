//! Whether the API server answers, and by which client.
//!
//! A watch says nothing when its server stops answering, so signs of life are noted: every line of every
//! watch is one, and node Leases bring one each ten seconds. Only when they are missed is the server
//! asked. While it does not answer, this task alone asks; everybody else waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::cluster::{Cluster, ClusterSource, RawError};
use appliance_common::meter::Meter;
use appliance_common::process::chain;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::picture::Feed;

/// Who we are in the API server's audit log.
const AGENT: &str = concat!("alga-appliance-status/", env!("CARGO_PKG_VERSION"));
/// Silence after which the server is asked, while node Leases are renewed every ten seconds.
const BEATS_MISSED: Duration = Duration::from_secs(20);
/// The same where nothing beats, because there is no kubelet or its Leases may not be read. Bookmarks come
/// once a minute, so the server of such a box is asked twice a minute at most; that of any other never is.
const NOTHING_HEARD: Duration = Duration::from_secs(30);
/// How long the server is given to say that it is ready.
const ASK_LIMIT: Duration = Duration::from_secs(5);
/// Longest answer to that question that is read.
const MAX_ANSWER: usize = 16 * 1024;
/// Pauses between two questions while it does not answer.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// What everybody who talks to the API server shares; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    /// The client, while the server answers.
    up: watch::Sender<Option<Cluster>>,
    born: Instant,
    /// Milliseconds after `born` of the last sign of life, plus one; 0 before the first.
    last_sign: AtomicU64,
    /// Leases were renewed since the server was last asked for lack of signs.
    is_beating: AtomicBool,
    /// Somebody had no answer.
    suspected: Notify,
    /// Our right to ask is in doubt: credentials are to be read anew.
    reopen: Notify,
    /// Whoever rests may look again.
    nudge: Notify,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner {
            up: watch::Sender::new(None),
            born: Instant::now(),
            last_sign: AtomicU64::new(0),
            is_beating: AtomicBool::new(false),
            suspected: Notify::new(),
            reopen: Notify::new(),
            nudge: Notify::new(),
        }))
    }

    /// The client, once the server answers.
    pub(super) async fn cluster(&self) -> Cluster {
        let mut up = self.0.up.subscribe();
        loop {
            if let Some(cluster) = &*up.borrow_and_update() {
                return cluster.clone();
            }
            // The sender is in `self`, so this does not fail.
            let _ = up.changed().await;
        }
    }

    /// The server has said something.
    pub(super) fn sign(&self) {
        let now = u64::try_from(self.0.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.0.last_sign.store(now + 1, Ordering::Relaxed);
    }

    /// A node's Lease was renewed.
    pub(super) fn beat(&self) {
        self.0.is_beating.store(true, Ordering::Relaxed);
    }

    /// How long ago the server last said something; `None` before it first did.
    pub(super) fn silence(&self) -> Option<Duration> {
        let last = self.0.last_sign.load(Ordering::Relaxed).checked_sub(1)?;
        Some(self.0.born.elapsed().saturating_sub(Duration::from_millis(last)))
    }

    /// When the server last said something.
    pub(super) fn last_sign(&self, now: Timestamp) -> Option<Timestamp> {
        let silence = SignedDuration::try_from(self.silence()?).ok()?;
        now.checked_sub(silence).ok()
    }

    /// A question had no answer.
    pub(super) fn suspect(&self) {
        self.0.suspected.notify_one();
    }

    /// The server does not know us.
    pub(super) fn reopen(&self) {
        self.0.reopen.notify_one();
    }

    /// Something has changed that may have given the server what it lacked.
    pub(super) fn nudge(&self) {
        self.0.nudge.notify_waiters();
    }

    /// Waits, but not beyond the moment at which asking again makes sense.
    pub(super) async fn rest(&self, pause: Duration) {
        let mut up = self.0.up.subscribe();
        up.mark_unchanged();
        let comes_up = async {
            // Whoever asks while the server is down waits in `cluster`.
            while up.changed().await.is_ok() && up.borrow_and_update().is_none() {}
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = self.0.nudge.notified() => {}
            () = comes_up => {}
        }
    }

    /// Finds the server and keeps an eye on it, until the task is dropped.
    pub(super) async fn keep(self, source: ClusterSource, feed: Feed, clock: Clock) {
        let source = source.known_as(AGENT);
        loop {
            let cluster = self.find(&source, &feed, &clock).await;
            self.0.up.send_replace(Some(cluster.clone()));
            let trouble = tokio::select! {
                trouble = self.watch_over(&cluster) => Some(trouble),
                () = self.0.reopen.notified() => None,
            };
            if let Some(cause) = trouble {
                self.0.up.send_replace(None);
                self.tell_down(cause, &feed, &clock).await;
            }
        }
    }

    /// Asks until there is an answer.
    async fn find(&self, source: &ClusterSource, feed: &Feed, clock: &Clock) -> Cluster {
        let mut pause = FIRST_PAUSE;
        loop {
            // Opened anew each time: kubeconfig and certificates may be others by now.
            let found = match source.open(Arc::new(Meter::default())).await {
                Ok(cluster) => self.ask(&cluster).await.map(|()| cluster),
                Err(error) => Err(chain(&error)),
            };
            match found {
                Ok(cluster) => {
                    tracing::info!("the API server answers");
                    feed.send(|picture| picture.show_api(Ok(()))).await;
                    return cluster;
                }
                Err(cause) => self.tell_down(cause, feed, clock).await,
            }
            sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    async fn tell_down(&self, cause: String, feed: &Feed, clock: &Clock) {
        tracing::debug!(cause, "the API server does not answer");
        let now = clock.now();
        let since = self.last_sign(now).unwrap_or(now);
        feed.send(move |picture| picture.show_api(Err((cause, since))))
            .await;
    }

    /// Returns when the server does not answer any more, with the cause.
    async fn watch_over(&self, cluster: &Cluster) -> String {
        loop {
            let patience = if self.0.is_beating.load(Ordering::Relaxed) {
                BEATS_MISSED
            } else {
                NOTHING_HEARD
            };
            let left = patience.saturating_sub(self.silence().unwrap_or_default());
            if timeout(left, self.0.suspected.notified()).await.is_err() {
                if self.silence().is_some_and(|silence| silence < patience) {
                    continue;
                }
                self.0.is_beating.store(false, Ordering::Relaxed);
            }
            if let Err(cause) = self.ask(cluster).await {
                return cause;
            }
        }
    }

    /// Whether the server is ready to answer; any word that is no failure of its own will do.
    async fn ask(&self, cluster: &Cluster) -> Result<(), String> {
        match cluster.fetch("/readyz", MAX_ANSWER, ASK_LIMIT).await {
            Ok(_) | Err(RawError::TooLong { .. }) => {}
            Err(RawError::Refused { status, .. }) if status < 500 => {}
            Err(RawError::Refused { status, .. }) => {
                return Err(format!("it says that it is not ready (status {status})"));
            }
            Err(RawError::Silent(cause)) => return Err(cause),
        }
        self.sign();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
