//! What keeps a pod from running, in the words of its status.

use kube::api::DynamicObject;
use serde_json::Value;

/// Why containers wait that will not start by themselves, or not soon.
const BAD_WAITS: [&str; 8] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

/// Most characters of a message that are shown.
const MESSAGE_LIMIT: usize = 300;

/// What is wrong with a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// `ImagePullBackOff`, `CrashLoopBackOff`, `Unschedulable`, `Evicted`, `Error`.
    pub(super) reason: String,
    /// What the kubelet or the scheduler says.
    pub(super) message: String,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.message.as_str() {
            "" => f.write_str(&self.reason),
            message => write!(f, "{}: {message}", self.reason),
        }
    }
}

impl Trouble {
    fn new(reason: &str, message: &str) -> Self {
        Self {
            reason: reason.to_owned(),
            message: shortened(message),
        }
    }
}

/// The first part of a text that others wrote, on one line.
pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MESSAGE_LIMIT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What keeps the pod from running, if anything does.
pub(super) fn trouble(pod: &DynamicObject) -> Option<Trouble> {
    let status = &pod.data["status"];
    if status["phase"] == "Failed" {
        let reason = status["reason"].as_str().unwrap_or("Error");
        let ended = containers(status).find_map(|container| container["state"].get("terminated"));
        let message = status["message"].as_str().map(str::to_owned);
        return Some(Trouble::new(
            reason,
            &message.or(ended.map(ending)).unwrap_or_default(),
        ));
    }
    containers(status)
        .find_map(waiting)
        .or_else(|| unschedulable(status))
}

fn containers(status: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["initContainerStatuses", "containerStatuses"];
    lists
        .into_iter()
        .filter_map(|list| status[list].as_array())
        .flatten()
}

fn waiting(container: &Value) -> Option<Trouble> {
    let waiting = &container["state"]["waiting"];
    let reason = waiting["reason"]
        .as_str()
        .filter(|reason| BAD_WAITS.contains(reason))?;
    let said = waiting["message"].as_str().unwrap_or_default();
    match &container["lastState"]["terminated"] {
        Value::Null => Some(Trouble::new(reason, said)),
        last => Some(Trouble::new(reason, &format!("{said} ({})", ending(last)))),
    }
}

fn ending(terminated: &Value) -> String {
    let (code, reason) = (
        &terminated["exitCode"],
        terminated["reason"].as_str().unwrap_or("Error"),
    );
    match terminated["message"].as_str() {
        Some(message) => format!("{reason}, exit code {code}: {message}"),
        None => format!("{reason}, exit code {code}"),
    }
}

fn unschedulable(status: &Value) -> Option<Trouble> {
    let mut conditions = status["conditions"].as_array()?.iter();
    let found = conditions.find(|condition| {
        condition["type"] == "PodScheduled"
            && condition["status"] == "False"
            && condition["reason"] == "Unschedulable"
    })?;
    Some(Trouble::new(
        "Unschedulable",
        found["message"].as_str().unwrap_or_default(),
    ))
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(in crate::setup) fn pod(status: &Value) -> DynamicObject {
        serde_json::from_value(json!({"metadata": {"name": "p"}, "status": status})).unwrap()
    }

    #[test]
    fn what_keeps_a_pod_from_running_is_told_in_its_own_words() {
        let waits = |reason: &str| json!({"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": reason, "message": "m"}}}]});
        let crash = json!({"phase": "Running", "containerStatuses": [{
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
            "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}},
        }]});
        let unscheduled = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"},
        ]});
        for (status, expected) in [
            (waits("ImagePullBackOff"), Some("ImagePullBackOff: m")),
            (waits("ContainerCreating"), None),
            (crash, Some("CrashLoopBackOff: back-off 10s (Error, exit code 2)")),
            (unscheduled, Some("Unschedulable: 0/1 nodes")),
            (
                json!({"phase": "Failed", "reason": "Evicted", "message": "disk"}),
                Some("Evicted: disk"),
            ),
            (json!({"phase": "Failed"}), Some("Error")),
            (json!({"phase": "Running"}), None),
            (json!({"phase": "Succeeded"}), None),
        ] {
            let told = trouble(&pod(&status)).map(|trouble| trouble.to_string());
            assert_eq!(told.as_deref(), expected, "{status}");
        }
    }

    #[test]
    fn a_long_message_is_cut_and_stays_on_one_line() {
        let text = shortened(&"é\n".repeat(1000));
        assert_eq!(text.chars().count(), MESSAGE_LIMIT + 1);
        assert!(!text.contains('\n'));
    }
}
