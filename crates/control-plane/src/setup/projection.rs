//! `install-state.json`: what the journal tells, in the words that readers of the shipped product
//! know (20 §4), with `steps` and `run` beside them. Pure; it can be made again at any time.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::history::{History, StepStatus};
use super::plan::StepId;
use super::run::Run;

/// The terminal success status: everything was handed to Flux.
pub const COMPLETE_STATUS: &str = "release-config-complete";

/// The state document of a history; `None` while nothing was submitted.
///
/// `inputs` is the short, secret-free form of the operator's answers; `updated_at` is ISO-8601.
#[must_use]
pub fn document(history: &History, inputs: &Value, updated_at: &str) -> Option<Value> {
    let head = head(history)?;
    let mut document = Map::new();
    document.insert("status".to_owned(), head.status.into());
    document.insert("phase".to_owned(), head.phase.into());
    document.insert("lastAction".to_owned(), head.last_action.into());
    document.insert("updatedAt".to_owned(), updated_at.into());
    document.insert("setupInputs".to_owned(), inputs.clone());
    document.extend(history.facts.clone());
    if let Some(failure) = failure(history) {
        document.insert("failure".to_owned(), failure);
    }
    if let Some(bootstrap) = &history.bootstrap {
        document.insert("bootstrap".to_owned(), json!(bootstrap));
    }
    document.insert("run".to_owned(), json!(history.last_run));
    document.insert("steps".to_owned(), json!(history.steps));
    Some(Value::Object(document))
}

struct Head {
    status: &'static str,
    phase: &'static str,
    last_action: String,
}

fn head(history: &History) -> Option<Head> {
    let head = |status, phase, last_action: &str| Head {
        status,
        phase,
        last_action: last_action.to_owned(),
    };
    Some(match &history.run {
        Run::Empty => return None,
        Run::Queued => head("setup-queued", "setup", "Setup was submitted and starts now"),
        Run::Running { step: Some(step) } => head(step.running_status(), step.phase(), step.title()),
        Run::Running { step: None } => match last_done(history) {
            Some(step) => head(
                step.complete_status().unwrap_or(step.running_status()),
                step.phase(),
                &format!("{}: done", step.title()),
            ),
            None => head("setup-queued", "setup", "Setup starts"),
        },
        Run::Blocked { step, failure } => head(
            failure.step.blocked_status(*step),
            failure.step.phase(),
            &failure.message,
        ),
        Run::Interrupted { .. } => head("setup-interrupted", "setup", &interrupted_message(history)),
        Run::Cancelled { step } => head("setup-blocked", "setup", &cancelled_message(*step)),
        Run::Complete => head(
            COMPLETE_STATUS,
            "registry-release-source",
            "The release is handed to Flux, which installs the application now",
        ),
    })
}

fn cancelled_message(step: Option<StepId>) -> String {
    match step {
        Some(step) => format!("Setup was cancelled during “{}”", step.title()),
        None => "Setup was cancelled".to_owned(),
    }
}

fn last_done(history: &History) -> Option<StepId> {
    history
        .steps
        .iter()
        .take_while(|step| step.status == StepStatus::Done)
        .last()
        .map(|step| step.id)
}

/// Where and when a run was interrupted, in the operator's words.
pub(super) fn interrupted_message(history: &History) -> String {
    let gone = history.interruption.as_ref();
    let at = gone
        .and_then(|gone| gone.at.parse::<Timestamp>().ok())
        .map(|at| at.strftime(" at %H:%M UTC").to_string())
        .unwrap_or_default();
    match gone.and_then(|gone| gone.step) {
        Some(step) => format!("Setup was interrupted{at} during “{}”, continuing", step.title()),
        None => format!("Setup was interrupted{at}, continuing"),
    }
}

/// The `failure` key of a run that does not go on by itself right now.
#[must_use]
pub fn failure(history: &History) -> Option<Value> {
    match &history.run {
        Run::Blocked { failure, .. } => Some(blocked(failure)),
        Run::Interrupted { step } => Some(json!({
            "ok": false,
            "phase": "setup",
            "step": step.map_or("setup", StepId::as_str),
            "message": interrupted_message(history),
            "details": "the control plane was stopped or the box lost power",
            "suspectedCause": "the control plane was stopped or the box lost power",
            "suggestedNextStep": "Nothing: setup goes on by itself. If it does not, try again or submit your answers again.",
            "retrySafe": true,
            "transient": true,
            "category": "interrupted",
        })),
        Run::Cancelled { step } => Some(json!({
            "ok": false,
            "phase": "setup",
            "step": step.map_or("setup", StepId::as_str),
            "message": cancelled_message(*step),
            "details": "an operator stopped it",
            "suspectedCause": "an operator stopped it",
            "suggestedNextStep": "Try again when you are ready, or correct your answers and submit them again.",
            "retrySafe": true,
            "transient": false,
            "category": "cancelled",
            "code": "cancelled",
        })),
        Run::Empty | Run::Queued | Run::Running { .. } | Run::Complete => None,
    }
}

