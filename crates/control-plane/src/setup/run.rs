//! The machine: what a run is after each event. Pure: no clock, no disk, no cluster.

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::plan::{PLAN, StepId};

/// What happened; one line of the journal each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// An operator's answers were accepted.
    Submitted {
        /// Id of the answers, as in `setup-inputs.json`.
        submission: String,
    },
    /// The engine took the run up, for the first time or again.
    RunStarted {
        /// Id of this attempt.
        run: String,
        /// The kernel's boot id: tells a reboot from a restart.
        boot_id: String,
    },
    /// A step begins.
    StepStarted {
        /// Which.
        step: StepId,
    },
    /// A step's result is there.
    StepDone {
        /// Which.
        step: StepId,
        /// One sentence for the operator.
        summary: String,
        /// Keys for the state document (20 §4).
        #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
        facts: serde_json::Map<String, serde_json::Value>,
    },
    /// A step stopped.
    StepFailed {
        /// Which.
        step: StepId,
        /// Why.
        failure: Failure,
    },
    /// The process that ran it is gone.
    Interrupted,
    /// Every step is done.
    Completed,
}

/// An event that cannot follow what came before.
#[derive(Debug, thiserror::Error)]
#[error("{event} cannot happen while setup is {state}")]
pub struct IllegalTransition {
    state: &'static str,
    event: &'static str,
}

/// An install from submission to completion.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Run {
    /// Nothing was submitted yet.
    #[default]
    Empty,
    /// Submitted; no engine has taken it up.
    Queued,
    /// An engine works: at `step`, or between steps when that is `None`.
    Running {
        /// The step under way.
        step: Option<StepId>,
    },
    /// A step failed.
    Blocked {
        /// Which.
        step: StepId,
        /// Why.
        failure: Failure,
    },
    /// The engine's process ended in the middle.
    Interrupted {
        /// The step that was under way.
        step: Option<StepId>,
    },
    /// Handed to Flux, everything recorded.
    Complete,
}

impl Run {
    /// The run after `event`.
    ///
    /// # Errors
    /// [`IllegalTransition`] for an event that cannot follow; the journal is then not ours.
    pub fn on(self, event: &Event) -> Result<Self, IllegalTransition> {
        Ok(match (self, event) {
            (Self::Running { .. }, Event::Submitted { .. } | Event::RunStarted { .. }) => {
                return Err(IllegalTransition {
                    state: "running",
                    event: event.name(),
                });
            }
            (_, Event::Submitted { .. }) => Self::Queued,
            (
                Self::Queued | Self::Interrupted { .. } | Self::Blocked { .. } | Self::Complete,
                Event::RunStarted { .. },
            ) => Self::Running { step: None },
            (Self::Running { step: None }, Event::StepStarted { step }) => {
                Self::Running { step: Some(*step) }
            }
            (Self::Running { step: Some(at) }, Event::StepDone { step, .. }) if at == *step => {
                Self::Running { step: None }
            }
            (Self::Running { step: Some(at) }, Event::StepFailed { step, failure }) if at == *step => {
                Self::Blocked {
                    step: at,
                    failure: failure.clone(),
                }
            }
            (Self::Running { step }, Event::Interrupted) => Self::Interrupted { step },
            (Self::Running { step: None }, Event::Completed) => Self::Complete,
            (from, event) => {
                return Err(IllegalTransition {
                    state: from.name(),
                    event: event.name(),
                });
            }
        })
    }

    /// Whether new answers may replace the old ones, as far as the run itself is concerned.
    #[must_use]
    pub fn accepts_submission(&self) -> bool {
        match self {
            Self::Empty | Self::Blocked { .. } | Self::Interrupted { .. } => true,
            Self::Queued | Self::Running { .. } | Self::Complete => false,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Blocked { .. } => "blocked",
            Self::Interrupted { .. } => "interrupted",
            Self::Complete => "complete",
        }
    }
}

impl Event {
    fn name(&self) -> &'static str {
        match self {
            Self::Submitted { .. } => "submitted",
            Self::RunStarted { .. } => "run-started",
            Self::StepStarted { .. } => "step-started",
            Self::StepDone { .. } => "step-done",
            Self::StepFailed { .. } => "step-failed",
            Self::Interrupted => "interrupted",
            Self::Completed => "completed",
        }
    }
}

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
