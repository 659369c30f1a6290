//! What `GET /api/setup/plan` shows: each step, where it is, and what another attempt would do with it.
//! Pure; the same types serve the page and the command line.

mod words;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::board::View;
use super::history::{History, StepRecord, StepStatus};
use super::plan::StepId;
use super::projection::{self, COMPLETE_STATUS};
use super::reconcile::{waiting_for, wire_time};
use super::retry::{self, RetryPolicy, Verdict};
use super::run::{Run, Trigger};

/// Version of the document's own shape.
const SCHEMA_VERSION: u32 = 1;

/// The whole plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// Version of this shape.
    pub schema_version: u32,
    /// Where the run is.
    #[schema(value_type = words::PlanState)]
    pub state: String,
    /// Since when; ISO-8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What an operator should know about it, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// Id of the answers.
    #[schema(required)]
    pub submission: Option<String>,
    /// The last attempt: `id`, `attempt`, `startedAt`, `bootId`, `heartbeatAt`, `trigger`.
    #[schema(required, value_type = Option<Object>)]
    pub run: Option<Value>,
    /// Who works on the appliance, when it is not this process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// Whether new answers are taken now.
    pub editable: bool,
    /// Whether `POST /api/setup/retry` starts another attempt now.
    pub can_retry: bool,
    /// Whether `POST /api/setup/cancel` stops something now.
    pub can_cancel: bool,
    /// What happens by itself about a failure that can pass.
    #[schema(required)]
    pub auto_retry: Option<AutoRetry>,
    /// Why setup stopped.
    #[schema(required, value_type = Option<Object>)]
    pub failure: Option<Value>,
    /// Every step, in order.
    pub steps: Vec<StepView>,
    /// What became of the application's first start.
    #[schema(required, value_type = Option<Object>)]
    pub bootstrap: Option<Value>,
}

/// What happens by itself about a failure that can pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutoRetry {
    /// Whether there will be another attempt.
    pub will_retry: bool,
    /// Whether all of them are used up.
    pub exhausted: bool,
    /// How many there were.
    pub attempts: u32,
    /// How many there can be.
    pub max_attempts: u32,
    /// When the next one is due, or what it waits for is asked again; ISO-8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<String>,
    /// The same, from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_in_seconds: Option<i64>,
    /// Whose answer it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepView {
    /// Its stable name.
    #[schema(value_type = StepId)]
    pub id: String,
    /// What it is about.
    pub title: String,
    /// Where it is.
    #[schema(value_type = StepStatus)]
    pub state: String,
    /// How often it was begun for these answers.
    pub attempt: u32,
    /// When it was begun last; ISO-8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// When it ended last; ISO-8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// How long it took, or has been taking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elapsed_seconds: Option<f64>,
    /// Its result, or why it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What it is doing just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<String>,
    /// Why it gets no further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// What another attempt would do.
    pub on_retry: OnRetry,
    /// How long it took when it was last done on this box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typical_seconds: Option<f64>,
}

/// What another attempt would do with a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OnRetry {
    /// What would be done.
    #[schema(value_type = words::RetryAction)]
    pub action: String,
    /// Why.
    pub why: String,
}

/// What the plan is made of.
#[derive(Debug)]
pub struct Seen<'a> {
    /// The newest view.
    pub view: &'a View,
    /// The state document: ours, or the shipped product's.
    pub document: Option<&'a Value>,
    /// How automatic retry was set up.
    pub policy: &'a RetryPolicy,
    /// Whether new answers are taken.
    pub editable: bool,
    /// Whether another attempt can be started.
    pub can_retry: bool,
    /// Whether something can be stopped.
    pub can_cancel: bool,
    /// When all this was seen.
    pub now: Timestamp,
}

impl PlanView {
    /// The plan of what was seen.
    #[must_use]
    pub fn of(seen: &Seen<'_>) -> Self {
        let history = &seen.view.history;
        let shipped = seen.document.filter(|_| history.run == Run::Empty);
        let unrecorded = seen
            .view
            .engine_failure
            .as_ref()
            .map(|failure| serde_json::json!(failure));
        let recorded = match shipped {
            Some(document) => document.get("failure").cloned(),
            None => projection::failure(history),
        };
        Self {
            schema_version: SCHEMA_VERSION,
            state: shipped.map_or(history.run.name(), shipped_state).to_owned(),
            since: history.since.clone(),
            notice: notice(seen),
            submission: history.submission.clone(),
            run: history.last_run.as_ref().map(|run| serde_json::json!(run)),
            holder: seen.view.holder.clone(),
            editable: seen.editable,
            can_retry: seen.can_retry,
            can_cancel: seen.can_cancel,
            auto_retry: auto_retry(seen.policy, seen.view, seen.now),
            failure: unrecorded.or(recorded),
            steps: history.steps.iter().map(|record| step(record, seen)).collect(),
            bootstrap: seen
                .document
                .and_then(|document| document.get("bootstrap").cloned()),
        }
    }
}

