//! Everything the journal tells about the last submission, folded.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::handover::BootstrapRecord;
use super::plan::{PLAN, StepId};
use super::run::{Event, IllegalTransition, Run, Trigger};

/// One step as the history tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// Which.
    pub id: StepId,
    /// Where it is.
    pub status: StepStatus,
    /// How often it was begun since the submission.
    pub attempt: u32,
    /// When it was begun last; ISO-8601.
    pub started_at: Option<String>,
    /// When it ended last.
    pub finished_at: Option<String>,
    /// Its result, or the message of its failure.
    pub summary: Option<String>,
}

/// Where a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Its result was there.
    Done,
    /// It stopped.
    Failed,
    /// The process ended in the middle of it.
    Interrupted,
    /// An operator stopped it.
    Cancelled,
}

/// Everything the journal tells, folded.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The machine's state.
    pub run: Run,
    /// Id of the last submission.
    pub submission: Option<String>,
    /// When it was accepted; ISO-8601.
    pub submitted_at: Option<String>,
    /// Attempts of the engine since then.
    pub attempt: u32,
    /// How many of them were begun by the engine itself after a failure.
    pub automatic: u32,
    /// Digest of the answers that the steps below were done with.
    pub inputs: Option<String>,
    /// Since when the run is as it is: queued, running, blocked, interrupted, cancelled or complete.
    pub since: Option<String>,
    /// Id and boot id of the last attempt, and when it began.
    pub last_run: Option<RunRecord>,
    /// One record for each step of the plan.
    pub steps: Vec<StepRecord>,
    /// Where and when the engine was gone last, until the run ends.
    pub interruption: Option<Interruption>,
    /// Facts of the steps that are done.
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// What the release did after it was handed over.
    pub bootstrap: Option<BootstrapRecord>,
    /// How long each step took when it was last done on this box, over all submissions.
    pub took: [Option<SignedDuration>; PLAN.len()],
}

/// The end of an engine in the middle of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interruption {
    /// When it last showed that it lived; ISO-8601.
    pub at: String,
    /// The step that was under way.
    pub step: Option<StepId>,
}

/// The last attempt.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRecord {
    /// Id of the attempt.
    pub id: String,
    /// How many there were since the submission.
    pub attempt: u32,
    /// When it began; ISO-8601.
    pub started_at: String,
    /// The boot it began in.
    pub boot_id: String,
    /// When its engine last showed that it lives; ISO-8601.
    pub heartbeat_at: String,
    /// Why it was begun.
    pub trigger: Trigger,
}

impl Default for History {
    fn default() -> Self {
        Self {
            run: Run::Empty,
            submission: None,
            submitted_at: None,
            attempt: 0,
            automatic: 0,
            inputs: None,
            since: None,
            last_run: None,
            steps: PLAN.map(StepRecord::pending).into(),
            interruption: None,
            facts: serde_json::Map::new(),
            bootstrap: None,
            took: [None; PLAN.len()],
        }
    }
}

impl StepRecord {
    fn pending(id: StepId) -> Self {
        Self {
            id,
            status: StepStatus::Pending,
            attempt: 0,
            started_at: None,
            finished_at: None,
            summary: None,
        }
    }
}

impl StepStatus {
    /// The word for it on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
        }
    }
}

impl StepRecord {
    /// How long it took, where both ends are known and in order.
    #[must_use]
    pub fn took(&self) -> Option<SignedDuration> {
        let at = |text: &Option<String>| text.as_ref()?.parse::<Timestamp>().ok();
        let took = at(&self.finished_at)?.duration_since(at(&self.started_at)?);
        (!took.is_negative()).then_some(took)
    }
}

