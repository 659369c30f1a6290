//! Installing the appliance's application: the operator's answers in, Flux objects out.
//!
//! [`Setup`] is the handle that the HTTP layer holds. A submission is checked (`inputs`), sealed,
//! stored and recorded (`submit`); a run follows the plan (`plan`, `engine`, `steps`) and every event
//! goes through the journal (`journal`, `recorder`); readers look at the `board`.

mod answers;
pub mod board;
pub mod checkup;
pub mod chosen;
pub mod context;
mod control;
pub mod engine;
pub mod failure;
pub mod handover;
pub mod history;
pub mod inputs;
pub mod journal;
mod manifest;
pub mod metadata;
mod noting;
pub mod objects;
pub mod plan;
pub mod plan_view;
mod pods;
mod probe;
pub mod projection;
mod reconcile;
pub mod recorder;
pub mod redemption;
pub mod repair;
pub mod retry;
mod rights;
pub mod run;
#[cfg(test)]
mod sample;
pub mod seal;
pub mod selection;
mod settle;
mod shipped;
mod start;
pub mod steps;
mod storage_repair;
mod submit;
mod take_up;
pub mod values;

use std::fmt;
use std::sync::{Arc, MutexGuard, PoisonError, Weak};

use appliance_common::clock::Clock;
use appliance_common::process::chain;
use appliance_common::state_file::{FileLock, StateFile};
use serde_json::Value;
use tokio::task::JoinHandle;

use board::{Board, View};
use context::SetupSettings;
use inputs::StoredInputs;
use journal::Journal;
use plan_view::{AutoRetry, PlanView, Seen};
use recorder::Recorder;
use run::Run;
use selection::{ReleaseSelection, SelectionFile};
use shipped::Continuation;

pub use control::ControlError;
pub(crate) use probe::NetworkFinding;
pub use reconcile::RetrySettings;
pub use storage_repair::StorageRepair;
pub use submit::SubmitError;

pub use crate::seal_key;

/// Why answers are not taken now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The application is installed, or handed to Flux.
    Finished,
    /// A run is under way.
    Running,
    /// A state file exists and cannot be read: this may be a box with data on it.
    StateUnreadable(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("setup is finished on this appliance"),
            Self::Running => f.write_str("setup is running"),
            Self::StateUnreadable(cause) => write!(
                f,
                "the state of this appliance cannot be read ({cause}); it is not treated as new. Make a support \
                 bundle, or restore the file"
            ),
        }
    }
}

/// The handle on setup; cheap to clone.
#[derive(Clone)]
pub struct Setup(Arc<Inner>);

/// What all handles share.
pub struct Inner {
    settings: Arc<SetupSettings>,
    clock: Clock,
    /// The kernel's boot id.
    boot_id: String,
    /// The open journal, or why there is none.
    recorder: Result<Recorder, String>,
    /// Held while a submission is taken.
    accepting: tokio::sync::Mutex<()>,
    /// Who may repair a release, and how it goes.
    repairs: repair::Repairs,
    /// What runs beside the server.
    tasks: std::sync::Mutex<Tasks>,
}

/// What runs beside the server.
#[derive(Default)]
struct Tasks {
    /// Takes up, and tries again.
    reconciler: Option<JoinHandle<()>>,
    /// The run under way, or the last one.
    job: Option<Job>,
}

/// A run that is followed.
struct Job {
    handle: JoinHandle<()>,
    /// The appliance's lock, as long as the run has it.
    lock: Weak<FileLock>,
}

impl std::ops::Deref for Setup {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Setup {
    /// Reads what is on the state volume; starts nothing. A damaged journal is remembered, not fatal:
    /// the server must come up and say so.
    #[must_use]
    pub fn open(settings: SetupSettings, clock: Clock, boot_id: String) -> Self {
        let brief = StateFile::<StoredInputs>::at(&settings.inputs_file)
            .load()
            .ok()
            .flatten()
            .map_or(Value::Null, |stored| stored.brief());
        let recorder = match Journal::open(&settings.journal(), clock.clone()) {
            Ok(journal) => Ok(Recorder::new(
                journal,
                settings.state_file.clone(),
                brief,
                clock.clone(),
            )),
            Err(error) => {
                tracing::error!(error = chain(&error), "setup cannot be continued");
                Err(chain(&error))
            }
        };
        Self(Arc::new(Inner {
            settings: Arc::new(settings),
            clock,
            boot_id,
            recorder,
            accepting: tokio::sync::Mutex::default(),
            repairs: repair::Repairs::default(),
            tasks: std::sync::Mutex::default(),
        }))
    }

