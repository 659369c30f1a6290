//! What a judgement comes to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wire::{Blocker, BootstrapSection, Component, Failure, Flux, Operation, ReadingError, Rollup};

/// What is concluded from one observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The six tiers.
    pub tiers: Tiers,
    /// The first line of the page.
    pub rollup: Rollup,
    /// What is wrong, worst first; a cause stands before its consequences.
    pub blockers: Vec<Blocker>,
    /// What failed, in the form of the shipped product.
    pub failures: Vec<Failure>,
    /// The failure that setup recorded, or that the engine could not record.
    pub recorded: Option<serde_json::Value>,
    /// The eight workloads of the application.
    pub components: Vec<Component>,
    /// Flux' objects.
    pub flux: Flux,
    /// The bootstrap Job.
    pub bootstrap: BootstrapSection,
    /// The application's address answered in a way that lets users in; `Err` says why that does not hold.
    pub login: Result<(), String>,
    /// What is under way.
    pub operations: Vec<Operation>,
    /// Questions that failed.
    pub errors: Vec<ReadingError>,
    /// Questions that failed, for the operator.
    pub warnings: Vec<String>,
    /// Questions that are expected to fail so early.
    pub suppressed_warnings: Vec<String>,
    /// Something of what is shown is older than it should be.
    pub stale: bool,
    /// When the verdict could change although nothing new is observed: a deadline passes, a probe grows old.
    pub judge_again_at: Option<Timestamp>,
}

/// The six tiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiers {
    /// Nodes, source and platform.
    pub platform: Tier,
    /// Database, cache, connection pool.
    pub core: Tier,
    /// The database, the company and its administrator were made.
    pub bootstrap: Tier,
    /// Users can log in.
    pub login: Tier,
    /// Background services.
    pub background: Tier,
    /// Nothing at all is wrong.
    pub full: Tier,
}

impl Tiers {
    /// Each tier with its name, in their order.
    #[must_use]
    pub fn each(&self) -> [(TierName, &Tier); 6] {
        [
            (TierName::Platform, &self.platform),
            (TierName::Core, &self.core),
            (TierName::Bootstrap, &self.bootstrap),
            (TierName::Login, &self.login),
            (TierName::Background, &self.background),
            (TierName::Full, &self.full),
        ]
    }
}

/// The name of a tier, as it is written as a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TierName {
    /// Nodes, source and platform.
    #[serde(rename = "platformReady")]
    Platform,
    /// Database, cache, connection pool.
    #[serde(rename = "coreReady")]
    Core,
    /// The database, the company and its administrator were made.
    #[serde(rename = "bootstrapReady")]
    Bootstrap,
    /// Users can log in.
    #[serde(rename = "loginReady")]
    Login,
    /// Background services.
    #[serde(rename = "backgroundReady")]
    Background,
    /// Nothing at all is wrong.
    #[serde(rename = "fullyHealthy")]
    Full,
}

/// Ready, not ready, or not known; the last is never counted as one of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// It is.
    Ready,
    /// It is not.
    NotReady,
    /// It is not known.
    Unknown,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// It is known to be ready.
    pub ready: bool,
    /// One word for why not.
    pub status: TierStatus,
    /// Ready, not ready, or not known.
    pub signal: Signal,
    /// Why it is not, in sentences that name what they speak of.
    pub reasons: Vec<String>,
}

/// One word for why a tier is not ready (40 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TierStatus {
    /// It is.
    Ready,
    /// That is not known.
    Unknown,
    /// No node is ready, or what Flux brings for all others is not there.
    WaitingForKubernetes,
    /// Database, cache or connection pool are not ready.
    WaitingForCore,
    /// The same, and the platform is not ready either.
    BlockedByPlatform,
    /// The bootstrap Job is not done.
    WaitingForBootstrap,
    /// The same, and the core is not ready either.
    BlockedByCore,
    /// Users cannot log in yet.
    BlockedByBootstrap,
    /// A background service is not ready.
    DegradedBackgroundServices,
    /// Something is not as it should be.
    NotFullyHealthy,
}
