//! The one task that owns the picture: it takes in what observers send, judges it and publishes.
//!
//! Changes are gathered for a moment, so that a storm of them costs ten judgements a second. What no
//! change announces (a deadline that passes, a look that grows old) is a time that the verdict names.

use std::sync::Arc;
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::process::chain;
use appliance_common::readiness::{judge, wire};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::document::{Document, Numbers};
use super::link::Link;
use super::local::Moment;
use super::picture::{Change, Picture};
use super::{login, network};

/// How long a change is waited with for others that belong to it.
const GATHER: Duration = Duration::from_millis(20);
/// Shortest time between two judgements.
const SPACING: Duration = Duration::from_millis(100);
/// Longest time without a judgement: nothing that is shown depends on it, it is a safeguard.
const JUDGE_AT_LEAST: Duration = Duration::from_mins(10);
/// Version of the document's own shape.
const SCHEMA_VERSION: u32 = 2;

/// What the board needs beside its picture.
pub(super) struct Board {
    pub(super) clock: Clock,
    pub(super) link: Link,
    pub(super) picture: Picture,
    pub(super) numbers: Numbers,
    pub(super) published: watch::Sender<Arc<Document>>,
    /// Up to when the records are in what is published.
    pub(super) taken_up: watch::Sender<Moment>,
    pub(super) login: watch::Sender<login::Wanted>,
    pub(super) network: watch::Sender<network::Wanted>,
}

impl Board {
    /// Takes in changes and publishes, until the task is dropped.
    pub(super) async fn run(mut self, mut changes: mpsc::Receiver<Change>) {
        let mut due = self.publish();
        let mut last = Instant::now();
        loop {
            let change = tokio::select! {
                change = changes.recv() => match change {
                    Some(change) => Some(change),
                    None => return,
                },
                () = sleep_until(due) => None,
            };
            let until = (Instant::now() + GATHER).max(last + SPACING);
            if let Some(change) = change {
                self.take(change);
                while let Ok(Some(change)) = timeout_at(until, changes.recv()).await {
                    self.take(change);
                }
            }
            due = self.publish();
            last = Instant::now();
        }
    }

    fn take(&mut self, change: Change) {
        self.picture.turn_to(self.clock.now());
        change(&mut self.picture);
    }

    /// Judges and publishes what is new; gives when to judge again at the latest.
    fn publish(&mut self) -> Instant {
        let now = self.clock.now();
        self.picture.settle(now, self.link.last_sign(now));
        let (keys, again) = keys(&self.picture);
        let before = Arc::clone(&self.published.borrow());
        match keys {
            Ok(keys) => {
                if let Some(document) = Document::after(&before, keys, &mut self.numbers) {
                    self.published.send_replace(Arc::new(document));
                }
            }
            Err(error) => tracing::error!(error = chain(&error), "the status document cannot be written"),
        }
        let moment = &self.picture.local.moment;
        if !self.taken_up.borrow().is(moment) {
            self.taken_up.send_replace(moment.clone());
        }
        let observed = &self.picture.observed;
        send_if_other(&self.login, login::Wanted::of(observed));
        send_if_other(
            &self.network,
            network::Wanted::of(observed, self.picture.local.is_running),
        );
        Instant::now() + again.map_or(JUDGE_AT_LEAST, |again| until(now, again))
    }
}

fn until(now: Timestamp, again: Timestamp) -> Duration {
    let left = Duration::try_from(again.duration_since(now)).unwrap_or_default();
    left.clamp(SPACING, JUDGE_AT_LEAST)
}

fn send_if_other<T: PartialEq>(channel: &watch::Sender<T>, value: T) {
    channel.send_if_modified(|before| {
        let is_other = *before != value;
        if is_other {
            *before = value;
        }
        is_other
    });
}

/// The document of a picture, and when it is to be judged again.
pub(super) fn keys(picture: &Picture) -> (Result<Map<String, Value>, serde_json::Error>, Option<Timestamp>) {
    let verdict = judge(&picture.observed);
    let again = verdict.judge_again_at;
    let judged = wire::document(&picture.observed, &verdict).into_map();
    let whole = judged.map(|judged| {
        let mut keys = Map::new();
        keys.insert("schemaVersion".to_owned(), SCHEMA_VERSION.into());
        keys.insert("source".to_owned(), json!("ubuntu-host-service"));
        keys.extend(judged);
        let local = picture.local.sections.iter();
        keys.extend(local.map(|(key, value)| ((*key).to_owned(), value.clone())));
        keys.insert("diagnostics".to_owned(), json!([]));
        keys
    });
    (whole, again)
}
