//! Of pods, their containers and their last words.

use serde_json::Value;

use crate::analyze::{Read, Seen, at, condition, name, objects, seen, words};

/// Every container's status, with its pod.
fn containers(read: Read<'_>) -> Vec<(usize, Value, Value)> {
    let mut found = Vec::new();
    for (line, pod) in objects(read, "pods") {
        for states in ["initContainerStatuses", "containerStatuses"] {
            for state in pod["status"][states].as_array().cloned().unwrap_or_default() {
                found.push((line, pod.clone(), state));
            }
        }
    }
    found
}

pub(super) fn waiting(read: Read<'_>, reasons: &[&str]) -> Vec<Seen> {
    let is = |state: &Value| reasons.contains(&words(&state["state"]["waiting"]["reason"]));
    let found = containers(read).into_iter().filter(|(_, _, state)| is(state));
    found
        .map(|(line, pod, state)| {
            let waiting = &state["state"]["waiting"];
            let detail = format!(
                "{} ({}): {}: {}",
                name(&pod),
                words(&state["name"]),
                words(&waiting["reason"]),
                words(&waiting["message"])
            );
            seen(true, detail, at("pods", line))
        })
        .collect()
}

/// The last lines of the log say why.
const LAST_LINES: usize = 20;

pub(super) fn crashloops(read: Read<'_>) -> Vec<Seen> {
    let is = |state: &Value| state["state"]["waiting"]["reason"] == "CrashLoopBackOff";
    let mut found = Vec::new();
    for (line, pod, state) in containers(read).into_iter().filter(|(_, _, state)| is(state)) {
        let last = &state["lastState"]["terminated"];
        let container = words(&state["name"]);
        let mut detail = format!(
            "{} ({container}): restarted {} times; ended with {} ({})",
            name(&pod),
            state["restartCount"],
            last["exitCode"],
            words(&last["reason"]),
        );
        let mut evidence = vec![at("pods", line)];
        let place = &pod["metadata"];
        for end in ["-previous", ""] {
            let member = format!(
                "logs/{}-{}-{container}{end}.log",
                words(&place["namespace"]),
                words(&place["name"])
            );
            let Some(log) = read(&member) else { continue };
            let lines: Vec<_> = log.lines().collect();
            let from = lines.len().saturating_sub(LAST_LINES);
            for line in &lines[from..] {
                detail.extend(["\n| ", line]);
            }
            evidence.push(format!("{member}#{}", from + 1));
            break;
        }
        found.push(Seen {
            is_fail: true,
            detail,
            evidence,
        });
    }
    found
}

pub(super) fn oom(read: Read<'_>) -> Vec<Seen> {
    let is = |state: &Value| {
        ["state", "lastState"]
            .iter()
            .any(|which| state[which]["terminated"]["reason"] == "OOMKilled")
    };
    let found = containers(read).into_iter().filter(|(_, _, state)| is(state));
    found
        .map(|(line, pod, state)| {
            seen(
                true,
                format!("{} ({})", name(&pod), words(&state["name"])),
                at("pods", line),
            )
        })
        .collect()
}

pub(super) fn unscheduled(read: Read<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    for (line, pod) in objects(read, "pods") {
        if let Some(is) = condition(&pod, "PodScheduled").filter(|is| is["status"] == "False") {
            found.push(seen(
                true,
                format!("{}: {}", name(&pod), words(&is["message"])),
                at("pods", line),
            ));
        }
    }
    found
}

pub(super) fn evicted(read: Read<'_>) -> Vec<Seen> {
    let pods = objects(read, "pods").into_iter();
    pods.filter(|(_, pod)| pod["status"]["reason"] == "Evicted")
        .map(|(line, pod)| {
            seen(
                false,
                format!("{}: {}", name(&pod), words(&pod["status"]["message"])),
                at("pods", line),
            )
        })
        .collect()
}

pub(super) fn slow_pulls(read: Read<'_>) -> Vec<Seen> {
    // `Successfully pulled image "…" in 3m12.5s (3m13s including waiting)`.
    let is_slow = |event: &Value| {
        let took = words(&event["message"]).split(" in ").nth(1);
        let took = took.and_then(|rest| rest.split_whitespace().next());
        event["reason"] == "Pulled" && took.is_some_and(|took| minutes(took) >= 2)
    };
    let events = objects(read, "events")
        .into_iter()
        .filter(|(_, event)| is_slow(event));
    events
        .map(|(line, event)| seen(false, words(&event["message"]).to_owned(), at("events", line)))
        .collect()
}

/// Whole minutes of a duration as Go writes it: `1h2m3.5s`, `512ms`.
fn minutes(text: &str) -> u64 {
    let (hours, rest) = match text.split_once('h') {
        Some((hours, rest)) => (hours.parse().unwrap_or(0), rest),
        None => (0, text),
    };
    let of_hour = rest.split_once('m').filter(|(_, rest)| !rest.starts_with('s'));
    hours * 60 + of_hour.and_then(|(minutes, _)| minutes.parse().ok()).unwrap_or(0)
}

pub(super) fn sessions(read: Read<'_>) -> Vec<Seen> {
    let pods = objects(read, "pods").into_iter();
    pods.filter(|(_, pod)| pod["metadata"]["namespace"] == "alga-appliance-support")
        .map(|(line, pod)| seen(false, name(&pod), at("pods", line)))
        .collect()
}
