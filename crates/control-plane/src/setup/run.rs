//! The machine: what a run is after each event. Pure: no clock, no disk, no cluster.

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::handover::BootstrapRecord;
use super::plan::StepId;

/// Why the engine took a run up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// Answers were just accepted.
    Submitted,
    /// An operator asked for another attempt.
    Operator,
    /// A failure that can pass by itself was tried again by itself.
    Automatic,
    /// The process that ran it was gone.
    #[default]
    Resumed,
}

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
        /// Why.
        #[serde(default)]
        trigger: Trigger,
        /// Digest of the stored answers: a step counts as done only for the answers it was done with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inputs: Option<String>,
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
    /// An operator stopped it; nothing goes on by itself.
    Cancelled,
    /// Every step is done.
    Completed,
    /// What the release does after it was handed over.
    BootstrapObserved {
        /// All that is known of it.
        bootstrap: Box<BootstrapRecord>,
    },
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
    /// An operator stopped it; it waits for a retry or for other answers.
    Cancelled {
        /// The step that was under way, or that had failed.
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
            (
                Self::Empty
                | Self::Queued
                | Self::Blocked { .. }
                | Self::Interrupted { .. }
                | Self::Cancelled { .. },
                Event::Submitted { .. },
            ) => Self::Queued,
            (
                Self::Queued | Self::Interrupted { .. } | Self::Blocked { .. } | Self::Cancelled { .. },
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
            (Self::Queued, Event::Cancelled) => Self::Cancelled { step: None },
            (Self::Running { step } | Self::Interrupted { step }, Event::Cancelled) => {
                Self::Cancelled { step }
            }
            (Self::Blocked { step, .. }, Event::Cancelled) => Self::Cancelled { step: Some(step) },
            (Self::Running { step: None }, Event::Completed)
            | (Self::Complete, Event::BootstrapObserved { .. }) => Self::Complete,
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
            Self::Empty | Self::Blocked { .. } | Self::Interrupted { .. } | Self::Cancelled { .. } => true,
            Self::Queued | Self::Running { .. } | Self::Complete => false,
        }
    }

    /// Whether an attempt can be started with the answers that are there.
    #[must_use]
    pub fn can_start(&self) -> bool {
        match self {
            Self::Blocked { .. } | Self::Interrupted { .. } | Self::Cancelled { .. } => true,
            Self::Empty | Self::Queued | Self::Running { .. } | Self::Complete => false,
        }
    }

    /// The state's name, as the plan shows it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Queued => "queued",
            Self::Running { .. } => "running",
            Self::Blocked { .. } => "blocked",
            Self::Interrupted { .. } => "interrupted",
            Self::Cancelled { .. } => "cancelled",
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
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
            Self::BootstrapObserved { .. } => "bootstrap-observed",
        }
    }
}

#[cfg(test)]
mod tests;
