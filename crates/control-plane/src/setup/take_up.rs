//! What a start does about what a stop left.

use appliance_common::process::chain;
use appliance_common::state_file::{FileLock, LockError};

use super::Setup;
use super::noting::{PAUSE, note_interruption, record, refresh_document, show_unrecorded};
use super::recorder::{RecordError, Recorder};
use super::run::{Event, Run, Trigger};

/// What a start found to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TakenUp {
    /// Everything was handed to Flux: the release is followed.
    HandedOver,
    /// A run, which goes on by itself, or nothing.
    Other,
}

impl Setup {
    /// Takes up what a stop left, once nobody else works on the appliance.
    pub(super) async fn take_up(&self, recorder: &Recorder) -> TakenUp {
        let history = recorder.board().view().history.clone();
        if self.unrecorded(recorder).is_none() {
            match history.run {
                Run::Empty => self.adopt_shipped(recorder).await,
                Run::Blocked { .. } | Run::Cancelled { .. } => refresh_document(recorder).await,
                _ => return self.take_up_locked(recorder).await,
            }
            return TakenUp::Other;
        }
        self.take_up_locked(recorder).await
    }

    async fn take_up_locked(&self, recorder: &Recorder) -> TakenUp {
        let lock = self.wait_for_lock(recorder).await;
        // Answers were stored and a crash came before they were recorded. They were not confirmed to
        // anybody, but they are complete, so they are taken.
        if let Some(submission) = self.unrecorded(recorder) {
            note_interruption(recorder).await;
            record(recorder, Event::Submitted { submission }).await;
        }
        match recorder.board().view().history.run {
            Run::Complete => {
                self.settle(recorder).await;
                return TakenUp::HandedOver;
            }
            Run::Empty | Run::Blocked { .. } | Run::Cancelled { .. } => {
                refresh_document(recorder).await;
                return TakenUp::Other;
            }
            Run::Queued | Run::Running { .. } | Run::Interrupted { .. } => {}
        }
        note_interruption(recorder).await;
        if !self.settings.queue_disabled {
            let trigger = match recorder.board().view().history.run {
                Run::Queued => Trigger::Submitted,
                _ => Trigger::Resumed,
            };
            self.start(recorder.clone(), lock, Some(trigger), None);
        }
        TakenUp::Other
    }

    /// The stored submission, if the journal does not know it.
    fn unrecorded(&self, recorder: &Recorder) -> Option<String> {
        let view = recorder.board().view();
        self.stored_inputs()
            .filter(|stored| stored.sealed.is_some() && view.history.run != Run::Complete)
            .map(|stored| stored.submission_id)
            .filter(|id| view.history.submission.as_ref() != Some(id))
    }

    /// Takes up a run that the journal has under way and that nobody works on: its request was given up after
    /// it was recorded, or a stop of it could not be recorded.
    pub(super) async fn take_up_abandoned(&self, recorder: &Recorder) {
        // Whoever holds this is about to start or stop it.
        let Ok(_one_at_a_time) = self.accepting.try_lock() else {
            return;
        };
        if !self.is_abandoned(recorder) {
            return;
        }
        let Ok(lock) = self.lock("setup") else { return };
        if recorder.catch_up().await.is_err() || !self.is_abandoned(recorder) {
            return;
        }
        let trigger = match recorder.board().view().history.run {
            Run::Queued => Trigger::Submitted,
            _ => Trigger::Resumed,
        };
        if matches!(recorder.board().view().history.run, Run::Running { .. }) {
            tracing::warn!("nobody works on the setup that is under way; it goes on");
            if let Err(error @ (RecordError::Journal(_) | RecordError::Ending)) =
                recorder.record(Event::Interrupted).await
            {
                return show_unrecorded(recorder, &error);
            }
        }
        self.start(recorder.clone(), lock, Some(trigger), None);
    }

    /// Whether a run should be worked on, and this process does not.
    fn is_abandoned(&self, recorder: &Recorder) -> bool {
        let is_due = match recorder.board().view().history.run {
            Run::Queued | Run::Running { .. } | Run::Interrupted { .. } => true,
            Run::Empty | Run::Blocked { .. } | Run::Cancelled { .. } | Run::Complete => false,
        };
        let tasks = self.tasks();
        is_due && tasks.job.as_ref().is_none_or(|job| job.handle.is_finished())
    }

    /// While somebody else holds the appliance, the board shows what their journal tells. What keeps the lock
    /// from being taken otherwise passes too: a full disk, too many open files.
    pub(super) async fn wait_for_lock(&self, recorder: &Recorder) -> FileLock {
        loop {
            match self.lock("setup") {
                Ok(lock) => {
                    recorder.board().change(|view| view.holder = None);
                    match recorder.catch_up().await {
                        Ok(()) => {
                            recorder.board().change(|view| view.engine_failure = None);
                            return lock;
                        }
                        Err(error) => show_unrecorded(recorder, &error),
                    }
                }
                Err(LockError::Held { holder, .. }) => {
                    tracing::info!(holder, "setup waits until the appliance is free");
                    recorder.board().change(|view| view.holder = Some(holder));
                    if let Err(error) = recorder.catch_up().await {
                        tracing::warn!(error = chain(&error), "another's progress cannot be read");
                    }
                }
                Err(error) => show_unrecorded(recorder, &error),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
