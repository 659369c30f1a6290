//! What setup does by itself: takes up what a stop left, and tries again what can pass.

use std::time::Duration;

use appliance_common::clock::iso_millis;
use appliance_common::names::file;
use appliance_common::process::chain;
use appliance_common::state_file::StateFile;
use jiff::Timestamp;
use serde::Serialize;

use super::Setup;
use super::board::{View, Waiting};
use super::probe::Health;
use super::recorder::Recorder;
use super::retry::{self, RetryPolicy, Target, Verdict};
use super::run::{Run, Trigger};
use super::take_up::TakenUp;

/// Shortest pause between two looks.
const MIN_PAUSE: Duration = Duration::from_millis(50);

/// What the engine was told about going on by itself.
#[derive(Debug, Clone)]
pub struct RetrySettings {
    /// When and how often.
    pub policy: RetryPolicy,
    /// How often a due attempt is looked for at least.
    pub interval: Duration,
    /// How long a look at the registry, the licence service or the cluster is believed.
    pub probe_ttl: Duration,
    /// Failed looks in a row before the operator is told.
    pub probe_debounce: u32,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            policy: RetryPolicy::default(),
            interval: Duration::from_secs(15),
            probe_ttl: Duration::from_secs(20),
            probe_debounce: 2,
        }
    }
}

/// `auto-retry-state.json`, for readers of the shipped product; nothing of ours reads it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RetryDocument {
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<String>,
    /// Milliseconds since 1970.
    next_attempt_at: i64,
    last_reason: String,
}

impl Setup {
    /// Takes up what a stop left, and from then on goes on by itself where that can help. Returns at
    /// once; the work is a task of its own.
    pub fn resume(&self) {
        let Ok(recorder) = self.recorder.clone() else {
            return;
        };
        let setup = self.clone();
        let task = tokio::spawn(async move {
            match setup.take_up(&recorder).await {
                TakenUp::HandedOver => {
                    tokio::join!(setup.reconcile(&recorder), setup.hand_over(&recorder));
                }
                TakenUp::Other => setup.reconcile(&recorder).await,
            }
        });
        self.tasks().reconciler = Some(task);
    }

    async fn reconcile(&self, recorder: &Recorder) {
        let (mut health, mut written) = (Health::default(), None);
        let mut views = recorder.board().follow();
        loop {
            let view = recorder.board().view();
            let pause = self.look(recorder, &view, &mut health).await;
            self.write_document(&recorder.board().view(), &mut written).await;
            let pause = pause.clamp(MIN_PAUSE, self.settings.retry.interval.max(MIN_PAUSE));
            let changed = views.wait_for(|now| now.history.since != view.history.since);
            // Whichever comes first, everything is looked at anew.
            let _ = tokio::time::timeout(pause, changed).await;
        }
    }

    /// Does what is due; says how long nothing will be.
    async fn look(&self, recorder: &Recorder, view: &View, health: &mut Health) -> Duration {
        let interval = self.settings.retry.interval;
        if self.settings.queue_disabled {
            return interval;
        }
        self.take_up_abandoned(recorder).await;
        let now = self.clock.now();
        let due = match self.settings.retry.policy.judge(&view.history, now) {
            Verdict::Rest | Verdict::Exhausted => return interval,
            Verdict::DueAt(due) => due,
        };
        if due > now {
            return Duration::try_from(due.duration_since(now)).unwrap_or(interval);
        }
        if let Some(target) = retry::candidate(&view.history).and_then(retry::target)
            && !self.answers(recorder, view, target, health).await
        {
            return self.settings.retry.probe_ttl;
        }
        match self.attempt(Trigger::Automatic).await {
            Ok(()) => tracing::info!(
                attempt = view.history.automatic + 1,
                "setup tries again by itself"
            ),
            Err(error) => tracing::info!(error = chain(&error), "setup does not try again just now"),
        }
        interval
    }

    /// Whether `target` answers now; if not, the board says since when and when it is asked next.
    async fn answers(&self, recorder: &Recorder, view: &View, target: Target, health: &mut Health) -> bool {
        let settings = &self.settings.retry;
        let failed_at = view.history.since.as_ref().and_then(|at| at.parse().ok());
        if health.is_known_good(target, self.clock.now(), settings.probe_ttl, failed_at) {
            return true;
        }
        let mut found = self.look_at(target).await;
        while found.is_err() && health.note(target, self.clock.now(), false) < settings.probe_debounce {
            found = self.look_at(target).await;
        }
        let now = self.clock.now();
        let Err(cause) = found else {
            health.note(target, now, true);
            return true;
        };
        let waiting = Waiting {
            name: self.name_of(target),
            since: failed_at.unwrap_or(now),
            next: now.saturating_add(settings.probe_ttl).unwrap_or(now),
            cause,
        };
        recorder.board().change(|view| view.waiting = Some(waiting));
        false
    }

    async fn write_document(&self, view: &View, written: &mut Option<RetryDocument>) {
        let document = self.retry_document(view);
        let path = self.settings.beside_state(file::AUTO_RETRY_STATE);
        // While an automatic attempt runs it still tells of the last.
        let is_over = matches!(view.history.run, Run::Complete) || view.history.automatic == 0;
        let is_current = match &document {
            Some(_) => document == *written,
            None => !is_over || !path.exists(),
        };
        if is_current {
            return;
        }
        let (store, found) = (document.clone(), path.clone());
        let result = tokio::task::spawn_blocking(move || match store {
            Some(document) => StateFile::at(path).store(&document),
            None => StateFile::<RetryDocument>::at(path).remove(),
        });
        match result.await {
            Ok(Ok(())) => *written = document,
            Ok(Err(error)) => tracing::warn!(error = chain(&error), "the retry document is out of date"),
            Err(_) => tracing::debug!(path = %found.display(), "the process is ending"),
        }
    }

    fn retry_document(&self, view: &View) -> Option<RetryDocument> {
        let failure = retry::candidate(&view.history)?;
        let now = self.clock.now();
        let next = match self.settings.retry.policy.judge(&view.history, now) {
            Verdict::DueAt(due) => view.waiting.as_ref().map_or(due, |waiting| waiting.next.max(due)),
            Verdict::Rest | Verdict::Exhausted => Timestamp::UNIX_EPOCH,
        };
        Some(RetryDocument {
            attempts: view.history.automatic,
            last_attempt_at: view
                .history
                .last_run
                .as_ref()
                .filter(|_| view.history.automatic > 0)
                .map(|run| run.started_at.clone()),
            next_attempt_at: next.as_millisecond(),
            last_reason: failure.message.clone(),
        })
    }
}

/// A wait in the operator's words.
#[must_use]
pub(super) fn waiting_for(waiting: &Waiting, now: Timestamp) -> String {
    let next = waiting.next.duration_since(now).as_secs().max(0);
    let since = waiting.since.strftime("%H:%M UTC");
    format!(
        "{} does not answer since {since} ({}); next look in {next} s. Nothing is wrong with your answers.",
        waiting.name, waiting.cause
    )
}

/// ISO-8601 for the wire.
pub(super) fn wire_time(at: Timestamp) -> String {
    iso_millis(at)
}
