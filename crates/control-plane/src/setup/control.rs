//! What an operator can do to a run: start another attempt, or stop the one under way.

use std::sync::Arc;

use appliance_common::process::chain;
use appliance_common::state_file::LockError;

use super::history::History;
use super::recorder::{RecordError, Recorder};
use super::retry::Verdict;
use super::run::{Event, Run, Trigger};
use super::{Job, Setup};

/// Why a run was neither started nor stopped.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is nothing to start or stop.
    #[error("setup is {0}")]
    Nothing(&'static str),
    /// A run is under way.
    #[error("setup is running")]
    Running,
    /// Everything was handed over.
    #[error("setup is finished on this appliance")]
    Finished,
    /// This process was told to start nothing.
    #[error("ALGA_APPLIANCE_DISABLE_SETUP_QUEUE is set")]
    Disabled,
    /// A state file exists and cannot be read.
    #[error("the state of this appliance cannot be read: {0}")]
    StateUnreadable(String),
    /// The appliance is being changed by somebody else.
    #[error("something else is changing this appliance")]
    Busy(#[source] LockError),
    /// The disk.
    #[error("it could not be recorded")]
    Record(#[source] RecordError),
}

impl Setup {
    /// Starts another attempt with the answers that are there, at the first step that is not done.
    /// Works in every state in which a run has stopped; the automatic attempts are counted on.
    ///
    /// # Errors
    /// [`ControlError`]; nothing was then started.
    pub async fn retry(&self) -> Result<(), ControlError> {
        self.attempt(Trigger::Operator).await
    }

    /// Starts an attempt, if under the lock a run has still stopped.
    pub(super) async fn attempt(&self, trigger: Trigger) -> Result<(), ControlError> {
        let _one_at_a_time = self.accepting.lock().await;
        let recorder = self.control()?;
        check_can_start(&recorder.board().view().history.run)?;
        if self.settings.queue_disabled {
            return Err(ControlError::Disabled);
        }
        let lock = self.lock("setup").map_err(ControlError::Busy)?;
        recorder.catch_up().await.map_err(ControlError::Record)?;
        let view = recorder.board().view();
        check_can_start(&view.history.run)?;
        let is_due = matches!(self.verdict(&view.history), Verdict::DueAt(_));
        if trigger == Trigger::Automatic && !is_due {
            return Err(ControlError::Nothing(view.history.run.name()));
        }
        self.record_start(recorder, trigger)
            .await
            .map_err(ControlError::Record)?;
        self.start(recorder.clone(), lock, None, None);
        Ok(())
    }

    /// Stops the run under way, between or within steps, as a crash would; it then stays stopped until
    /// an operator retries it or submits other answers. A run that ends before the stop is recorded has
    /// ended: the caller is told so, and nothing was cancelled.
    ///
    /// # Errors
    /// [`ControlError`]; nothing was then stopped.
    pub async fn cancel(&self) -> Result<(), ControlError> {
        let _one_at_a_time = self.accepting.lock().await;
        let recorder = self.control()?;
        self.check_can_cancel(recorder)?;
        let job = self.tasks().job.take();
        let held = job.as_ref().and_then(|job| job.lock.upgrade());
        // The lock outlives the run, so that nobody comes between it and the record of its end.
        let _lock = match held {
            Some(lock) => lock,
            None => Arc::new(self.lock("setup").map_err(ControlError::Busy)?),
        };
        if let Some(Job { handle, .. }) = job {
            handle.abort();
            // Ends with the abort, or with the panic that the hook has logged.
            let _ = handle.await;
        }
        recorder.catch_up().await.map_err(ControlError::Record)?;
        self.check_can_cancel(recorder)?;
        match recorder.record(Event::Cancelled).await {
            Ok(()) => Ok(()),
            Err(RecordError::Document(error)) => {
                tracing::warn!(error = chain(&error), "the state document is out of date");
                Ok(())
            }
            Err(error) => Err(ControlError::Record(error)),
        }
    }

    /// Whether there is a run, or an attempt to come, that can be stopped.
    #[must_use]
    pub fn can_cancel(&self) -> bool {
        self.recorder
            .as_ref()
            .is_ok_and(|recorder| self.check_can_cancel(recorder).is_ok())
    }

    /// Whether another attempt can be started.
    #[must_use]
    pub fn can_retry(&self) -> bool {
        let view = self.view();
        !self.settings.queue_disabled && view.is_ok_and(|view| view.history.run.can_start())
    }

    fn check_can_cancel(&self, recorder: &Recorder) -> Result<(), ControlError> {
        let view = recorder.board().view();
        match &view.history.run {
            Run::Queued | Run::Running { .. } | Run::Interrupted { .. } => Ok(()),
            Run::Blocked { .. } => match self.verdict(&view.history) {
                Verdict::DueAt(_) if !self.settings.queue_disabled => Ok(()),
                Verdict::DueAt(_) | Verdict::Rest | Verdict::Exhausted => {
                    Err(ControlError::Nothing("blocked and not tried again by itself"))
                }
            },
            Run::Complete => Err(ControlError::Finished),
            run @ (Run::Empty | Run::Cancelled { .. }) => Err(ControlError::Nothing(run.name())),
        }
    }

    fn verdict(&self, history: &History) -> Verdict {
        self.settings.retry.policy.judge(history, self.clock.now())
    }

    fn control(&self) -> Result<&Recorder, ControlError> {
        self.recorder
            .as_ref()
            .map_err(|cause| ControlError::StateUnreadable(cause.clone()))
    }
}

fn check_can_start(run: &Run) -> Result<(), ControlError> {
    match run {
        Run::Blocked { .. } | Run::Interrupted { .. } | Run::Cancelled { .. } => Ok(()),
        Run::Queued | Run::Running { .. } => Err(ControlError::Running),
        Run::Complete => Err(ControlError::Finished),
        Run::Empty => Err(ControlError::Nothing("empty")),
    }
}
