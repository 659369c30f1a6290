//! One observation of the appliance, as plain data: whoever makes it, the text is the same.

use super::ProcessSample;

/// Everything that is measured at once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// State of the setup run; `unknown` when its journal cannot be read.
    pub run: String,
    /// The steps of setup, in order.
    pub steps: Vec<StepSample>,
    /// How the application is; `None` while nothing has been observed.
    pub status: Option<StatusSample>,
    /// This process.
    pub process: ProcessSample,
}

/// One step of setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSample {
    /// Its stable name.
    pub id: String,
    /// Where it is.
    pub state: String,
}

/// How the application is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StatusSample {
    /// The verdict in one word.
    pub rollup: String,
    /// Each tier.
    pub tiers: Vec<TierSample>,
    /// What is wrong.
    pub blockers: Vec<BlockerSample>,
    /// Each watch.
    pub watches: Vec<WatchSample>,
    /// Whether the API server answers; `None` before that is known.
    pub cluster_reachable: Option<bool>,
    /// How old the newest confirmed observation is.
    pub age_seconds: f64,
}

/// One tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierSample {
    /// Its key.
    pub tier: String,
    /// `ready`, `not_ready` or `unknown`.
    pub signal: String,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BlockerSample {
    /// Its id in the catalogue.
    pub id: String,
    /// `critical`, `warning` or `background`.
    pub severity: String,
}

/// One watch of the cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchSample {
    /// What it watches.
    pub kind: String,
    /// Whether what it holds is current.
    pub current: bool,
    /// How long ago that was last certain; `None` when it never was.
    pub age_seconds: Option<f64>,
}
