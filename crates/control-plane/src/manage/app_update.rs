//! What the state document says of an application update, for an operator (10 §10). Pure.

use serde_json::{Value, json};

use super::owner::Liveness;

/// Where an update is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Complete,
    Blocked,
    Idle,
}

impl State {
    /// Setup uses some of these words too: without an update's record they are its own.
    fn of(document: &Value) -> Self {
        let is_update = !document["update"].is_null();
        match document["status"].as_str().unwrap_or_default() {
            "update-queued" | "update-running" => Self::Running,
            "update-complete" => Self::Complete,
            "update-blocked" => Self::Blocked,
            "release-config-running" | "storage-install-running" if is_update => Self::Running,
            "release-config-blocked" | "runtime-values-blocked" | "storage-install-blocked" if is_update => {
                Self::Blocked
            }
            _ => Self::Idle,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Blocked => "blocked",
            Self::Idle => "idle",
        }
    }
}

/// Whether the document says that an update is under way, whose owner has to be looked at.
pub(super) fn names_an_owner(document: &Value) -> bool {
    State::of(document) == State::Running && document["update"]["stage"] != "converging"
}

/// Whether the document shows an update that failed; only then the application's state matters.
pub(super) fn is_blocked(document: &Value) -> bool {
    State::of(document) == State::Blocked
}

/// The `app.update` of the wire. `owner` is what became of the owner of a running update, `core_ready`
/// whether the application's release is ready now, as far as it is known.
pub(super) fn view(document: &Value, owner: Liveness, core_ready: Option<bool>) -> Value {
    let state = State::of(document);
    if names_an_owner(document) && owner != Liveness::Live {
        return interrupted(document, owner);
    }
    let failure = &document["failure"];
    if state == State::Blocked && core_ready == Some(true) && can_be_over(failure) {
        let mut softened = shown(document, State::Idle, &Value::Null, &Value::Null);
        softened["lastAttempt"] = failure.clone();
        return softened;
    }
    let message = match state {
        State::Blocked => &failure["message"],
        State::Running | State::Complete => &document["lastAction"],
        State::Idle => &Value::Null,
    };
    let failure = if state == State::Blocked {
        failure
    } else {
        &Value::Null
    };
    shown(document, state, message, failure)
}

/// Whether a failure is undone by the application's release being ready: those of waiting for it are, and
/// those that name no step.
fn can_be_over(failure: &Value) -> bool {
    if failure["category"] == "update-interrupted" || failure["code"] == "update_interrupted" {
        return false;
    }
    failure["code"] == "convergence_timeout"
        || matches!(
            failure["step"].as_str(),
            None | Some("reconcile-source" | "reconcile-helmrelease")
        )
}

fn interrupted(document: &Value, owner: Liveness) -> Value {
    let cause = match owner {
        Liveness::Dead => "the process that ran it is gone",
        Liveness::Aged => "the process that ran it has not ended in a longer time than any update takes",
        Liveness::Invalid => "its record does not say which process ran it",
        Liveness::Live => "",
    };
    let failure = json!({
        "code": "update_interrupted", "category": "update-interrupted", "retrySafe": true,
        "suspectedCause": cause,
        "suggestedNextStep": "Start the update again: what it had done already is kept.",
    });
    let message = Value::from("The last update was interrupted.");
    shown(document, State::Blocked, &message, &failure)
}

fn shown(document: &Value, state: State, message: &Value, failure: &Value) -> Value {
    let update = match state {
        State::Idle => &Value::Null,
        State::Running | State::Complete | State::Blocked => &document["update"],
    };
    json!({
        "status": state.as_str(),
        "message": message,
        "code": failure["code"],
        "category": failure["category"],
        "suspectedCause": failure["suspectedCause"],
        "suggestedNextStep": failure["suggestedNextStep"],
        "retrySafe": failure["retrySafe"],
        "startedAt": update["startedAt"],
        "requestedChannel": update["requestedChannel"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(status: &str, failure: &Value) -> Value {
        json!({
            "status": status, "lastAction": "doing it", "failure": failure,
            "update": {"startedAt": "2026-06-01T01:00:00.000Z", "requestedChannel": "stable",
                       "owner": {"pid": 7, "startedAt": "2026-06-01T01:00:00.000Z"}},
        })
    }

    #[test]
    fn each_word_of_the_state_document_is_one_of_four() {
        for (status, expected) in [
            ("update-queued", "running"),
            ("update-running", "running"),
            ("release-config-running", "running"),
            ("storage-install-running", "running"),
            ("update-complete", "complete"),
            ("update-blocked", "blocked"),
            ("release-config-blocked", "blocked"),
            ("runtime-values-blocked", "blocked"),
            ("storage-install-blocked", "blocked"),
            ("flux-source-complete", "idle"),
            ("", "idle"),
        ] {
            let shown = view(&document(status, &Value::Null), Liveness::Live, None);
            assert_eq!(shown["status"], expected, "{status}");
        }
        for status in ["release-config-running", "storage-install-blocked"] {
            let setup = json!({"status": status, "failure": {"message": "x"}});
            assert_eq!(
                view(&setup, Liveness::Invalid, None)["status"],
                "idle",
                "setup's own {status}"
            );
        }
        assert_eq!(view(&Value::Null, Liveness::Invalid, None)["status"], "idle");
    }

    #[test]
    fn a_running_update_without_its_owner_was_interrupted_however_well_the_application_is() {
        for owner in [Liveness::Dead, Liveness::Aged, Liveness::Invalid] {
            let shown = view(&document("update-running", &Value::Null), owner, Some(true));
            assert_eq!(
                (
                    &shown["status"],
                    &shown["category"],
                    &shown["code"],
                    &shown["retrySafe"]
                ),
                (
                    &json!("blocked"),
                    &json!("update-interrupted"),
                    &json!("update_interrupted"),
                    &json!(true)
                )
            );
            assert_eq!(shown["startedAt"], "2026-06-01T01:00:00.000Z");
        }
        let mut converging = document("update-running", &Value::Null);
        converging["update"] = json!({"stage": "converging"});
        assert_eq!(
            view(&converging, Liveness::Invalid, None)["status"],
            "running",
            "it has no owner"
        );
    }

    #[test]
    fn a_failure_of_waiting_is_over_once_the_application_is_ready_and_no_other_is() {
        let plain = json!({"message": "not ready", "suggestedNextStep": "wait", "retrySafe": true});
        for (failure, core_ready, expected) in [
            (plain.clone(), Some(true), "idle"),
            (plain.clone(), Some(false), "blocked"),
            (plain, None, "blocked"),
            (json!({"step": "reconcile-helmrelease"}), Some(true), "idle"),
            (
                json!({"step": "watch", "code": "convergence_timeout"}),
                Some(true),
                "idle",
            ),
            (json!({"step": "resolve-release-manifest"}), Some(true), "blocked"),
            (json!({"category": "update-interrupted"}), Some(true), "blocked"),
        ] {
            let shown = view(&document("update-blocked", &failure), Liveness::Dead, core_ready);
            assert_eq!(shown["status"], expected, "{failure} {core_ready:?}");
            if expected == "idle" {
                assert_eq!(
                    (&shown["message"], &shown["lastAttempt"]),
                    (&Value::Null, &failure)
                );
            } else {
                assert_eq!(shown["message"], failure["message"]);
            }
        }
    }
}
