//! Everything the journal tells about the last submission, folded.

use serde::Serialize;

use super::handover::BootstrapRecord;
use super::plan::{PLAN, StepId};
use super::run::{Event, IllegalTransition, Run};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
}

/// Everything the journal tells, folded.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// The machine's state.
    pub run: Run,
    /// Id of the last submission.
    pub submission: Option<String>,
    /// Attempts of the engine since then.
    pub attempt: u32,
    /// Id and boot id of the last attempt, and when it began.
    pub last_run: Option<RunRecord>,
    /// One record for each step of the plan.
    pub steps: Vec<StepRecord>,
    /// Facts of the steps that are done.
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// What the release did after it was handed over.
    pub bootstrap: Option<BootstrapRecord>,
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
}

impl Default for History {
    fn default() -> Self {
        Self {
            run: Run::Empty,
            submission: None,
            attempt: 0,
            last_run: None,
            steps: PLAN.map(StepRecord::pending).into(),
            facts: serde_json::Map::new(),
            bootstrap: None,
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

impl History {
    /// The history after one more event; `at` is its time stamp.
    ///
    /// # Errors
    /// [`IllegalTransition`], as [`Run::on`].
    pub fn on(mut self, event: &Event, at: &str) -> Result<Self, IllegalTransition> {
        self.run = self.run.on(event)?;
        match event {
            Event::Submitted { submission } => {
                let run = self.run;
                self = Self {
                    run,
                    submission: Some(submission.clone()),
                    ..Self::default()
                };
            }
            Event::RunStarted { run, boot_id } => {
                self.attempt += 1;
                self.last_run = Some(RunRecord {
                    id: run.clone(),
                    attempt: self.attempt,
                    started_at: at.to_owned(),
                    boot_id: boot_id.clone(),
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
                self.facts.extend(facts.clone());
            }
            Event::StepFailed { step, failure } => {
                self.end_step(*step, StepStatus::Failed, at, &failure.message);
            }
            Event::Interrupted => {
                if let Run::Interrupted { step: Some(step) } = self.run {
                    self.end_step(step, StepStatus::Interrupted, at, "interrupted");
                }
            }
            Event::Completed => {}
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
