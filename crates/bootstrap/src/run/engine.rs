//! Carries the plan out: the host lock, each step looked at and done, tried again with growing pauses, recorded.

use std::cell::Cell;
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::host::{BootStepId, BootStepState, ImageOutcome};
use appliance_common::names::unit::CONTROL_PLANE_REFRESH as REFRESH_UNIT;
use appliance_common::process::chain;
use appliance_common::state_file::LockError;
use appliance_common::systemd::Systemd;
use appliance_kubectl_queue::{Gate, Starter};
use jiff::SignedDuration;
use tokio::time::{Instant, sleep};

use super::record::Record;
use super::steps::{self, StepError, Steps};
use super::{Work, handoff};
use crate::settings::Places;
use crate::{command, host_lock, say};

/// First pause before a step is tried again; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const MAX_PAUSE: Duration = Duration::from_mins(1);
/// How long one step is tried; then the unit ends, and systemd begins anew.
const STEP_LIMIT: Duration = Duration::from_mins(10);
/// Why boot did not get to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    #[error("starting the async runtime, or a thread")]
    Runtime(#[source] std::io::Error),
    #[error("somebody else works on this host; see who, and try again")]
    Busy(#[source] LockError),
    #[error("{} failed {attempts} times, for the last time because of this", id.name())]
    Step {
        id: BootStepId,
        attempts: u32,
        source: StepError,
    },
}

impl RunError {
    /// 127 when there is no k3s to start, as shells say it; else 1 (50 §6.1).
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Step { source, .. } if source.lacks_k3s() => 127,
            _ => 1,
        }
    }
}

/// How it ended; of a boot that is [`ImageOutcome::Unchanged`], whatever image it has.
pub(super) fn run(gate: Gate, places: &Places, work: &Work) -> Result<ImageOutcome, RunError> {
    let runtime = command::runtime().map_err(RunError::Runtime)?;
    let starter = Starter::new(gate).map_err(RunError::Runtime)?;
    runtime.block_on(all(places, work, &starter))
}

async fn all(places: &Places, work: &Work, starter: &Starter) -> Result<ImageOutcome, RunError> {
    // What looks at a registry takes the lock itself, for what it changes.
    let _lock = match work.roll {
        Some(_) => None,
        None => Some(host_lock::acquire(places, "run").await.map_err(RunError::Busy)?),
    };
    let ids: Vec<_> = work.commands().iter().map(|command| command.id).collect();
    let mut record = match work.roll {
        Some(_) => Record::unwritten(places, Clock::system()),
        None => Record::begin(places, Clock::system()),
    };
    let steps = Steps {
        places,
        work,
        starter,
        outcome: Cell::new(ImageOutcome::Unchanged),
    };
    for id in ids {
        step(&steps, id, &mut record).await?;
    }
    record.complete();
    if work.looks_for_newer {
        look_for_newer(places).await;
    }
    Ok(steps.outcome.get())
}

/// Boot is done with what is there; whether the channel has a newer image is looked at by a unit of its own, which
/// may take as long as a registry does.
async fn look_for_newer(places: &Places) {
    let started = match Systemd::connect(&places.host_root).await {
        Ok(systemd) => systemd.start(REFRESH_UNIT).await,
        Err(error) => Err(error),
    };
    if let Err(error) = started {
        say::error(&format!(
            "the channel's image is not looked at: {}",
            chain(&error)
        ));
    }
}

async fn step(steps: &Steps<'_>, id: BootStepId, record: &mut Record) -> Result<(), RunError> {
    let deadline = Instant::now() + STEP_LIMIT.max(steps.work.api_limit);
    let mut pause = FIRST_PAUSE;
    loop {
        let attempts = record.begun(id, steps::doing(id));
        let error = match steps.take(id, &mut |why| record.waits(id, why)).await {
            Ok(message) => {
                say::line(&format!("{}: {message}", id.name()));
                record.done(id, BootStepState::Done, &message);
                return Ok(());
            }
            Err(error) if error.is_tolerated(id) => {
                let message = chain(&error);
                say::error(&format!("{}: boot goes on without it: {message}", id.name()));
                record.done(id, BootStepState::Tolerated, &message);
                return Ok(());
            }
            Err(error) => error,
        };
        let is_last = error.is_final() || Instant::now() + pause >= deadline;
        let next = (!is_last).then(|| record.now() + SignedDuration::try_from(pause).unwrap_or_default());
        say::error(&format!("{}: {}", id.name(), chain(&error)));
        record.failed(id, &chain(&error), next);
        if is_last {
            return Err(RunError::Step {
                id,
                attempts,
                source: error,
            });
        }
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// For the two steps that only report.
pub(super) fn report(places: &Places, id: BootStepId) -> String {
    let lines = handoff::lines(places);
    let (setup, fallback) = lines.split_at(lines.len() - 2);
    let shown = if id == BootStepId::ReportSetupUrl {
        setup
    } else {
        fallback
    };
    for line in shown {
        say::line(line);
    }
    "reported".to_owned()
}
