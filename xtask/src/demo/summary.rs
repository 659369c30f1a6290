//! What a headless run says at its end, as JSON.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

/// An install that ended well.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    /// Version of the release.
    pub(crate) release: String,
    /// Channel it was found by.
    pub(crate) channel: String,
    /// Digest of its manifest.
    pub(crate) digest: String,
    /// Where the application answers.
    pub(crate) app_url: String,
    /// Each step of the workflow, by its name, in order.
    pub(crate) seconds_per_step: Map<String, Value>,
    /// Each release of the application, by its name: from the hand-over to Flux until it was Ready.
    pub(crate) seconds_until_ready: Map<String, Value>,
    /// Objects in the cluster that the workflow wrote.
    pub(crate) objects_applied: usize,
    /// Requests of the workflow to the API server.
    pub(crate) api_requests: u64,
    /// The workflow from the submission to its end.
    pub(crate) workflow_seconds: f64,
    /// What of that was not waiting for the API server, the registry or a condition.
    pub(crate) own_seconds: f64,
    /// The whole demo so far.
    pub(crate) total_seconds: f64,
}

/// Seconds with three decimals.
pub(crate) fn seconds(time: Duration) -> Value {
    json!(rounded(time))
}

/// As [`seconds`], as a number.
pub(crate) fn rounded(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}
