//! What `GET /api/status` says about the install, in one line or as its end. Pure.

use serde_json::Value;

/// Where the install is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing was submitted.
    Empty,
    /// Under way; the line says with what.
    Running(String),
    /// Handed to Flux, or beyond.
    Finished {
        /// Where the application will be.
        address: Option<String>,
    },
    /// It does not go on.
    Blocked(String),
}

/// Reads a status document.
pub(super) fn judge(status: &Value) -> Progress {
    let failure = &status["lastRecordedError"];
    if status["stateUnreadable"] == true {
        return Progress::Blocked(explained(
            "This appliance is not set up over what is there",
            failure,
        ));
    }
    let name = status["installState"]["status"].as_str().unwrap_or_default();
    match name {
        "" => Progress::Empty,
        "release-config-complete" => finished(status),
        name if name.contains("blocked") || name.contains("cancelled") => {
            Progress::Blocked(explained("Setup is blocked", failure))
        }
        name if name.starts_with("update-") => finished(status),
        _ => Progress::Running(line(status)),
    }
}

fn finished(status: &Value) -> Progress {
    Progress::Finished {
        address: status["urls"]["loginUrl"].as_str().map(str::to_owned),
    }
}

/// `[phase] what happens: how far it is`, and what holds it up.
fn line(status: &Value) -> String {
    let state = &status["installState"];
    let phase = state["phase"].as_str().unwrap_or("setup");
    let mut line = format!(
        "[{phase}] {}",
        state["lastAction"].as_str().unwrap_or("setup runs")
    );
    let sub_step = status["setupProgress"].as_str();
    let held_up = status["lastRecordedError"]["message"].as_str();
    for part in [sub_step, held_up].into_iter().flatten() {
        if !line.contains(part) {
            line.push_str(": ");
            line.push_str(part);
        }
    }
    line
}

/// What happened, why, and what to do.
fn explained(head: &str, failure: &Value) -> String {
    let text = |key: &str| failure[key].as_str().filter(|text| !text.is_empty());
    let (step, phase) = (text("step"), text("phase"));
    let message = text("message").unwrap_or("the control plane gave no reason");
    let place = match (phase, step) {
        (Some(phase), Some(step)) => format!(" ({phase}, {step})"),
        (Some(place), None) | (None, Some(place)) => format!(" ({place})"),
        (None, None) => String::new(),
    };
    let mut told = format!("{head}{place}: {message}");
    if let Some(cause) = text("suspectedCause").filter(|cause| *cause != message) {
        told.push_str("\n  cause: ");
        told.push_str(cause);
    }
    if let Some(next) = text("suggestedNextStep") {
        told.push_str("\n  what to do: ");
        told.push_str(next);
    }
    if failure["transient"] == true {
        told.push_str("\n  This can pass by itself; setup tries again.");
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(status: &str) -> Value {
        json!({"installState": {"status": status, "phase": "storage", "lastAction": "Preparing storage"},
               "urls": {"loginUrl": "https://psa.example.test"}})
    }

    #[test]
    fn every_status_is_running_ended_or_blocked() {
        assert_eq!(
            judge(&json!({"status": "unknown", "installState": null})),
            Progress::Empty
        );
        for running in [
            "setup-queued",
            "setup-interrupted",
            "storage-install-running",
            "flux-source-complete",
        ] {
            let expected = Progress::Running("[storage] Preparing storage".to_owned());
            assert_eq!(judge(&state(running)), expected, "{running}");
        }
        for finished in ["release-config-complete", "update-complete", "update-running"] {
            let address = Some("https://psa.example.test".to_owned());
            assert_eq!(
                judge(&state(finished)),
                Progress::Finished { address },
                "{finished}"
            );
        }
        for blocked in ["setup-blocked", "preflight-blocked", "update-blocked"] {
            assert!(
                matches!(judge(&state(blocked)), Progress::Blocked(_)),
                "{blocked}"
            );
        }
        let unreadable = json!({"stateUnreadable": true, "lastRecordedError": {"message": "cannot be read"}});
        assert!(matches!(judge(&unreadable), Progress::Blocked(_)));
    }

    #[test]
    fn a_line_says_how_far_it_is_and_what_holds_it_up() {
        let mut status = state("storage-install-running");
        status["setupProgress"] = json!("2 of 7: waiting for the provisioner");
        status["lastRecordedError"] = json!({"message": "the disk is full"});
        assert_eq!(
            judge(&status),
            Progress::Running(
                "[storage] Preparing storage: 2 of 7: waiting for the provisioner: the disk is full"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_block_tells_cause_and_next_step() {
        let mut status = state("preflight-blocked");
        status["lastRecordedError"] = json!({
            "phase": "dns", "step": "resolve-registry-host", "message": "DNS server 10.0.0.53 does not answer",
            "suspectedCause": "timed out", "suggestedNextStep": "Correct the server.", "transient": false,
        });
        let expected = "Setup is blocked (dns, resolve-registry-host): DNS server 10.0.0.53 does not answer\n  \
                        cause: timed out\n  what to do: Correct the server.";
        assert_eq!(judge(&status), Progress::Blocked(expected.to_owned()));
    }
}