fn blocked(failure: &Failure) -> Value {
    let mut value = json!(failure);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("ok".to_owned(), false.into());
        fields.insert("phase".to_owned(), failure.step.phase().into());
        fields.insert("details".to_owned(), failure.suspected_cause.clone().into());
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::failure::Blame;
    use super::super::plan::PLAN;
    use super::super::run::{Event, Trigger};
    use super::*;

    fn history(events: &[Event]) -> History {
        events.iter().fold(History::default(), |history, event| {
            history.on(event, "t").unwrap()
        })
    }

    fn begun() -> Vec<Event> {
        vec![
            Event::Submitted {
                submission: "s".into(),
            },
            Event::RunStarted {
                run: "r".into(),
                boot_id: "b".into(),
                trigger: Trigger::Submitted,
                inputs: None,
            },
        ]
    }

    fn status(events: &[Event]) -> (String, String) {
        let document = document(&history(events), &Value::Null, "now").unwrap();
        (
            document["status"].as_str().unwrap().into(),
            document["phase"].as_str().unwrap().into(),
        )
    }

    #[test]
    fn a_whole_run_shows_the_statuses_of_the_contract_in_order() {
        let mut events = begun();
        let mut seen = vec![status(&events).0];
        for step in PLAN {
            for event in [
                Event::StepStarted { step },
                Event::StepDone {
                    step,
                    summary: "ok".into(),
                    facts: Map::new(),
                },
            ] {
                events.push(event);
                seen.push(status(&events).0);
            }
        }
        events.push(Event::Completed);
        seen.push(status(&events).0);
        seen.dedup();
        assert_eq!(
            seen,
            [
                "setup-queued",
                "preflight-running",
                "preflight-complete",
                "storage-install-running",
                "storage-install-complete",
                "flux-install-running",
                "flux-install-complete",
                "release-resolve-running",
                "release-resolve-complete",
                "runtime-values-running",
                "runtime-values-complete",
                "release-config-running",
                "flux-source-running",
                "flux-source-complete",
                "release-config-running",
                "release-config-complete",
            ]
        );
    }

    #[test]
    fn a_failure_keeps_its_own_status_wherever_it_was_found() {
        let failed = |step, blame| {
            let mut events = begun();
            events.push(Event::StepStarted { step });
            events.push(Event::StepFailed {
                step,
                failure: Failure::new(blame, "c", "m", "why", "do"),
            });
            status(&events)
        };
        let expected = |status: &str, phase: &str| (status.to_owned(), phase.to_owned());
        assert_eq!(
            failed(StepId::Preflight, Blame::ResolveRegistryHost),
            expected("preflight-blocked", "dns")
        );
        assert_eq!(
            failed(StepId::Preflight, Blame::RenderRuntimeValues),
            expected("runtime-values-blocked", "registry-release-source")
        );
        assert_eq!(
            failed(StepId::Storage, Blame::RunSetupWorkflow),
            expected("setup-blocked", "setup")
        );
    }

    #[test]
    fn an_interrupted_run_names_its_step_and_is_safe_to_retry() {
        let mut events = begun();
        events.push(Event::StepStarted {
            step: StepId::FluxControllers,
        });
        events.push(Event::Interrupted);
        let document = document(&history(&events), &Value::Null, "now").unwrap();
        assert_eq!(document["status"], "setup-interrupted");
        assert_eq!(document["phase"], "setup");
        assert_eq!(document["failure"]["step"], "flux-controllers");
        assert_eq!(document["failure"]["retrySafe"], true);
        assert_eq!(document["steps"][2]["status"], "interrupted");
        assert_eq!(document["run"]["heartbeatAt"], "t");
    }

    #[test]
    fn a_cancelled_run_is_blocked_for_old_readers_and_never_retried_by_itself() {
        let mut events = begun();
        events.push(Event::StepStarted {
            step: StepId::Storage,
        });
        events.push(Event::Cancelled);
        let document = document(&history(&events), &Value::Null, "now").unwrap();
        assert_eq!(document["status"], "setup-blocked");
        assert_eq!(document["phase"], "setup");
        let failure = &document["failure"];
        assert_eq!(failure["step"], "storage");
        assert_eq!(
            (&failure["category"], &failure["code"]),
            (&json!("cancelled"), &json!("cancelled"))
        );
        assert_eq!(
            (&failure["retrySafe"], &failure["transient"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(document["steps"][1]["status"], "cancelled");
    }
}
