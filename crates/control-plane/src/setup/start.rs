//! Starting and resuming runs.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use appliance_common::meter::Meter;
use appliance_common::process::chain;
use appliance_common::random;
use appliance_common::state_file::{FileLock, LockError, StateFile};

use super::Setup;
use super::context::StepContext;
use super::engine::{Engine, EngineError};
use super::failure::{Blame, Failure};
use super::inputs::{SetupInputs, StoredInputs};
use super::plan::StepId;
use super::recorder::{RecordError, Recorder};
use super::run::{Event, Run};
use super::seal_key::{self, SealKeyError};
use super::steps;

/// Pause between two looks at something that only another party can change: a lock, a dead cluster.
const PAUSE: Duration = Duration::from_secs(2);

impl Setup {
    /// Takes up what a stop left: a run that was queued, under way or interrupted goes on. Returns at
    /// once; the work is a task of its own.
    pub fn resume(&self) {
        let Ok(recorder) = self.recorder.clone() else {
            return;
        };
        let setup = self.clone();
        self.keep(tokio::spawn(async move { setup.take_up(recorder).await }));
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
            setup.drive(&recorder, lock, inputs, submission).await;
        }));
    }

    fn keep(&self, task: tokio::task::JoinHandle<()>) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    async fn take_up(&self, recorder: Recorder) {
        let history = recorder.board().view().history.clone();
        let stored = self.stored_inputs().filter(|stored| stored.sealed.is_some());
        // Answers were stored and a crash came before they were recorded. They were not confirmed to
        // anybody, but they are complete, so they are taken.
        let unrecorded = stored
            .map(|stored| stored.submission_id)
            .filter(|id| history.submission.as_ref() != Some(id) && !matches!(history.run, Run::Complete));
        match history.run {
            Run::Complete => return self.forget_secrets().await,
            Run::Empty | Run::Blocked { .. } if unrecorded.is_none() => {
                return self.refresh_document(&recorder).await;
            }
            _ => {}
        }
        let Some(lock) = self.wait_for_lock().await else {
            return;
        };
        if matches!(history.run, Run::Running { .. }) {
            tracing::warn!("setup was interrupted and goes on");
            if self.record(&recorder, Event::Interrupted).await.is_err() {
                return;
            }
        }
        if let Some(submission) = unrecorded
            && self
                .record(&recorder, Event::Submitted { submission })
                .await
                .is_err()
        {
            return;
        }
        if !self.settings.queue_disabled {
            self.resume_run(&recorder, lock).await;
        }
    }

    async fn resume_run(&self, recorder: &Recorder, lock: FileLock) {
        match self.unseal(recorder).await {
            Ok((inputs, submission)) => self.drive(recorder, lock, inputs, submission).await,
            Err(failure) => self.block_at_start(recorder, failure).await,
        }
    }

    async fn wait_for_lock(&self) -> Option<FileLock> {
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

    /// The stored answers with their secrets; waits for a cluster that does not answer.
    async fn unseal(&self, recorder: &Recorder) -> Result<(SetupInputs, String), Failure> {
        let stored: StoredInputs = StateFile::at(&self.settings.inputs_file)
            .load()
            .map_err(|error| unreadable_answers(&chain(&error)))?
            .ok_or_else(|| unreadable_answers("setup-inputs.json is gone"))?;
        let sealed = stored
            .sealed
            .as_deref()
            .ok_or_else(|| unreadable_answers("they hold no password any more"))?;
        let key = loop {
            match self.seal_key().await {
                Ok(key) => break key,
                Err(SealKeyError::Cluster(error)) if error.transient() => {
                    recorder.board().say(format!("waiting for the cluster: {error}"));
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(unreadable_answers(&chain(&error))),
            }
        };
        let secrets = key
            .open(&stored.submission_id, sealed)
            .map_err(|error| unreadable_answers(&chain(&error)))?;
        let inputs = SetupInputs::from_stored(&stored, &secrets)
            .map_err(|error| unreadable_answers(&chain(&error)))?;
        Ok((inputs, stored.submission_id))
    }

    async fn seal_key(&self) -> Result<super::seal::SealKey, SealKeyError> {
        let cluster = self
            .settings
            .cluster
            .open(Arc::new(Meter::default()))
            .await
            .map_err(SealKeyError::Cluster)?;
        seal_key::get(&cluster).await
    }

    /// Follows one run to its end, holding the appliance's lock.
    async fn drive(&self, recorder: &Recorder, lock: FileLock, inputs: SetupInputs, submission: String) {
        let context = StepContext::new(
            inputs,
            submission,
            Arc::clone(&self.settings),
            self.clock.clone(),
            recorder.board().clone(),
        );
        let context = match context {
            Ok(context) => context,
            Err(failure) => return self.block_at_start(recorder, failure).await,
        };
        let result = Engine::new(recorder.clone(), steps::all())
            .run(&context, random::id(), self.boot_id.clone())
            .await;
        tracing::info!(
            requests = context.meter.requests(),
            waited_ms = u64::try_from(context.meter.waited().as_millis()).unwrap_or(u64::MAX),
            "setup run ended"
        );
        match result {
            Ok(()) => self.forget_secrets().await,
            // The engine logged why, and the journal has it.
            Err(EngineError::Blocked { .. }) => {}
            Err(EngineError::Record(error)) => show_unrecorded(recorder, &error),
        }
        drop(lock);
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

    async fn refresh_document(&self, recorder: &Recorder) {
        if let Err(error) = recorder.project().await {
            tracing::warn!(error = chain(&error), "the state document is out of date");
        }
    }

    /// Blocks a run that cannot even begin its first step.
    async fn block_at_start(&self, recorder: &Recorder, failure: Failure) {
        let step = StepId::Preflight;
        for event in [
            Event::RunStarted {
                run: random::id(),
                boot_id: self.boot_id.clone(),
            },
            Event::StepStarted { step },
            Event::StepFailed { step, failure },
        ] {
            if self.record(recorder, event).await.is_err() {
                return;
            }
        }
    }

    async fn record(&self, recorder: &Recorder, event: Event) -> Result<(), ()> {
        match recorder.record(event).await {
            Ok(()) => Ok(()),
            Err(RecordError::Document(error)) => {
                tracing::warn!(error = chain(&error), "the state document is out of date");
                Ok(())
            }
            Err(error) => {
                show_unrecorded(recorder, &error);
                Err(())
            }
        }
    }
}

/// The disk does not take what happened: say so from memory, and stop.
fn show_unrecorded(recorder: &Recorder, error: &RecordError) {
    tracing::error!(error = chain(error), "setup stopped");
    let failure = Failure::new(
        Blame::RunSetupWorkflow,
        "state-write",
        "Setup stopped because its progress cannot be recorded",
        chain(error),
        "Make room on the disk of this box; then submit again or restart the control plane: setup goes on from here.",
    );
    recorder
        .board()
        .change(|view| view.engine_failure = Some(failure));
}

fn unreadable_answers(cause: &str) -> Failure {
    Failure::new(
        Blame::RenderInitialTenantSecret,
        "answers",
        "Your stored answers cannot be opened",
        cause,
        "Enter them again on the setup page; nothing else is lost.",
    )
    .correctable()
}
