//! What repairs are under way, and how the last one goes.

use std::collections::{BTreeMap, BTreeSet};
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

/// Per release: one that takes its time does not keep an operator from another. There are no more entries than
/// releases of ours.
#[derive(Debug, Default)]
struct Shown {
    /// The releases that are being repaired.
    active: BTreeSet<String>,
    began: BTreeMap<String, Instant>,
    views: BTreeMap<String, RepairView>,
    /// Whose repair began last.
    last: Option<String>,
}

/// The right to repair a release, given back when dropped.
#[derive(Debug)]
pub(super) struct Turn(Option<(Repairs, String)>);

impl Repairs {
    /// Whoever only wants to know needs no turn.
    pub(super) fn begin(&self, request: &RepairRequest) -> Result<Turn, RepairError> {
        if request.dry_run {
            return Ok(Turn(None));
        }
        let release = &request.release;
        let mut shown = self.lock();
        if shown.active.contains(release) {
            return Err(RepairError::Running(release.clone()));
        }
        let began = shown.began.get(release);
        if let Some(left) = began.and_then(|began| COOLDOWN.checked_sub(began.elapsed())) {
            return Err(RepairError::TooSoon(left));
        }
        shown.active.insert(release.clone());
        Ok(Turn(Some((self.clone(), release.clone()))))
    }

    /// Flux was told.
    pub(super) fn began(&self, release: &str, view: RepairView) {
        let mut shown = self.lock();
        shown.began.insert(release.to_owned(), Instant::now());
        shown.views.insert(release.to_owned(), view);
        shown.last = Some(release.to_owned());
    }

    pub(super) fn say(&self, release: &str, condition: RepairCondition) {
        if let Some(view) = self.lock().views.get_mut(release) {
            view.conditions.push(condition);
            let surplus = view.conditions.len().saturating_sub(CONDITIONS);
            view.conditions.drain(..surplus);
        }
    }

    pub(super) fn ended(&self, release: &str, state: RepairState) {
        if let Some(view) = self.lock().views.get_mut(release) {
            view.state = state;
        }
    }

    /// The repair that began last.
    pub(super) fn view(&self) -> Option<RepairView> {
        let shown = self.lock();
        shown.views.get(shown.last.as_ref()?).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some((repairs, release)) = &self.0 {
            repairs.lock().active.remove(release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(release: &str) -> RepairRequest {
        RepairRequest {
            release: release.to_owned(),
            dry_run: false,
            force: false,
            skip_cleanup: false,
        }
    }

    fn view(release: &str) -> RepairView {
        RepairView {
            helm_release: format!("alga-system/{release}"),
            requested_at: "t".to_owned(),
            state: RepairState::Running,
            conditions: Vec::new(),
            logs: None,
        }
    }

    #[test]
    fn a_release_is_repaired_once_at_a_time_and_keeps_nobody_from_another() {
        let repairs = Repairs::default();
        let turn = repairs.begin(&request("alga-core")).unwrap();
        repairs.began("alga-core", view("alga-core"));
        let again = repairs.begin(&request("alga-core"));
        assert!(matches!(again, Err(RepairError::Running(_))), "{again:?}");
        let look = RepairRequest {
            dry_run: true,
            ..request("alga-core")
        };
        assert!(repairs.begin(&look).is_ok(), "a look takes nobody's turn");

        let other = repairs.begin(&request("temporal")).unwrap();
        repairs.began("temporal", view("temporal"));
        repairs.ended("alga-core", RepairState::Ready);
        assert_eq!(
            repairs.view(),
            Some(view("temporal")),
            "the last that began is shown"
        );
        drop((turn, other));
        let soon = repairs.begin(&request("alga-core"));
        assert!(matches!(soon, Err(RepairError::TooSoon(_))), "{soon:?}");
    }
}
