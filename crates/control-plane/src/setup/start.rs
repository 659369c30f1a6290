//! Starting and resuming runs, and following them to their end.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use appliance_common::process::chain;
use appliance_common::random;
use appliance_common::state_file::{FileLock, LockError, StateFile};
use serde_json::Value;

use super::Setup;
use super::context::StepContext;
use super::engine::{Engine, EngineError};
use super::failure::{Blame, Failure};
use super::inputs::SetupInputs;
use super::plan::StepId;
use super::projection::COMPLETE_STATUS;
use super::recorder::{RecordError, Recorder};
use super::run::{Event, Run};
use super::steps;

/// Pause between two looks at what only another party can change: a lock, a full disk.
const PAUSE: Duration = Duration::from_secs(2);

impl Setup {
    /// Takes up what a stop left: a run that was queued, under way or interrupted goes on. Returns at
    /// once; the work is a task of its own.
    pub fn resume(&self) {
        let Ok(recorder) = self.recorder.clone() else {
            return;
        };
        let setup = self.clone();
        self.keep(tokio::spawn(async move { setup.take_up(&recorder).await }));
    }

    /// Ends the run under way, if there is one, as a crash would: the next start resumes it.
    pub fn stop(&self) {
        if let Some(task) = self.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }

    pub(super) fn start(&self, recorder: Recorder, lock: FileLock, inputs: SetupInputs, submission: String) {
        if self.settings.queue_disabled {
            tracing::info!("setup is queued and not started: ALGA_APPLIANCE_DISABLE_SETUP_QUEUE is set");
            return;
        }
        let setup = self.clone();
        self.keep(tokio::spawn(async move {
            setup.drive(&recorder, inputs, submission).await;
            drop(lock);
        }));
    }

    fn keep(&self, task: tokio::task::JoinHandle<()>) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    async fn take_up(&self, recorder: &Recorder) {
        let history = recorder.board().view().history.clone();
        // Answers were stored and a crash came before they were recorded. They were not confirmed to
        // anybody, but they are complete, so they are taken.
        let unrecorded = self
            .stored_inputs()
            .filter(|stored| stored.sealed.is_some() && history.run != Run::Complete)
            .map(|stored| stored.submission_id)
            .filter(|id| history.submission.as_ref() != Some(id));
        if history.run == Run::Empty && unrecorded.is_none() {
            return self.adopt_shipped(recorder).await;
        }
        match history.run {
            Run::Complete => {
                self.finish_document(recorder).await;
                return self.forget_secrets().await;
            }
            Run::Blocked { .. } if unrecorded.is_none() => {
                return refresh_document(recorder).await;
            }
            _ => {}
        }
        let Some(_lock) = self.wait_for_lock().await else {
            return;
        };
        note_interruption(recorder).await;
        if let Some(submission) = unrecorded {
            record(recorder, Event::Submitted { submission }).await;
        }
        if self.settings.queue_disabled {
            return;
        }
        match self.unseal(recorder.board()).await {
            Ok((inputs, submission)) => self.drive(recorder, inputs, submission).await,
            Err(failure) => self.block_at_start(recorder, failure).await,
        }
    }

    /// A crash may have come between the last journal line and the document made of it. A document that
    /// says more than a complete setup belongs to what came after, and is left alone.
    async fn finish_document(&self, recorder: &Recorder) {
        let document = StateFile::<Value>::at(&self.settings.state_file)
            .load()
            .ok()
            .flatten();
        let is_behind = document
            .is_none_or(|document| document.get("update").is_none() && document["status"] != COMPLETE_STATUS);
        if is_behind {
            refresh_document(recorder).await;
        }
    }

    pub(super) async fn wait_for_lock(&self) -> Option<FileLock> {
        loop {
            match self.lock("setup") {
                Ok(lock) => return Some(lock),
                Err(LockError::Held { holder, .. }) => {
                    tracing::info!(holder, "setup waits until the appliance is free");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::error!(error = chain(&error), "setup cannot be continued");
                    return None;
                }
            }
        }
    }

