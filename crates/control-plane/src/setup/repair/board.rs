//! What repairs are under way, and how the last one goes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use super::{RepairError, RepairRequest};

/// Shortest time between two repairs: each begins an attempt that costs the release minutes.
const COOLDOWN: Duration = Duration::from_secs(30);
/// Most conditions that are shown.
const CONDITIONS: usize = 20;

/// How a repair goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepairView {
    /// `alga-system/<release>`.
    pub helm_release: String,
    /// The time stamp of the request.
    pub requested_at: String,
    /// Where it is.
    pub state: RepairState,
    /// What the release has said since, the newest last.
    pub conditions: Vec<RepairCondition>,
    /// Directory of the logs that were saved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs: Option<String>,
}

/// Where a repair is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RepairState {
    /// Flux works.
    Running,
    /// The release is ready.
    Ready,
    /// The release has failed again.
    Failed,
    /// Flux was not done in time; it goes on.
    TimedOut,
}

/// What the release said at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct RepairCondition {
    /// When it was seen; ISO-8601.
    pub at: String,
    /// `True`, `False`, `Unknown` of condition Ready.
    pub status: String,
    /// Why, in a word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

/// Who may repair, and what is shown of it; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(in crate::setup) struct Repairs(Arc<Mutex<Shown>>);

#[derive(Debug, Default)]
struct Shown {
    /// The release that is being repaired.
    active: Option<String>,
    last_began: Option<(String, Instant)>,
    view: Option<RepairView>,
}

/// The right to repair, given back when dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<Repairs>);

impl Repairs {
    /// Whoever only wants to know needs no turn.
    pub(super) fn begin(&self, request: &RepairRequest) -> Result<Turn, RepairError> {
        if request.dry_run {
            return Ok(Turn(None));
        }
        let mut shown = self.lock();
        if let Some(active) = &shown.active {
            return Err(RepairError::Running(active.clone()));
        }
        let last = shown
            .last_began
            .as_ref()
            .filter(|(release, _)| *release == request.release);
        if let Some(left) = last.and_then(|(_, began)| COOLDOWN.checked_sub(began.elapsed())) {
            return Err(RepairError::TooSoon(left));
        }
        shown.active = Some(request.release.clone());
        Ok(Turn(Some(self.clone())))
    }

    /// Flux was told.
    pub(super) fn began(&self, release: &str, view: RepairView) {
        let mut shown = self.lock();
        shown.last_began = Some((release.to_owned(), Instant::now()));
        shown.view = Some(view);
    }

    pub(super) fn say(&self, condition: RepairCondition) {
        if let Some(view) = &mut self.lock().view {
            view.conditions.push(condition);
            let surplus = view.conditions.len().saturating_sub(CONDITIONS);
            view.conditions.drain(..surplus);
        }
    }

    pub(super) fn ended(&self, state: RepairState) {
        if let Some(view) = &mut self.lock().view {
            view.state = state;
        }
    }

    pub(super) fn view(&self) -> Option<RepairView> {
        self.lock().view.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(repairs) = &self.0 {
            repairs.lock().active = None;
        }
    }
}