impl History {
    /// The history after one more event; `at` is its time stamp.
    ///
    /// # Errors
    /// [`IllegalTransition`], as [`Run::on`].
    pub fn on(mut self, event: &Event, at: &str) -> Result<Self, IllegalTransition> {
        let was = self.run.name();
        self.run = self.run.on(event)?;
        if self.run.name() != was || matches!(event, Event::Submitted { .. }) {
            self.since = Some(at.to_owned());
        }
        self.beat(at);
        match event {
            Event::Submitted { submission } => self = self.submitted(submission, at),
            Event::RunStarted {
                run,
                boot_id,
                trigger,
                inputs,
            } => {
                self.use_inputs(inputs.as_ref());
                self.attempt += 1;
                self.automatic += u32::from(*trigger == Trigger::Automatic);
                self.last_run = Some(RunRecord {
                    id: run.clone(),
                    attempt: self.attempt,
                    started_at: at.to_owned(),
                    boot_id: boot_id.clone(),
                    heartbeat_at: at.to_owned(),
                    trigger: *trigger,
                });
            }
            Event::StepStarted { step } => {
                let record = self.step(*step);
                record.status = StepStatus::Running;
                record.attempt += 1;
                record.started_at = Some(at.to_owned());
                record.finished_at = None;
                record.summary = None;
            }
            Event::StepDone { step, summary, facts } => {
                self.end_step(*step, StepStatus::Done, at, summary);
                self.took[*step as usize] = self.step(*step).took().or(self.took[*step as usize]);
                self.facts.extend(facts.clone());
            }
            Event::StepFailed { step, failure } => {
                self.end_step(*step, StepStatus::Failed, at, &failure.message);
            }
            Event::Interrupted => {
                self.note_interruption();
                self.end_running(StepStatus::Interrupted, at);
            }
            Event::Cancelled => self.end_running(StepStatus::Cancelled, at),
            Event::Completed => self.interruption = None,
            Event::BootstrapObserved { bootstrap } => self.bootstrap = Some((**bootstrap).clone()),
        }
        Ok(self)
    }

    /// Whether the journal says that this step's result was there, for these answers.
    #[must_use]
    pub fn is_recorded_done(&self, step: StepId) -> bool {
        self.steps
            .iter()
            .any(|record| record.id == step && record.status == StepStatus::Done)
    }

    /// Notes that the engine of the run under way lives.
    pub fn beat(&mut self, at: &str) {
        if let (Run::Running { .. }, Some(run)) = (&self.run, &mut self.last_run) {
            at.clone_into(&mut run.heartbeat_at);
        }
    }

    /// New answers begin a history of their own; what this box can do in which time stays known.
    fn submitted(self, submission: &str, at: &str) -> Self {
        Self {
            run: self.run,
            submission: Some(submission.to_owned()),
            submitted_at: Some(at.to_owned()),
            since: self.since,
            took: self.took,
            ..Self::default()
        }
    }

    /// Ends the step under way, if there is one, without a result of its own.
    fn end_running(&mut self, status: StepStatus, at: &str) {
        let running = self.steps.iter().find(|step| step.status == StepStatus::Running);
        if let Some(step) = running.map(|step| step.id) {
            self.end_step(step, status, at, status.as_str());
        }
    }

    fn note_interruption(&mut self) {
        let Run::Interrupted { step } = self.run else {
            return;
        };
        self.interruption = self.last_run.as_ref().map(|run| Interruption {
            at: run.heartbeat_at.clone(),
            step,
        });
    }

    /// Steps that were done with other answers are to be done again, from the first.
    fn use_inputs(&mut self, inputs: Option<&String>) {
        let Some(inputs) = inputs else { return };
        if self.inputs.as_ref().is_some_and(|before| before != inputs) {
            for record in &mut self.steps {
                record.status = StepStatus::Pending;
            }
            self.facts.clear();
        }
        self.inputs = Some(inputs.clone());
    }

    fn end_step(&mut self, step: StepId, status: StepStatus, at: &str, summary: &str) {
        let record = self.step(step);
        record.status = status;
        record.finished_at = Some(at.to_owned());
        record.summary = Some(summary.to_owned());
    }

    fn step(&mut self, step: StepId) -> &mut StepRecord {
        // `steps` has one record for each step, in the order of the plan, which is the enum's.
        &mut self.steps[step as usize]
    }
}

#[cfg(test)]
mod tests;