    /// Follows one run to its end. The caller holds the appliance's lock.
    pub(super) async fn drive(&self, recorder: &Recorder, inputs: SetupInputs, submission: String) {
        let board = recorder.board().clone();
        let context = StepContext::new(
            inputs,
            submission,
            Arc::clone(&self.settings),
            self.clock.clone(),
            board,
        );
        let context = match context {
            Ok(context) => context,
            Err(failure) => return self.block_at_start(recorder, failure).await,
        };
        let engine = Engine::new(recorder.clone(), steps::all());
        loop {
            let result = engine.run(&context, random::id(), self.boot_id.clone()).await;
            tracing::info!(
                requests = context.meter.requests(),
                waited_ms = u64::try_from(context.meter.waited().as_millis()).unwrap_or(u64::MAX),
                "setup run ended"
            );
            match result {
                Ok(()) => return self.forget_secrets().await,
                // The engine logged why, and the journal has it.
                Err(EngineError::Blocked { .. } | EngineError::Record(RecordError::Ending)) => return,
                Err(EngineError::Record(error)) => {
                    show_unrecorded(recorder, &error);
                    tokio::time::sleep(PAUSE).await;
                    note_interruption(recorder).await;
                }
            }
        }
    }

    /// Once everything is handed over, the answers on disk need no secret any more.
    async fn forget_secrets(&self) {
        let Some(mut stored) = self.stored_inputs().filter(|stored| stored.sealed.is_some()) else {
            return;
        };
        stored.sealed = None;
        if let Err(error) = self.store_inputs(stored).await {
            tracing::warn!(
                error = chain(&error),
                "the sealed answers are still on disk; the next start tries again"
            );
        }
    }

    /// Blocks a run that cannot even begin its first step.
    pub(super) async fn block_at_start(&self, recorder: &Recorder, failure: Failure) {
        let (step, run) = (StepId::Preflight, random::id());
        record(
            recorder,
            Event::RunStarted {
                run,
                boot_id: self.boot_id.clone(),
            },
        )
        .await;
        record(recorder, Event::StepStarted { step }).await;
        record(recorder, Event::StepFailed { step, failure }).await;
    }
}

/// Records that a run which the journal has under way has no engine any more.
pub(super) async fn note_interruption(recorder: &Recorder) {
    if matches!(recorder.board().view().history.run, Run::Running { .. }) {
        tracing::warn!("setup was interrupted and goes on");
        record(recorder, Event::Interrupted).await;
    }
}

/// Records an event, however long the disk takes to accept it; the board says why it waits.
pub(super) async fn record(recorder: &Recorder, event: Event) {
    loop {
        match recorder.record(event.clone()).await {
            Ok(()) | Err(RecordError::Ending) => return,
            Err(RecordError::Document(error)) => return warn_outdated(&error),
            Err(error) => show_unrecorded(recorder, &error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn refresh_document(recorder: &Recorder) {
    if let Err(error) = recorder.project().await {
        warn_outdated(&error);
    }
}

/// The journal has what happened; the document for other readers follows with the next event.
fn warn_outdated(error: &dyn std::error::Error) {
    tracing::warn!(error = chain(error), "the state document is out of date");
}

/// The disk does not take what happened: say so from memory. Setup goes on by itself once it does.
fn show_unrecorded(recorder: &Recorder, error: &RecordError) {
    tracing::error!(error = chain(error), "setup waits for its disk");
    let failure = Failure::new(
        Blame::RunSetupWorkflow,
        "state-write",
        "Setup waits because its progress cannot be recorded",
        chain(error),
        "Make room on the disk of this box; setup then goes on by itself.",
    );
    recorder
        .board()
        .change(|view| view.engine_failure = Some(failure));
}
