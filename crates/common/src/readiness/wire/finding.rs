//! What is wrong, on the wire: the rollup, blockers and failures.

use serde::{Deserialize, Serialize};

use super::Moment;
use crate::findings::FindingId;
use crate::readiness::catalogue::Layer;

/// The first line of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Rollup {
    /// One word for everything.
    pub state: RollupState,
    /// What happened and what it means.
    pub message: String,
    /// What to do.
    pub next_action: String,
}

/// One word for everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RollupState {
    /// Nothing is wrong.
    FullyHealthy,
    /// Users can log in, and the background services work.
    ReadyToLogIn,
    /// Users can log in; background services do not all work.
    ReadyWithBackgroundIssues,
    /// It is on its way, or not known yet.
    Installing,
    /// Somebody must act.
    Blocked,
}

/// How bad a blocker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Users cannot log in until it is mended.
    Critical,
    /// It should be looked at; logging in works, or what happens goes on by itself.
    Warning,
    /// Only background services suffer.
    Background,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    /// Its stable id; the catalogue in `docs/blockers.md` explains each.
    pub id: FindingId,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about, by its name.
    pub component: String,
    /// Where it is.
    pub layer: Layer,
    /// What happened.
    pub reason: String,
    /// What it means for the operator.
    pub meaning: String,
    /// What to do.
    pub next_action: String,
    /// Nobody can log in before this is mended.
    pub login_blocking: bool,
    /// Since when, where that is known.
    pub since: Option<Moment>,
    /// The object that shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// Events of that object that explain it; newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<ExplainingEvent>,
}

/// An object of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// Its kind.
    pub kind: String,
    /// Its namespace; null for nodes.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// An event beside a blocker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExplainingEvent {
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// When it was last seen.
    pub timestamp: Option<Moment>,
    /// How often.
    pub count: u32,
}

/// What failed, in the form of the shipped product (40 §5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// `dns`, `network`, `registry-release-source`, `licensing`, `k3s`, `flux`, `storage`, `app-bootstrap`,
    /// `background-services`, `app-readiness`, …
    pub category: String,
    /// Where setup was.
    pub phase: String,
    /// The step of setup, for a failure that it recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What failed, for a failure that setup recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Stable code, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What setup did last.
    pub last_action: Option<String>,
    /// The cause.
    pub suspected_cause: String,
    /// What to do.
    pub suggested_next_step: String,
    /// Trying again unchanged can succeed.
    pub retry_safe: bool,
    /// Commands that show more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<String>,
    /// A look shows that it has passed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resolved: bool,
    /// When that look was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Moment>,
    /// What happens by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_retry: Option<AutoRetryNote>,
}

/// What happens by itself about a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AutoRetryNote {
    /// Attempts made.
    pub attempts: u32,
    /// Seconds until the next, as of `collectedAt`; null while an answer is waited for.
    pub next_attempt_in_seconds: Option<i64>,
}
