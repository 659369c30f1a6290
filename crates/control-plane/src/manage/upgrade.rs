//! What the host agent says of an upgrade of the control plane, in `control-plane-upgrade.json` (10 §9.5).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Longest time an upgrade takes; one that says it runs for longer has lost its agent (40 W-26).
const LIMIT: SignedDuration = SignedDuration::from_mins(30);

/// The `controlPlane.upgrade` of the wire; a box without the file has upgraded nothing.
pub(super) fn view(document: &Value, now: Timestamp) -> Value {
    let status = document["status"].as_str().unwrap_or("idle");
    let begun = document["startedAt"]
        .as_str()
        .or_else(|| document["updatedAt"].as_str());
    let begun = begun.and_then(|at| at.parse::<Timestamp>().ok());
    let is_lost = status == "running" && begun.is_none_or(|begun| now.duration_since(begun) > LIMIT);
    if is_lost {
        return json!({
            "status": "blocked",
            "message": "The last upgrade of the control plane was interrupted. The control plane that runs is the \
                        one shown.",
        });
    }
    json!({"status": status, "message": document["message"].as_str()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_runs_only_as_long_as_one_can_take() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let running = |at: &str| json!({"status": "running", "startedAt": at, "message": "pulling"});
        for (document, status) in [
            (Value::Null, "idle"),
            (running("2026-06-01T11:45:00.000Z"), "running"),
            (running("2026-06-01T11:00:00.000Z"), "blocked"),
            (json!({"status": "running"}), "blocked"),
            (
                json!({"status": "running", "updatedAt": "2026-06-01T11:59:00Z"}),
                "running",
            ),
            (
                json!({"status": "complete", "finishedAt": "2026-01-01T00:00:00Z"}),
                "complete",
            ),
            (json!({"status": "held", "message": "kept"}), "held"),
        ] {
            assert_eq!(view(&document, now)["status"], status, "{document}");
        }
    }
}
