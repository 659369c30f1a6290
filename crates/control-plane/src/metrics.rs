//! What a monitoring system reads: how the appliance is, how setup goes, how fast requests are answered.
//!
//! `sample` is one observation as plain data, `render` turns it into text and is pure, `requests` counts while
//! the process lives, `process` asks the kernel. Names of series are a contract: dashboards are made of them.

mod process;
mod render;
mod requests;
mod sample;

use std::sync::Arc;

use jiff::Timestamp;

pub use process::ProcessSample;
pub use render::render;
pub use requests::Requests;
pub use sample::{BlockerSample, Sample, StatusSample, StepSample, TierSample, WatchSample};

/// What the text is, for whoever reads it.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted while the process lives; cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Timestamp,
    requests: Requests,
}

impl Metrics {
    /// Counts from now on.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Inner {
            started: now,
            requests: Requests::default(),
        }))
    }

    /// Since when it counts.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.0.started
    }

    /// How requests were answered.
    #[must_use]
    pub fn requests(&self) -> &Requests {
        &self.0.requests
    }
}