    /// Whether the form may be filled in again: blocked or interrupted before the Flux source. On a
    /// fresh box there is nothing to fill in again.
    #[must_use]
    pub fn is_editable(&self) -> bool {
        self.check_accepts().is_ok() && self.install_state().is_ok_and(|state| state.is_some())
    }

    /// The newest view of the run; `Err` says why the journal cannot be read.
    ///
    /// # Errors
    /// The cause, for the operator.
    pub fn view(&self) -> Result<Arc<View>, &str> {
        self.recorder
            .as_ref()
            .map(|recorder| recorder.board().view())
            .map_err(String::as_str)
    }

    /// The state document: ours, or the shipped product's where there is no journal of ours.
    ///
    /// # Errors
    /// Why it cannot be read, for the operator.
    pub fn install_state(&self) -> Result<Option<Value>, String> {
        let view = self.view().map_err(str::to_owned)?;
        if view.history.run != Run::Empty {
            return Ok(view.document.clone());
        }
        self.shipped_document()
    }

    /// A document without a status tells nothing, so it counts as damaged.
    fn shipped_document(&self) -> Result<Option<Value>, String> {
        let path = &self.settings.state_file;
        let document = StateFile::<Value>::at(path)
            .load()
            .map_err(|error| chain(&error))?;
        match document {
            Some(document) if document["status"].as_str().is_none_or(str::is_empty) => {
                Err(format!("{} names no status", path.display()))
            }
            document => Ok(document),
        }
    }

    /// Each step of setup, and what can be done now.
    ///
    /// # Errors
    /// Why the state cannot be read, for the operator.
    pub fn plan(&self) -> Result<PlanView, String> {
        let view = self.view().map_err(str::to_owned)?;
        let document = self.install_state()?;
        Ok(PlanView::of(&Seen {
            view: &view,
            document: document.as_ref(),
            policy: &self.settings.retry.policy,
            editable: self.is_editable(),
            can_retry: self.can_retry(),
            can_cancel: self.can_cancel(),
            now: self.clock.now(),
        }))
    }

    /// What happens by itself about the failure that setup stopped with, if it can pass.
    #[must_use]
    pub fn auto_retry(&self) -> Option<AutoRetry> {
        let view = self.view().ok()?;
        plan_view::auto_retry(&self.settings.retry.policy, &view, self.clock.now())
    }

    /// The board, to follow a run; `None` when the journal cannot be read.
    #[must_use]
    pub fn board(&self) -> Option<&Board> {
        self.recorder.as_ref().ok().map(Recorder::board)
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last submission without its secrets, if there is one that can be read.
    #[must_use]
    pub fn stored_inputs(&self) -> Option<StoredInputs> {
        StateFile::at(&self.settings.inputs_file).load().ok().flatten()
    }

    /// The release this box follows, if that is decided.
    #[must_use]
    pub fn selection(&self) -> Option<ReleaseSelection> {
        SelectionFile::at(&self.settings.selection_file)
            .load()
            .ok()
            .flatten()
    }

    /// What this process was told about setup.
    #[must_use]
    pub fn settings(&self) -> &SetupSettings {
        &self.settings
    }

    /// Whether answers are taken now, and where they would be recorded.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn check_accepts(&self) -> Result<&Recorder, Refusal> {
        let recorder = self
            .recorder
            .as_ref()
            .map_err(|cause| Refusal::StateUnreadable(cause.clone()))?;
        let view = recorder.board().view();
        let selection = SelectionFile::at(&self.settings.selection_file)
            .load()
            .map_err(|error| Refusal::StateUnreadable(chain(&error)))?;
        if selection
            .as_ref()
            .is_some_and(|selection| selection.installed_at.is_some())
        {
            return Err(Refusal::Finished);
        }
        match view.history.run {
            Run::Empty => self.check_shipped(selection.is_some()).map(|()| recorder),
            Run::Blocked { .. } | Run::Interrupted { .. } | Run::Cancelled { .. } => Ok(recorder),
            Run::Queued | Run::Running { .. } => Err(Refusal::Running),
            Run::Complete => Err(Refusal::Finished),
        }
    }

    /// Without a journal of ours, the shipped product's documents decide.
    fn check_shipped(&self, has_selection: bool) -> Result<(), Refusal> {
        let Some(document) = self.shipped_document().map_err(Refusal::StateUnreadable)? else {
            return if has_selection {
                Err(Refusal::Finished)
            } else {
                Ok(())
            };
        };
        match shipped::continuation(&document, has_selection) {
            Continuation::Resume | Continuation::Reopen => Ok(()),
            Continuation::Finished => Err(Refusal::Finished),
            Continuation::SelectionLost => Err(Refusal::StateUnreadable(
                "it is installed, and release-selection.json is gone".to_owned(),
            )),
            Continuation::Unclear(why) => Err(Refusal::StateUnreadable(why)),
        }
    }
}
