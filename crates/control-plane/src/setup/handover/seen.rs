//! Live objects as the record needs them. Pure.

use appliance_common::cluster::Followed;
use appliance_common::names::SERVICES;
use kube::api::DynamicObject;
use serde_json::Value;

use crate::setup::pods::shortened;

/// One look; `Err` says why nothing is known.
#[derive(Debug, Clone)]
pub(super) struct Observed {
    pub(super) job: Result<Option<Job>, String>,
    pub(super) releases: Result<Vec<Release>, String>,
    /// What else tells how the Job ended, when it is gone.
    pub(super) evidence: Option<Evidence>,
    /// Version of the release that is selected.
    pub(super) release: Option<String>,
}

/// The bootstrap Job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) uid: String,
    pub(super) attempts: u32,
    pub(super) failures: u32,
    pub(super) end: JobEnd,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JobEnd {
    /// It has not.
    None,
    /// It was taken away before it ended.
    Deleted,
    Complete,
    Failed(String),
}

/// How a Job that is gone must have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Evidence {
    /// The Job controller said so.
    Ended {
        /// Of which Job.
        job: Option<String>,
        /// Why it failed, if it did.
        failure: Option<String>,
    },
    /// The application runs on what the Job made.
    Works,
}

/// One release of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) name: String,
    pub(super) ready: bool,
    /// An attempt is under way, or waits for another release.
    pub(super) is_under_way: bool,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
}

impl Job {
    pub(super) fn read(live: &DynamicObject) -> Self {
        let status = &live.data["status"];
        let count = |key: &str| u32::try_from(status[key].as_u64().unwrap_or(0)).unwrap_or(u32::MAX);
        let failures = count("failed");
        let end = if condition(live, "Complete").is_some_and(is_true) {
            JobEnd::Complete
        } else if let Some(failed) = condition(live, "Failed").filter(|failed| is_true(failed)) {
            JobEnd::Failed(told(failed))
        } else if live.metadata.deletion_timestamp.is_some() {
            JobEnd::Deleted
        } else {
            JobEnd::None
        };
        Self {
            uid: live.metadata.uid.clone().unwrap_or_default(),
            attempts: failures
                .saturating_add(count("succeeded"))
                .saturating_add(count("active")),
            failures,
            end,
        }
    }
}

impl Release {
    pub(super) fn absent(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ready: false,
            is_under_way: false,
            reason: Some("Absent".to_owned()),
            message: None,
        }
    }

    /// The six releases, also those that are not there.
    pub(super) fn read_all(live: &Followed) -> Vec<Self> {
        let read = |name: &&str| {
            live.get(*name)
                .map_or_else(|| Self::absent(name), |live| Self::read(name, live))
        };
        SERVICES.iter().map(read).collect()
    }

    fn read(name: &str, live: &DynamicObject) -> Self {
        let ready = condition(live, "Ready");
        let is_new = live.data["status"]["observedGeneration"].as_i64() == live.metadata.generation;
        if ready.is_some_and(is_true) && is_new {
            return Self {
                ready: true,
                reason: None,
                ..Self::absent(name)
            };
        }
        let reason = ready
            .and_then(|ready| ready["reason"].as_str())
            .unwrap_or("Pending");
        Self {
            is_under_way: ready.is_none_or(|ready| ready["status"] != "False")
                || reason == "DependencyNotReady",
            reason: Some(reason.to_owned()),
            message: ready.and_then(|ready| ready["message"].as_str()).map(shortened),
            ..Self::absent(name)
        }
    }
}

/// Whether a Deployment has all its pods, of its newest generation.
pub(super) fn is_available(deployment: &DynamicObject) -> bool {
    let number = |path: &str| deployment.data.pointer(path).and_then(Value::as_i64).unwrap_or(0);
    let wanted = deployment
        .data
        .pointer("/spec/replicas")
        .and_then(Value::as_i64)
        .unwrap_or(1);
    number("/status/observedGeneration") >= deployment.metadata.generation.unwrap_or(0)
        && wanted > 0
        && number("/status/updatedReplicas") >= wanted
        && number("/status/availableReplicas") >= wanted
}

fn condition<'a>(live: &'a DynamicObject, kind: &str) -> Option<&'a Value> {
    let conditions = live.data["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

fn is_true(condition: &Value) -> bool {
    condition["status"] == "True"
}

fn told(condition: &Value) -> String {
    let (reason, message) = (&condition["reason"], &condition["message"]);
    let text = [reason, message].map(|text| text.as_str().unwrap_or_default());
    shortened(text.join(": ").trim_matches([':', ' ']))
}
