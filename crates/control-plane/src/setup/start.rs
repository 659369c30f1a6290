//! Starting runs, and following them to their end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::process::chain;
use appliance_common::random;
use appliance_common::state_file::FileLock;
use futures::FutureExt;

use super::context::StepContext;
use super::engine::{Engine, EngineError, panic_text};
use super::failure::{Blame, Failure};
use super::handover;
use super::inputs::SetupInputs;
use super::noting::{PAUSE, block, note_interruption, record, show_unrecorded, warn_outdated};
use super::recorder::{RecordError, Recorder};
use super::retry::Target;
use super::run::{Event, Run, Trigger};
use super::{Job, Setup, steps};

/// Pause before the release is followed again.
const HANDOVER_PAUSE: Duration = Duration::from_secs(15);
/// How often the engine of a run shows that it lives, and looks whether the cluster does.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often a run goes on by itself after a defect of the engine, before it waits for an operator.
const MAX_REVIVALS: u32 = 3;

/// Answers with their secrets, and which submission they are.
pub(super) type Answers = (SetupInputs, String);

impl Setup {
    /// Ends the run under way, if there is one, as a crash would: the next start resumes it.
    pub fn stop(&self) {
        let mut tasks = self.tasks();
        let handles = [tasks.reconciler.take(), tasks.job.take().map(|job| job.handle)];
        for handle in handles.into_iter().flatten() {
            handle.abort();
        }
    }

    /// Follows a run to its end in a task of its own. `begin` is recorded first, where the run was not
    /// recorded as started yet; without `answers` they are read from the disk.
    pub(super) fn start(
        &self,
        recorder: Recorder,
        lock: FileLock,
        begin: Option<Trigger>,
        answers: Option<Answers>,
    ) {
        let (setup, lock) = (self.clone(), Arc::new(lock));
        let held = Arc::downgrade(&lock);
        let handle = tokio::spawn(async move {
            if let Some(trigger) = begin {
                record(&recorder, setup.run_started(trigger)).await;
            }
            setup.follow(&recorder, answers).await;
            drop(lock);
            setup.hand_over(&recorder).await;
        });
        self.tasks().job = Some(Job { handle, lock: held });
    }

    /// Follows what Flux makes of a complete run, to its end. Neither an error nor a defect ends it.
    pub(super) async fn hand_over(&self, recorder: &Recorder) {
        while recorder.board().view().history.run == Run::Complete {
            match AssertUnwindSafe(handover::follow(self, recorder))
                .catch_unwind()
                .await
            {
                Ok(Ok(never)) => match never {},
                Ok(Err(error)) => tracing::warn!(error = chain(&error), "the release cannot be followed"),
                Err(_) => {
                    tracing::error!("following the release stopped because of a defect; it begins anew");
                }
            }
            tokio::time::sleep(HANDOVER_PAUSE).await;
        }
    }

    /// Follows one run to its end, with a watch beside it. A defect of the engine interrupts it, and it
    /// goes on, so many times.
    async fn follow(&self, recorder: &Recorder, answers: Option<Answers>) {
        for _ in 0..MAX_REVIVALS {
            let work = async {
                tokio::select! {
                    () = self.drive(recorder, answers.clone()) => {}
                    never = self.keep_watch(recorder) => match never {},
                }
            };
            let Err(panic) = AssertUnwindSafe(work).catch_unwind().await else {
                return;
            };
            tracing::error!(panic = panic_text(panic.as_ref()), "the setup engine stopped");
            note_interruption(recorder).await;
            tokio::time::sleep(PAUSE).await;
            record(recorder, self.run_started(Trigger::Resumed)).await;
        }
        block(recorder, engine_defect()).await;
    }

    /// Follows one run to its end. The caller holds the appliance's lock.
    async fn drive(&self, recorder: &Recorder, answers: Option<Answers>) {
        let board = recorder.board().clone();
        let answers = match answers {
            Some(answers) => Ok(answers),
            None => self.unseal(&board).await,
        };
        let context = answers.and_then(|(inputs, submission)| {
            let settings = Arc::clone(&self.settings);
            StepContext::new(inputs, submission, settings, self.clock.clone(), board)
        });
        let context = match context {
            Ok(context) => context,
            Err(failure) => return block(recorder, failure).await,
        };
        // Until then boot sees to it that the rights are there.
        if self
            .selection()
            .is_some_and(|selection| selection.installed_at.is_some())
            && let Ok(cluster) = context.cluster().await
        {
            self.gain_rights(cluster).await;
        }
        let engine = Engine::new(recorder.clone(), steps::all());
        loop {
            let result = engine.run(&context).await;
            tracing::info!(
                requests = context.meter.requests(),
                waited_ms = u64::try_from(context.meter.waited().as_millis()).unwrap_or(u64::MAX),
                "setup run ended"
            );
            match result {
                Ok(()) => {
                    self.settle(recorder).await;
                    return self.drop_rights().await;
                }
                // The engine logged why, and the journal has it.
                Err(EngineError::Blocked { .. } | EngineError::Record(RecordError::Ending)) => return,
                Err(EngineError::Record(error)) => {
                    show_unrecorded(recorder, &error);
                    tokio::time::sleep(PAUSE).await;
                    note_interruption(recorder).await;
                    record(recorder, self.run_started(Trigger::Resumed)).await;
                }
            }
        }
    }

    /// Beside a run: shows that its engine lives, and names a cluster that does not answer while a step
    /// still waits for it.
    async fn keep_watch(&self, recorder: &Recorder) -> std::convert::Infallible {
        let mut told = None;
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            if let Err(error) = recorder.beat().await {
                tracing::warn!(error = chain(&error), "the heartbeat was not written");
            }
            let waits_for = self
                .look_at(Target::Cluster)
                .await
                .err()
                .map(|cause| format!("the Kubernetes API server of this box does not answer: {cause}"));
            // What a request that gets no answer tells by itself stays.
            if waits_for != told {
                told.clone_from(&waits_for);
                recorder.board().change(|view| view.waits_for = waits_for);
            }
        }
    }

    /// The setup token, where a readable one is there.
    pub(super) fn setup_token(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.settings.token_file).ok()?;
        Some(text.trim().to_owned())
    }

    /// Blocks a run that cannot even begin its first step.
    pub(super) async fn block_at_start(&self, recorder: &Recorder, failure: Failure) {
        record(recorder, self.run_started(Trigger::Resumed)).await;
        block(recorder, failure).await;
    }

    /// Records that an attempt begins.
    pub(super) async fn record_start(
        &self,
        recorder: &Recorder,
        trigger: Trigger,
    ) -> Result<(), RecordError> {
        match recorder.record(self.run_started(trigger)).await {
            Err(RecordError::Document(error)) => {
                warn_outdated(&error);
                Ok(())
            }
            other => other,
        }
    }

    pub(super) fn run_started(&self, trigger: Trigger) -> Event {
        Event::RunStarted {
            run: random::id(),
            boot_id: self.boot_id.clone(),
            trigger,
            inputs: self.stored_inputs().map(|stored| stored.digest()),
        }
    }
}

fn engine_defect() -> Failure {
    Failure::new(
        Blame::RunSetupWorkflow,
        "defect",
        "Setup stopped because of a defect in the control plane",
        format!("its engine stopped {MAX_REVIVALS} times in a row; the log of the control plane says where"),
        "Try again; if it happens again, make a support bundle and send it in.",
    )
}
