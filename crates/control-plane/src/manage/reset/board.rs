//! Which reset is under way, how the last one ended, and how many there were lately.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use appliance_common::clock::{Clock, iso_millis};
use appliance_common::random;
use serde::Serialize;
use tokio::time::Instant;

use super::ResetError;

/// Most resets that are begun within [`PERIOD`].
const MOST: usize = 5;
const PERIOD: Duration = Duration::from_hours(1);

/// How a reset goes; nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetView {
    /// Which.
    pub id: String,
    /// Where it is.
    pub state: ResetState,
    /// When it began; ISO-8601.
    pub started_at: String,
    /// When it ended.
    #[schema(required)]
    pub ended_at: Option<String>,
    /// A sentence for the operator.
    pub message: String,
}

/// Where a reset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResetState {
    /// The application works on it.
    Running,
    /// The password is the new one.
    Succeeded,
    /// The password is as it was.
    Failed,
    /// It is not known whether the password was changed.
    Unknown,
}

impl ResetState {
    fn message(self) -> &'static str {
        match self {
            Self::Running => "The application is changing the password; this takes up to two minutes.",
            Self::Succeeded => "The password was changed. The administrator can sign in with it now.",
            Self::Failed => {
                "The password was not changed: the application did not find the administrator, or could not reach \
                 its database. Check on the status page that it works, then try again."
            }
            Self::Unknown => {
                "Whether the password was changed is not known. Try to sign in with the new one, else with the old \
                 one, or reset it again."
            }
        }
    }
}

/// The board; cheap to clone.
#[derive(Clone)]
pub(in crate::manage) struct Board {
    clock: Clock,
    shown: Arc<Mutex<Shown>>,
}

#[derive(Default)]
struct Shown {
    active: bool,
    begun: VecDeque<Instant>,
    view: Option<ResetView>,
}

/// The right to reset, given back when dropped.
pub(super) struct Turn(Board);

impl Board {
    pub(in crate::manage) fn new(clock: Clock) -> Self {
        let shown = Arc::default();
        Self { clock, shown }
    }

    /// Takes a turn, if none is taken and there were not too many.
    pub(super) fn begin(&self) -> Result<Turn, ResetError> {
        let mut shown = self.lock();
        if shown.active {
            return Err(ResetError::Running);
        }
        while shown.begun.front().is_some_and(|begun| begun.elapsed() >= PERIOD) {
            shown.begun.pop_front();
        }
        if let Some(first) = shown.begun.front().filter(|_| shown.begun.len() >= MOST) {
            return Err(ResetError::TooMany(PERIOD.saturating_sub(first.elapsed())));
        }
        shown.active = true;
        Ok(Turn(self.clone()))
    }

    /// The last reset, or the one under way.
    pub(in crate::manage) fn view(&self) -> Option<ResetView> {
        self.lock().view.clone()
    }

    /// How a reset ended that an earlier process began.
    pub(super) fn left_over(&self, state: ResetState, started_at: String) {
        let mut shown = self.lock();
        if shown.view.is_none() {
            shown.view = Some(view(state, started_at, Some(iso_millis(self.clock.now()))));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// From here on it counts.
    pub(super) fn count(&self) {
        self.0.lock().begun.push_back(Instant::now());
    }

    /// The application works on it.
    pub(super) fn began(&self) -> ResetView {
        let view = view(ResetState::Running, iso_millis(self.0.clock.now()), None);
        self.0.lock().view = Some(view.clone());
        view
    }

    /// It is over.
    pub(super) fn ended(&self, state: ResetState) {
        let now = iso_millis(self.0.clock.now());
        if let Some(view) = &mut self.0.lock().view {
            view.state = state;
            view.ended_at = Some(now);
            state.message().clone_into(&mut view.message);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.lock().active = false;
    }
}

fn view(state: ResetState, started_at: String, ended_at: Option<String>) -> ResetView {
    ResetView {
        id: random::id(),
        state,
        started_at,
        ended_at,
        message: state.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_and_five_an_hour() {
        let board = Board::new(Clock::system());
        let turn = board.begin().unwrap();
        assert!(matches!(board.begin(), Err(ResetError::Running)));
        turn.count();
        drop(turn);
        for _ in 1..MOST {
            tokio::time::advance(Duration::from_mins(1)).await;
            drop(board.begin().unwrap());
            board.begin().unwrap().count();
        }
        let Err(ResetError::TooMany(left)) = board.begin() else {
            panic!("a sixth within the hour");
        };
        assert_eq!(left, Duration::from_mins(56));
        tokio::time::advance(left).await;
        board.begin().unwrap().count();
        assert!(matches!(board.begin(), Err(ResetError::TooMany(_))));
    }

    #[test]
    fn the_last_one_stays_to_be_seen() {
        let board = Board::new(Clock::system());
        let turn = board.begin().unwrap();
        let began = turn.began();
        turn.ended(ResetState::Failed);
        drop(turn);
        let view = board.view().unwrap();
        assert_eq!((view.id, view.state), (began.id, ResetState::Failed));
        board.left_over(ResetState::Succeeded, String::new());
        assert_eq!(board.view().unwrap().state, ResetState::Failed, "it knows better");
    }
}
