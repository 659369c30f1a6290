//! Which reset is under way, how the last one ended, and how many there were lately.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use appliance_common::clock::{Clock, iso_millis};
use appliance_common::process::chain;
use appliance_common::random;
use appliance_common::state_file::StateFile;
use jiff::Timestamp;
use serde::Serialize;

use super::ResetError;

/// Most resets that are begun within [`PERIOD`].
const MOST: usize = 5;
const PERIOD: Duration = Duration::from_hours(1);

/// When resets were begun lately, the oldest first; survives a restart.
type Begun = VecDeque<Timestamp>;

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
    file: StateFile<Begun>,
    shown: Arc<Mutex<Shown>>,
}

#[derive(Default)]
struct Shown {
    active: bool,
    begun: Begun,
    view: Option<ResetView>,
}

/// The right to reset, given back when dropped.
pub(super) struct Turn(Board);

impl Board {
    /// A board that remembers what was stored at `path`.
    pub(in crate::manage) fn open(path: PathBuf, clock: Clock) -> Self {
        let file = StateFile::at(path);
        let begun = file.load().unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "resets of the password are counted anew");
            None
        });
        let shown = Shown {
            begun: begun.unwrap_or_default(),
            ..Shown::default()
        };
        Self {
            clock,
            file,
            shown: Arc::new(Mutex::new(shown)),
        }
    }

    /// Takes a turn, if none is taken and there were not too many.
    pub(super) fn begin(&self) -> Result<Turn, ResetError> {
        let mut shown = self.lock();
        if shown.active {
            return Err(ResetError::Running);
        }
        let now = self.clock.now();
        forget_old(&mut shown.begun, now);
        if let Some(first) = shown.begun.front().filter(|_| shown.begun.len() >= MOST) {
            return Err(ResetError::TooMany(PERIOD.saturating_sub(age(*first, now))));
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
    /// From here on it counts. A full disk must not keep anybody from getting in again.
    pub(super) async fn count(&self) {
        let now = self.0.clock.now();
        let begun = {
            let mut shown = self.0.lock();
            shown.begun.push_back(now);
            shown.begun.clone()
        };
        let file = self.0.file.clone();
        let stored = tokio::task::spawn_blocking(move || file.store(&begun)).await;
        if let Ok(Err(error)) = stored {
            tracing::warn!(
                error = chain(&error),
                "a reset of the password will be forgotten by a restart"
            );
        }
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

/// A clock that was set back must not make a wait longer than any wait is: what lies ahead is now.
fn forget_old(begun: &mut Begun, now: Timestamp) {
    for at in begun.iter_mut() {
        *at = now.min(*at);
    }
    begun.retain(|at| age(*at, now) < PERIOD);
}

fn age(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
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
    use std::sync::atomic::{AtomicI64, Ordering};

    use tempfile::TempDir;

    use super::*;

    /// A box with a clock of its own, in seconds.
    struct Place {
        dir: TempDir,
        time: Arc<AtomicI64>,
    }

    impl Place {
        fn new() -> Self {
            let (dir, time) = (tempfile::tempdir().unwrap(), Arc::new(AtomicI64::new(1_000_000)));
            Self { dir, time }
        }

        fn pass(&self, seconds: i64) {
            self.time.fetch_add(seconds, Ordering::Relaxed);
        }

        /// The board, as a start of the process opens it.
        fn open(&self) -> Board {
            let time = Arc::clone(&self.time);
            let clock = Clock::from_fn(move || Timestamp::from_second(time.load(Ordering::Relaxed)).unwrap());
            Board::open(self.dir.path().join("resets.json"), clock)
        }
    }

    fn left(board: &Board) -> u64 {
        match board.begin() {
            Err(ResetError::TooMany(left)) => left.as_secs(),
            other => panic!("not too many: {:?}", other.map(drop)),
        }
    }

    #[tokio::test]
    async fn one_at_a_time_and_five_an_hour_whatever_is_restarted() {
        let place = Place::new();
        let board = place.open();
        let turn = board.begin().unwrap();
        assert!(matches!(board.begin(), Err(ResetError::Running)));
        turn.count().await;
        drop(turn);
        for _ in 1..MOST {
            place.pass(60);
            drop(board.begin().unwrap());
            place.open().begin().unwrap().count().await;
        }
        let board = place.open();
        assert_eq!(left(&board), 56 * 60);
        place.pass(56 * 60);
        board.begin().unwrap().count().await;
        assert_eq!(left(&place.open()), 60);
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_locks_nobody_out_for_longer() {
        let place = Place::new();
        for _ in 0..MOST {
            place.open().begin().unwrap().count().await;
        }
        place.pass(-500_000);
        let board = place.open();
        assert_eq!(left(&board), 3600);
        place.pass(3600);
        drop(board.begin().unwrap());
    }

    #[tokio::test]
    async fn a_damaged_count_begins_anew() {
        let place = Place::new();
        std::fs::create_dir(place.dir.path().join("resets.json")).unwrap();
        place.open().begin().unwrap().count().await;
    }

    #[test]
    fn the_last_one_stays_to_be_seen() {
        let board = Place::new().open();
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
