//! Runs the steps of the plan in order and records what happened; knows nothing of what they do.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use appliance_common::process::chain;
use futures::FutureExt;
use tokio::time::timeout;
use tracing::Instrument;

use super::context::StepContext;
use super::failure::{Blame, Failure};
use super::plan::StepId;
use super::recorder::{RecordError, Recorder};
use super::run::Event;
use super::steps::{Outcome, Step};

/// Why the engine stopped before the end.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A step failed; the journal says so.
    #[error("setup is blocked at {step}: {}", failure.message)]
    Blocked {
        /// Which step.
        step: StepId,
        /// Why.
        failure: Box<Failure>,
    },
    /// What happened could not be recorded; nothing further was done.
    #[error("setup stopped")]
    Record(#[source] RecordError),
}

/// The engine: steps and the recorder they report to.
pub struct Engine {
    recorder: Recorder,
    steps: Vec<Box<dyn Step>>,
}

impl Engine {
    /// An engine for these steps, in this order.
    #[must_use]
    pub fn new(recorder: Recorder, steps: Vec<Box<dyn Step>>) -> Self {
        Self { recorder, steps }
    }

    /// Follows a run that was recorded as started to its end.
    ///
    /// Steps that the journal has as done and that a look at the live system confirms are skipped.
    ///
    /// # Errors
    /// [`EngineError`]; whichever it is, a later call goes on from there.
    pub async fn run(&self, cx: &StepContext) -> Result<(), EngineError> {
        for step in &self.steps {
            let id = step.id();
            if self.is_still_done(step.as_ref(), cx).await {
                continue;
            }
            self.record(Event::StepStarted { step: id }).await?;
            match guarded(step.as_ref(), cx)
                .instrument(tracing::info_span!("step", step = %id))
                .await
            {
                Ok(Outcome { summary, facts }) => {
                    tracing::info!(step = %id, summary, "step done");
                    self.record(Event::StepDone {
                        step: id,
                        summary,
                        facts,
                    })
                    .await?;
                }
                Err(failure) => {
                    tracing::warn!(
                        step = %id,
                        cause = failure.suspected_cause,
                        "{}",
                        failure.message
                    );
                    self.record(Event::StepFailed {
                        step: id,
                        failure: failure.clone(),
                    })
                    .await?;
                    return Err(EngineError::Blocked {
                        step: id,
                        failure: Box::new(failure),
                    });
                }
            }
        }
        self.record(Event::Completed).await
    }

    /// A step whose live look fails is run again: that is always right, only slower.
    async fn is_still_done(&self, step: &dyn Step, cx: &StepContext) -> bool {
        let recorded = self.recorder.board().view().history.is_recorded_done(step.id());
        recorded && matches!(timeout(step.limit(), step.is_done(cx)).await, Ok(Ok(true)))
    }

    async fn record(&self, event: Event) -> Result<(), EngineError> {
        match self.recorder.record(event).await {
            Ok(()) => Ok(()),
            // The journal has it, and the document is made again with the next event.
            Err(RecordError::Document(error)) => {
                tracing::warn!(error = chain(&error), "the state document is out of date");
                Ok(())
            }
            Err(error) => Err(EngineError::Record(error)),
        }
    }
}

/// Runs a step within its deadline; a panic in it is a failure of that step only.
async fn guarded(step: &dyn Step, cx: &StepContext) -> Result<Outcome, Failure> {
    let limit = step.limit();
    match timeout(limit, AssertUnwindSafe(step.run(cx)).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(Failure::new(
            Blame::RunSetupWorkflow,
            "defect",
            format!(
                "“{}” stopped because of a defect in the control plane",
                step.id().title()
            ),
            panic_text(panic.as_ref()),
            "Try again; if it happens again, make a support bundle and send it in.",
        )),
        Err(_) => Err(Failure::new(
            step.blame(),
            "timeout",
            format!("“{}” took too long", step.id().title()),
            format!("it did not finish within {} s", limit.as_secs()),
            "Check that the box is not overloaded and its disk is not full, then try again.",
        )
        .passing()),
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or(panic.downcast_ref::<&str>().copied());
    text.unwrap_or("no message").to_owned()
}
