//! `bootstrap-state.json` as boot goes on: written before and after each step, for banner, agent and rescue page.

use std::path::PathBuf;

use appliance_common::clock::Clock;
use appliance_common::host::{BootPhase, BootState, BootStep, BootStepId, BootStepState};
use appliance_common::names::host_file;
use jiff::Timestamp;

use crate::owned::{self, Place};
use crate::plan::BOUNDARY_VERSION;
use crate::settings::Places;

/// Root's, for the pod's group to read.
const MODE: u32 = 0o640;

/// The document, and where it goes.
#[derive(Debug)]
pub(super) struct Record {
    /// `None` when it is nobody else's business.
    path: Option<PathBuf>,
    clock: Clock,
    state: BootState,
}

impl Record {
    /// Of a boot that begins.
    pub(super) fn begin(places: &Places, clock: Clock) -> Self {
        let path = places.host_state_dir.join(host_file::BOOTSTRAP_STATE);
        Self {
            path: Some(path),
            ..Self::unwritten(places, clock)
        }
    }

    /// For a program that is no boot, and must not look like one.
    pub(super) fn unwritten(places: &Places, clock: Clock) -> Self {
        let now = clock.now();
        let step = |id: BootStepId| BootStep {
            id,
            state: BootStepState::Pending,
            attempt: 0,
            since: None,
            message: None,
            error: None,
            next_retry_at: None,
        };
        Self {
            path: None,
            state: BootState {
                boundary_version: BOUNDARY_VERSION,
                boot_id: places.boot_id(),
                phase: BootPhase::Running,
                started_at: now,
                updated_at: now,
                steps: BootStepId::ALL.map(step).to_vec(),
            },
            clock,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A step is begun once more; how often that was.
    pub(super) fn begun(&mut self, id: BootStepId, doing: &str) -> u32 {
        self.state.phase = BootPhase::Running;
        let mut attempt = 0;
        self.change(id, BootStepState::Running, |step| {
            step.attempt += 1;
            step.message = Some(doing.to_owned());
            step.next_retry_at = None;
            attempt = step.attempt;
        });
        attempt
    }

    /// What a running step waits for.
    pub(super) fn waits(&mut self, id: BootStepId, why: &str) {
        if self
            .state
            .steps
            .iter()
            .any(|step| step.id == id && step.message.as_deref() == Some(why))
        {
            return;
        }
        self.change(id, BootStepState::Running, |step| {
            step.message = Some(why.to_owned());
        });
    }

    /// A step has its result, or boot goes on without it.
    pub(super) fn done(&mut self, id: BootStepId, state: BootStepState, message: &str) {
        self.change(id, state, |step| {
            step.message = Some(message.to_owned());
            step.error = None;
        });
    }

    /// A step failed; `next` is when it is tried again.
    pub(super) fn failed(&mut self, id: BootStepId, error: &str, next: Option<Timestamp>) {
        self.state.phase = if next.is_some() {
            BootPhase::Waiting
        } else {
            BootPhase::Failed
        };
        self.change(id, BootStepState::Failed, |step| {
            step.error = Some(error.to_owned());
            step.next_retry_at = next;
        });
    }

    /// Everything is done.
    pub(super) fn complete(&mut self) {
        self.state.phase = BootPhase::Complete;
        self.store();
    }

    fn change(&mut self, id: BootStepId, to: BootStepState, with: impl FnOnce(&mut BootStep)) {
        let now = self.clock.now();
        if let Some(step) = self.state.steps.iter_mut().find(|step| step.id == id) {
            if step.state != to {
                step.since = Some(now);
            }
            step.state = to;
            with(step);
        }
        self.store();
    }

    /// A record that cannot be written stops no boot; the journal has the same.
    fn store(&mut self) {
        self.state.updated_at = self.clock.now();
        let Some(path) = &self.path else {
            return;
        };
        let text = serde_json::to_vec_pretty(&self.state).unwrap_or_default();
        let dir = owned::parent_of(path);
        let written = owned::directory(&dir).and_then(|()| owned::write(path, &text, MODE, Place::Any));
        if let Err(error) = written {
            tracing::warn!(%error, path = %path.display(), "how far boot is cannot be recorded");
        }
    }
}
