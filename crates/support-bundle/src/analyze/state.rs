//! What the appliance's own documents show.

use appliance_common::findings::FindingId as Id;
use serde_json::Value;

use super::{Analyzer, Read, Seen, objects, seen, words};

const STATE: &str = "meta/install-state.json";

/// In the order of causes.
pub(super) const ANALYZERS: &[Analyzer] = &[
    Analyzer {
        id: Id::StateUnreadable,
        title: "The appliance's state cannot be read",
        needs: STATE,
        next_step: "The file is kept as it is; ask support before it is removed.",
        judge: unreadable,
    },
    Analyzer {
        id: Id::SetupFailed,
        title: "Setup or an update is blocked",
        needs: STATE,
        next_step: "Follow the step that the message names, then try again in the wizard.",
        judge: blocked,
    },
    Analyzer {
        id: Id::SetupInterrupted,
        title: "Setup was interrupted",
        needs: STATE,
        next_step: "Try again in the wizard: what was done is kept.",
        judge: |read| status(read, "setup-interrupted"),
    },
    Analyzer {
        id: Id::UpdateInterrupted,
        title: "An update was interrupted",
        needs: STATE,
        next_step: "Start the update again: what was done is kept.",
        judge: |read| status(read, "update-interrupted"),
    },
    Analyzer {
        id: Id::ReleaseMismatch,
        title: "Two records name different releases",
        needs: "meta/release-selection.json",
        next_step: "Ask support which one is right; nothing is lost.",
        judge: mismatch,
    },
    Analyzer {
        id: Id::ResetPending,
        title: "A reset was begun and is not over",
        needs: "meta/reset-state.json",
        next_step: "On the host: sudo alga-appliance-bootstrap reset apply",
        judge: reset,
    },
    Analyzer {
        id: Id::ControlPlaneUpgrade,
        title: "The last upgrade of the control plane did not end well",
        needs: "meta/control-plane-upgrade.json",
        next_step: "On the host: journalctl -u 'alga-control-plane-roll@*'",
        judge: upgrade,
    },
];

fn document(read: Read<'_>, member: &str) -> Option<Value> {
    serde_json::from_str(&read(member)?).ok()
}

fn unreadable(read: Read<'_>) -> Vec<Seen> {
    match document(read, STATE) {
        Some(_) => Vec::new(),
        None => vec![seen(true, "it is no JSON".to_owned(), STATE.to_owned())],
    }
}

fn blocked(read: Read<'_>) -> Vec<Seen> {
    let state = document(read, STATE).unwrap_or_default();
    if !words(&state["status"]).ends_with("-blocked") {
        return Vec::new();
    }
    let failure = &state["failure"];
    let detail = format!(
        "{}: {} ({})\nnext: {}",
        words(&failure["step"]),
        words(&failure["message"]),
        words(&failure["suspectedCause"]),
        words(&failure["suggestedNextStep"]),
    );
    vec![seen(true, detail, STATE.to_owned())]
}

fn status(read: Read<'_>, wanted: &str) -> Vec<Seen> {
    let state = document(read, STATE).unwrap_or_default();
    let is = state["status"] == wanted || state["failure"]["category"] == wanted;
    if is {
        vec![seen(
            true,
            words(&state["failure"]["message"]).to_owned(),
            STATE.to_owned(),
        )]
    } else {
        Vec::new()
    }
}

fn mismatch(read: Read<'_>) -> Vec<Seen> {
    let member = "meta/release-selection.json";
    let selected = document(read, member).unwrap_or_default();
    let all = objects(read, "configmaps").into_iter();
    let mut records = all.filter(|(_, one)| one["metadata"]["name"] == "appliance-release-selection");
    let Some((line, recorded)) = records.next() else {
        return Vec::new();
    };
    let (ours, theirs) = (
        words(&selected["selectedReleaseVersion"]),
        words(&recorded["data"]["releaseVersion"]),
    );
    if ours == theirs || theirs.is_empty() {
        return Vec::new();
    }
    let evidence = vec![member.to_owned(), super::at("configmaps", line)];
    vec![Seen {
        is_fail: false,
        detail: format!("the box says {ours}, the cluster {theirs}"),
        evidence,
    }]
}

fn reset(read: Read<'_>) -> Vec<Seen> {
    let member = "meta/reset-state.json";
    let state = document(read, member).unwrap_or_default();
    let is_open = state["confirmed"] == true && state["phase"] != "complete";
    if is_open {
        vec![seen(
            true,
            format!("it is at {}: {}", words(&state["phase"]), words(&state["error"])),
            member.to_owned(),
        )]
    } else {
        Vec::new()
    }
}

fn upgrade(read: Read<'_>) -> Vec<Seen> {
    let member = "meta/control-plane-upgrade.json";
    let state = document(read, member).unwrap_or_default();
    if state["status"] != "blocked" {
        return Vec::new();
    }
    vec![seen(
        false,
        words(&state["message"]).to_owned(),
        member.to_owned(),
    )]
}
