//! What the status page shows: everything observed first, then put into its wire form.

use appliance_common::clock::iso_millis;
use jiff::Timestamp;
use serde_json::{Value, json};

/// Version of the document's own shape.
const SCHEMA_VERSION: u32 = 1;

/// One observation of the box; plain data, whoever made it.
#[derive(Debug)]
pub(crate) struct Observed {
    /// The state document, if there is one; `Err` says why it cannot be read.
    pub(crate) install_state: Result<Option<Value>, String>,
    /// The answers without their secrets; null when there are none.
    pub(crate) inputs: Value,
    /// The release selection; null when there is none.
    pub(crate) release: Value,
    /// What the running step is doing just now.
    pub(crate) progress: Option<String>,
    /// What happens by itself about a failure of setup that can pass (20 §12).
    pub(crate) auto_retry: Option<Value>,
    /// A failure that could not be recorded.
    pub(crate) engine_failure: Option<Value>,
    /// The last repair of a release, if there was one.
    pub(crate) repair: Option<Value>,
    /// Whether new answers may replace the old.
    pub(crate) editable: bool,
    /// When all this was seen.
    pub(crate) at: Timestamp,
}

/// The wire form (40 §7), as far as it can be told without looking into the cluster.
pub(crate) fn snapshot(seen: &Observed) -> Value {
    let (state, unreadable) = match &seen.install_state {
        Ok(state) => (state.clone().unwrap_or(Value::Null), None),
        Err(cause) => (Value::Null, Some(cause.as_str())),
    };
    let failure = unreadable
        .map(state_unreadable)
        .or(seen.engine_failure.clone())
        .or(state.get("failure").cloned());
    let text = |key: &str, default: &str| state[key].as_str().unwrap_or(default).to_owned();
    let mut snapshot = json!({
        "schemaVersion": SCHEMA_VERSION,
        "source": "ubuntu-host-service",
        "collectedAt": iso_millis(seen.at),
        "ageSeconds": 0,
        "stale": false,
        "stateUnreadable": unreadable.is_some(),
        "setupInputs": seen.inputs,
        "releaseSelection": seen.release,
        "release": seen.release,
        "installState": state,
        "currentPhase": text("phase", "setup"),
        "status": text("status", "unknown"),
        "lastRecordedError": failure,
        "failures": failure.as_ref().map(|failure| vec![wire_failure(failure, &text("lastAction", ""))]).unwrap_or_default(),
        "rollup": rollup(&state, failure.as_ref(), seen.auto_retry.as_ref()),
        "steps": state.get("steps").cloned().unwrap_or_else(|| json!([])),
        "urls": {"loginUrl": login_url(seen), "statusUrl": null},
        "setupProgress": seen.progress,
        "repair": seen.repair,
        "setupReEditable": seen.editable,
    });
    if let Some(auto_retry) = &seen.auto_retry {
        snapshot["autoRetry"] = auto_retry.clone();
    }
    snapshot
}

fn state_unreadable(cause: &str) -> Value {
    json!({
        "category": "state-unreadable",
        "phase": "setup",
        "step": "read-state",
        "message": "The record of this appliance's installation cannot be read",
        "suspectedCause": cause,
        "suggestedNextStep": "Make a support bundle, or restore the file named; nothing is changed until then.",
        "retrySafe": false,
    })
}

fn wire_failure(failure: &Value, last_action: &str) -> Value {
    let mut wire = failure.clone();
    wire["lastAction"] = last_action.into();
    wire
}

fn rollup(state: &Value, failure: Option<&Value>, auto_retry: Option<&Value>) -> Value {
    if let Some(failure) = failure {
        let (message, next) = (&failure["message"], &failure["suggestedNextStep"]);
        if let Some(auto) =
            auto_retry.filter(|auto| auto["willRetry"] == true && failure["retrySafe"] == true)
        {
            return json!({"state": "installing", "message": message, "nextAction": continuing(auto)});
        }
        if failure["category"] == "interrupted" {
            return json!({"state": "installing", "message": message, "nextAction": next});
        }
        return json!({"state": "blocked", "message": message, "nextAction": next});
    }
    let (message, next) = match state["lastAction"].as_str() {
        Some(action) => (action, "Nothing: this page follows what happens."),
        None => ("Nothing is installed yet", "Fill in the setup form."),
    };
    json!({"state": "installing", "message": message, "nextAction": next})
}

fn continuing(auto: &Value) -> String {
    if let Some(waiting_for) = auto["waitingFor"].as_str() {
        return waiting_for.to_owned();
    }
    let next = auto["attempts"].as_u64().unwrap_or_default() + 1;
    format!(
        "Nothing: continuing automatically, attempt {next} of {}.",
        auto["maxAttempts"]
    )
}

/// Where the application is to be found: the live intent, not what was typed first.
fn login_url(seen: &Observed) -> Option<&str> {
    seen.release["runtime"]["appHostname"]
        .as_str()
        .filter(|address| !address.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(install_state: Result<Option<Value>, String>) -> Observed {
        Observed {
            install_state,
            inputs: Value::Null,
            release: Value::Null,
            progress: None,
            auto_retry: None,
            engine_failure: None,
            repair: None,
            editable: false,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_fresh_box_asks_for_the_form() {
        let status = snapshot(&seen(Ok(None)));
        assert_eq!(status["status"], "unknown");
        assert_eq!(status["currentPhase"], "setup");
        assert_eq!(status["rollup"]["nextAction"], "Fill in the setup form.");
        assert_eq!(status["failures"], json!([]));
    }

    #[test]
    fn a_recorded_failure_is_the_rollup_with_what_to_do() {
        let state = json!({
            "status": "preflight-blocked", "phase": "dns", "lastAction": "looking up ghcr.io",
            "failure": {"category": "dns", "message": "no address", "suggestedNextStep": "correct the server",
                        "retrySafe": true},
        });
        let status = snapshot(&seen(Ok(Some(state))));
        assert_eq!(
            status["rollup"],
            json!({"state": "blocked", "message": "no address", "nextAction": "correct the server"})
        );
        assert_eq!(status["failures"][0]["lastAction"], "looking up ghcr.io");
        assert_eq!(status["lastRecordedError"]["category"], "dns");
    }

    #[test]
    fn a_failure_that_is_tried_again_by_itself_is_still_installing() {
        let auto_retry = |will_retry: bool| json!({"willRetry": will_retry, "exhausted": !will_retry, "attempts": 2, "maxAttempts": 10});
        let state = json!({"status": "preflight-blocked", "phase": "network",
                           "failure": {"message": "no answer", "retrySafe": true}});
        for (will_retry, rollup) in [(true, "installing"), (false, "blocked")] {
            let mut seen = seen(Ok(Some(state.clone())));
            seen.auto_retry = Some(auto_retry(will_retry));
            let status = snapshot(&seen);
            assert_eq!(status["rollup"]["state"], rollup);
            assert_eq!(status["autoRetry"]["willRetry"], will_retry);
            let next = status["rollup"]["nextAction"].as_str().unwrap_or_default();
            assert_eq!(next.contains("attempt 3 of 10"), will_retry, "{next}");
        }
        assert_eq!(snapshot(&seen(Ok(Some(state)))).get("autoRetry"), None);
    }

    #[test]
    fn a_state_that_cannot_be_read_is_blocked_and_never_fresh() {
        let status = snapshot(&seen(Err("line 3 is damaged".to_owned())));
        assert_eq!(status["stateUnreadable"], true);
        assert_eq!(status["rollup"]["state"], "blocked");
        assert_eq!(status["failures"][0]["suspectedCause"], "line 3 is damaged");
    }
}
