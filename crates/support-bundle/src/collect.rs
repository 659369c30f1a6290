//! Collectors: one file for each source. Each reports how it went; none stops another.

pub(crate) mod agent;
pub(crate) mod cluster;
pub(crate) mod host;
pub(crate) mod literals;
pub(crate) mod logs;
pub(crate) mod network;
pub(crate) mod pod;
pub(crate) mod state;
mod tables;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use appliance_common::clock::{Clock, iso_millis};
use serde::Serialize;
use tokio::time::Instant;

/// How a collector went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    Ok,
    Partial,
    Failed,
    Skipped,
    Timeout,
}

/// One line of `collectors.json`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) name: String,
    pub(crate) status: Status,
    pub(crate) started_at: String,
    pub(crate) duration_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_status: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// Reports as they come.
#[derive(Debug)]
pub(crate) struct Reports {
    clock: Clock,
    all: Mutex<Vec<Report>>,
}

/// How something ended that a collector did.
#[derive(Debug, Clone)]
pub(crate) struct Ended {
    pub(crate) status: Status,
    pub(crate) exit_status: Option<i32>,
    pub(crate) error: Option<String>,
}

impl Ended {
    pub(crate) fn ok() -> Self {
        Self {
            status: Status::Ok,
            exit_status: None,
            error: None,
        }
    }

    pub(crate) fn as_is(status: Status, error: impl Into<String>) -> Self {
        Self {
            status,
            exit_status: None,
            error: Some(error.into()),
        }
    }

    pub(crate) fn failed(error: impl Into<String>) -> Self {
        Self::as_is(Status::Failed, error)
    }
}

impl Reports {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            all: Mutex::default(),
        }
    }

    /// Does something under a name, and reports how it ended.
    pub(crate) async fn during(&self, name: &str, work: impl Future<Output = Ended>) {
        let (started_at, began) = (iso_millis(self.clock.now()), Instant::now());
        // Dropped before its end, it was the run's time that was up.
        let mut open = Open {
            reports: self,
            name,
            started_at: started_at.clone(),
            is_done: false,
        };
        let ended = work.await;
        open.is_done = true;
        self.add(name, &started_at, began.elapsed(), ended);
    }

    pub(crate) fn add(&self, name: &str, started_at: &str, took: Duration, ended: Ended) {
        let report = Report {
            name: name.to_owned(),
            status: ended.status,
            started_at: started_at.to_owned(),
            duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            exit_status: ended.exit_status,
            error: ended.error,
        };
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(report);
    }

    /// All of them, by their names.
    pub(crate) fn all(&self) -> Vec<Report> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

struct Open<'a> {
    reports: &'a Reports,
    name: &'a str,
    started_at: String,
    is_done: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            let ended = Ended::as_is(Status::Skipped, "the time of the whole run was up");
            self.reports
                .add(self.name, &self.started_at, Duration::ZERO, ended);
        }
    }
}
