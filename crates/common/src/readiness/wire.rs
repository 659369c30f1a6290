//! The wire form of a verdict: the sections of `GET /api/status` that are judged (40 §7). Typed for both
//! ends, so that a rule can change without breaking a page, and a page cannot ask for what is not there.

mod finding;
mod make;
mod moment;
mod parts;
mod question;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use finding::{
    AutoRetryNote, Blocker, ExplainingEvent, Failure, ObjectRef, Rollup, RollupState, Severity,
};
pub use make::document;
pub use moment::Moment;
pub use parts::{
    BootstrapJob, BootstrapLogs, BootstrapSection, Certificate, ClusterSection, Component, ComponentKind,
    ComponentStatus, ComponentTier, Flux, FluxRow, JobState, Kubernetes, LoginProbeSection, NetworkSection,
    NodeRow, Operation, OperationKind, ReadingError, RecentEvent, Urls,
};
pub use question::Question;

use super::verdict::{Tier, TierName};

/// The judged sections, by the keys they have in the document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// When the judgement was made.
    pub collected_at: Moment,
    /// Something of what is shown is older than it should be; `errors` says what.
    pub stale: bool,
    /// `phase` of the state document, `setup` without one.
    pub current_phase: String,
    /// `status` of the state document, `unknown` without one.
    pub status: String,
    /// The first line of the page.
    pub rollup: Rollup,
    /// What is wrong, worst first.
    pub top_blockers: Vec<Blocker>,
    /// The tiers as plain booleans.
    pub tiers: FlatTiers,
    /// The tiers with their reasons.
    pub readiness_tiers: BTreeMap<TierName, Tier>,
    /// What failed, in the form of the shipped product.
    pub failures: Vec<Failure>,
    /// The failure that setup recorded; with `resolvedByLiveCheck` once a look shows that it has passed.
    pub last_recorded_error: Option<Value>,
    /// The eight workloads of the application.
    pub components: Vec<Component>,
    /// What is under way.
    pub active_operations: Vec<Operation>,
    /// The 40 newest events, oldest first.
    pub recent_events: Vec<RecentEvent>,
    /// The Job that makes the database, the company and its administrator.
    pub bootstrap: BootstrapSection,
    /// Addresses.
    pub urls: Urls,
    /// What the application's address answered.
    pub login_probe: LoginProbeSection,
    /// What a look at resolvers and registry found; null while nobody needs one.
    pub network: Option<NetworkSection>,
    /// Sources, Kustomizations and Helm releases.
    pub flux: Flux,
    /// Numbers, and warnings about questions that failed.
    pub kubernetes: Kubernetes,
    /// One entry for each question that failed.
    pub errors: Vec<ReadingError>,
    /// Whether the API server answers.
    pub cluster: ClusterSection,
}

impl Document {
    /// The sections as they are put into the whole document.
    ///
    /// # Errors
    /// None that can be met: every key is a text.
    pub fn into_map(self) -> Result<Map<String, Value>, serde_json::Error> {
        match serde_json::to_value(self)? {
            Value::Object(map) => Ok(map),
            other => Err(serde::de::Error::custom(format!("{other} is not a document"))),
        }
    }
}

/// The tiers as the shipped product's readers know them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the shape is the shipped product's")]
pub struct FlatTiers {
    /// Nodes, source and platform are ready.
    pub platform_ready: bool,
    /// Database, cache and connection pool are ready.
    pub core_ready: bool,
    /// The database, the company and its administrator were made.
    pub bootstrap_ready: bool,
    /// Users can log in.
    pub login_ready: bool,
    /// The background services are ready.
    pub background_ready: bool,
    /// Nothing at all is wrong.
    pub fully_healthy: bool,
    /// Why the background services are not ready.
    pub background_issues: Vec<String>,
}
