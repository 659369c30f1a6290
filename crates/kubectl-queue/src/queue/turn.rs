//! Asking for a turn, waiting for it, and giving it on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::child::Stop;
use crate::lanes::{Admission, Id, Lane, Lanes};
use crate::outcome::Outcome;

/// The lanes, and how those that wait are told.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    lanes: Lanes,
    waiting: HashMap<Id, oneshot::Sender<()>>,
}

/// Where a new entry stands.
#[derive(Debug)]
pub(super) enum Place {
    /// It is its turn.
    Now,
    /// It is told when it is.
    Later(oneshot::Receiver<()>),
    /// There is no room for it.
    Refused,
}

/// A place in a lane, given on when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Turns,
    id: Id,
}

impl Turns {
    pub(super) fn ask(&self, lane: Lane) -> (Turn, Place) {
        let mut state = self.state();
        let (id, admission) = state.lanes.submit(lane);
        let place = match admission {
            Admission::Runs => Place::Now,
            Admission::Refused => Place::Refused,
            Admission::Waits => {
                let (tell, told) = oneshot::channel();
                state.waiting.insert(id, tell);
                Place::Later(told)
            }
        };
        drop(state);
        let turns = self.clone();
        (Turn { turns, id }, place)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    pub(super) fn id(&self) -> u64 {
        self.id.0
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.state();
        state.waiting.remove(&self.id);
        let next = state.lanes.leave(self.id);
        if let Some(next) = next.and_then(|next| state.waiting.remove(&next)) {
            // One that does not listen any more is about to drop its own turn, and so gives this one on.
            let _ = next.send(());
        }
    }
}

/// Why an entry never had its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missed {
    Full,
    Late,
    Cancelled,
}

impl Missed {
    pub(super) fn outcome(self, limit: Duration) -> Outcome {
        match self {
            Self::Full => Outcome::QueueFull,
            Self::Late => Outcome::TimedOut(limit),
            Self::Cancelled => Outcome::Cancelled,
        }
    }
}

/// Waits until it is the entry's turn, or says why that does not happen. What comes first counts.
pub(super) async fn await_turn(place: Place, deadline: Instant, stop: &Stop) -> Option<Missed> {
    let told = match place {
        Place::Refused => return Some(Missed::Full),
        Place::Now => None,
        Place::Later(told) => Some(told),
    };
    let turn = async {
        if let Some(told) = told {
            // Its sender goes only with this entry.
            let _ = told.await;
        }
    };
    let late = async {
        // A timer that is due already may take a turn of the runtime to say so.
        if Instant::now() < deadline {
            sleep_until(deadline).await;
        }
    };
    tokio::select! {
        biased;
        () = stop.abandon.cancelled() => Some(Missed::Cancelled),
        () = stop.cancel.cancelled() => Some(Missed::Cancelled),
        () = late => Some(Missed::Late),
        () = turn => None,
    }
}
