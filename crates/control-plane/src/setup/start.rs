//! Starting and resuming runs, and following them to their end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::process::chain;
use appliance_common::random;
use appliance_common::state_file::{FileLock, LockError, StateFile};
use futures::FutureExt;
use serde_json::Value;

use super::context::StepContext;
use super::engine::{Engine, EngineError, panic_text};
use super::failure::{Blame, Failure};
use super::handover;
use super::inputs::SetupInputs;
use super::plan::StepId;
use super::projection::COMPLETE_STATUS;
use super::recorder::{RecordError, Recorder};
use super::retry::Target;
use super::run::{Event, Run, Trigger};
use super::{Job, Setup, steps};

/// Pause between two looks at what only another party can change: a lock, a full disk.
const PAUSE: Duration = Duration::from_secs(2);
/// Pause before the release is followed again.
const HANDOVER_PAUSE: Duration = Duration::from_secs(15);
/// How often the engine of a run shows that it lives, and looks whether the cluster does.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often a run goes on by itself after a defect of the engine, before it waits for an operator.
const MAX_REVIVALS: u32 = 3;

/// Answers with their secrets, and which submission they are.
pub(super) type Answers = (SetupInputs, String);

/// What a start found to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TakenUp {
    /// Everything was handed to Flux: the release is followed.
    HandedOver,
    /// A run, which goes on by itself, or nothing.
    Other,
}

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
        let Some(lock) = self.wait_for_lock(recorder).await else {
            return TakenUp::Other;
        };
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

    /// A crash may have come between the last journal line and the document made of it. A document that
    /// says more than a complete setup belongs to what came after, and is left alone.
    async fn finish_document(&self, recorder: &Recorder) {
        if self.is_document_behind() {
            refresh_document(recorder).await;
        }
    }

    fn is_document_behind(&self) -> bool {
        let document = StateFile::<Value>::at(&self.settings.state_file).load();
        document
            .ok()
            .flatten()
            .is_none_or(|document| document.get("update").is_none() && document["status"] != COMPLETE_STATUS)
    }

    /// What a complete run leaves on the disk, however long the disk takes to accept it: a document that says
    /// so, and answers without secrets.
    async fn settle(&self, recorder: &Recorder) {
        loop {
            self.finish_document(recorder).await;
            self.forget_secrets().await;
            let is_sealed = self.stored_inputs().is_some_and(|stored| stored.sealed.is_some());
            if !is_sealed && !self.is_document_behind() {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Follows what Flux makes of a complete run, to its end. Neither an error nor a defect ends it.
    pub(super) async fn hand_over(&self, recorder: &Recorder) {
        while recorder.board().view().history.run == Run::Complete {
            match AssertUnwindSafe(handover::follow(self, recorder))
                .catch_unwind()
                .await
            {
                Ok(Ok(())) => return,
                Ok(Err(error)) => tracing::warn!(error = chain(&error), "the release cannot be followed"),
                Err(_) => {
                    tracing::error!("following the release stopped because of a defect; it begins anew");
                }
            }
            tokio::time::sleep(HANDOVER_PAUSE).await;
        }
    }

    /// While somebody else holds the appliance, the board shows what their journal tells.
    pub(super) async fn wait_for_lock(&self, recorder: &Recorder) -> Option<FileLock> {
        loop {
            match self.lock("setup") {
                Ok(lock) => {
                    recorder.board().change(|view| view.holder = None);
                    if let Err(error) = recorder.catch_up().await {
                        tracing::error!(error = chain(&error), "setup cannot be continued");
                        return None;
                    }
                    return Some(lock);
                }
                Err(LockError::Held { holder, .. }) => {
                    tracing::info!(holder, "setup waits until the appliance is free");
                    recorder.board().change(|view| view.holder = Some(holder));
                    tokio::time::sleep(PAUSE).await;
                    if let Err(error) = recorder.catch_up().await {
                        tracing::warn!(error = chain(&error), "another's progress cannot be read");
                    }
                }
                Err(error) => {
                    tracing::error!(error = chain(&error), "setup cannot be continued");
                    return None;
                }
            }
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
        let engine = Engine::new(recorder.clone(), steps::all());
        loop {
            let result = engine.run(&context).await;
            tracing::info!(
                requests = context.meter.requests(),
                waited_ms = u64::try_from(context.meter.waited().as_millis()).unwrap_or(u64::MAX),
                "setup run ended"
            );
            match result {
                Ok(()) => return self.settle(recorder).await,
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

    /// Once everything is handed over, the answers on disk need no secret any more.
    async fn forget_secrets(&self) {
        let Some(mut stored) = self.stored_inputs().filter(|stored| stored.sealed.is_some()) else {
            return;
        };
        stored.sealed = None;
        if let Err(error) = self.store_inputs(stored).await {
            tracing::warn!(
                error = chain(&error),
                "the sealed answers are still on disk; it is tried again"
            );
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

    fn run_started(&self, trigger: Trigger) -> Event {
        Event::RunStarted {
            run: random::id(),
            boot_id: self.boot_id.clone(),
            trigger,
            inputs: self.stored_inputs().map(|stored| stored.digest()),
        }
    }
}

/// Blocks a run at the step under way, or at the first where there is none.
async fn block(recorder: &Recorder, failure: Failure) {
    let under_way = match recorder.board().view().history.run {
        Run::Running { step } => step,
        _ => None,
    };
    let step = under_way.unwrap_or(StepId::Preflight);
    if under_way.is_none() {
        record(recorder, Event::StepStarted { step }).await;
    }
    record(recorder, Event::StepFailed { step, failure }).await;
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