/// What happens by itself; `None` where the failure cannot pass, or there is none.
#[must_use]
pub fn auto_retry(policy: &RetryPolicy, view: &View, now: Timestamp) -> Option<AutoRetry> {
    retry::candidate(&view.history)?;
    let verdict = policy.judge(&view.history, now);
    let next = match verdict {
        Verdict::DueAt(due) => Some(view.waiting.as_ref().map_or(due, |waiting| waiting.next.max(due))),
        Verdict::Rest | Verdict::Exhausted => None,
    };
    Some(AutoRetry {
        will_retry: next.is_some(),
        exhausted: verdict == Verdict::Exhausted,
        attempts: view.history.automatic,
        max_attempts: policy.max_attempts,
        next_attempt_at: next.map(wire_time),
        next_attempt_in_seconds: next.map(|next| next.duration_since(now).as_secs().max(0)),
        waiting_for: view
            .waiting
            .as_ref()
            .filter(|_| next.is_some())
            .map(|waiting| waiting_for(waiting, now)),
    })
}

/// The shipped product's setup is never gone on with from where it was: its answers are asked for again.
fn shipped_state(document: &Value) -> &'static str {
    let status = document["status"].as_str().unwrap_or_default();
    if status == COMPLETE_STATUS || status.starts_with("update-") || document.get("update").is_some() {
        Run::Complete.name()
    } else if status.ends_with("-blocked") {
        "blocked"
    } else {
        "interrupted"
    }
}

fn notice(seen: &Seen<'_>) -> Option<String> {
    let history = &seen.view.history;
    if let Some(holder) = &seen.view.holder {
        return Some(format!(
            "The appliance is being changed by {holder}; setup goes on after it."
        ));
    }
    let is_resumed = history
        .last_run
        .as_ref()
        .is_some_and(|run| run.trigger == Trigger::Resumed);
    match &history.run {
        Run::Running { .. } if is_resumed && history.interruption.is_some() => {
            Some(projection::interrupted_message(history))
        }
        Run::Running { .. } => seen.view.waits_for.clone(),
        Run::Interrupted { .. } => Some(projection::interrupted_message(history)),
        Run::Blocked { .. } => Some(blocked_notice(&auto_retry(seen.policy, seen.view, seen.now)?)),
        Run::Empty | Run::Queued | Run::Cancelled { .. } | Run::Complete => None,
    }
}

fn blocked_notice(auto: &AutoRetry) -> String {
    let next = auto.attempts + 1;
    match (&auto.waiting_for, auto.next_attempt_in_seconds) {
        (Some(waiting), _) => waiting.clone(),
        (None, Some(seconds)) => format!(
            "Continuing automatically in {seconds} s, attempt {next} of {}.",
            auto.max_attempts
        ),
        (None, None) if auto.exhausted => format!(
            "Tried {} times by itself without success. Mend the cause and try again, or correct your answers.",
            auto.attempts
        ),
        (None, None) => "Automatic retry is switched off. Try again when the cause is gone.".to_owned(),
    }
}

fn step(record: &StepRecord, seen: &Seen<'_>) -> StepView {
    let is_running = record.status == StepStatus::Running;
    let since = record
        .started_at
        .as_ref()
        .and_then(|at| at.parse::<Timestamp>().ok());
    let elapsed = match since {
        Some(since) if is_running => Some(seen.now.duration_since(since)),
        _ => record.took(),
    };
    StepView {
        id: record.id.as_str().to_owned(),
        title: record.id.title().to_owned(),
        state: record.status.as_str().to_owned(),
        attempt: record.attempt,
        since: record.started_at.clone(),
        finished_at: record.finished_at.clone(),
        elapsed_seconds: elapsed.map(|elapsed| elapsed.as_secs_f64().max(0.0)),
        summary: record.summary.clone(),
        progress: seen.view.progress.clone().filter(|_| is_running),
        waits_for: seen.view.waits_for.clone().filter(|_| is_running),
        on_retry: on_retry(record.id, &seen.view.history),
        typical_seconds: seen.view.history.took[record.id as usize].map(|took| took.as_secs_f64()),
    }
}

fn on_retry(step: StepId, history: &History) -> OnRetry {
    let (action, why) = match (&history.run, history.steps[step as usize].status) {
        (Run::Complete, _) => ("skip", "setup is finished"),
        (_, StepStatus::Done) => (
            "check",
            "its result is looked at, and it runs again only where that is gone",
        ),
        (_, StepStatus::Failed) => ("run", "it failed"),
        (_, StepStatus::Interrupted | StepStatus::Cancelled) => ("run", "it was stopped in the middle"),
        (_, StepStatus::Running) => ("run", "it is under way"),
        (_, StepStatus::Pending) => ("run", "it was not begun yet"),
    };
    OnRetry {
        action: action.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests;
