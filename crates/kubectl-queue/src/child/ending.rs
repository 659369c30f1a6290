//! How a child's end comes about: by itself, or step by step when it is stopped.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::signal::unix::Signal as Deaths;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Stop;
use crate::leader::Leader;
use crate::outcome::Outcome;

/// Between SIGTERM and SIGKILL (40 §9).
const TERM_GRACE: Duration = Duration::from_secs(2);

/// How long pipes may stay open after the leader has ended (40 §9).
const PIPE_GRACE: Duration = Duration::from_millis(250);

/// How long a killed leader is waited for; one that hangs in the kernel may take for ever.
const KILL_GRACE: Duration = Duration::from_millis(250);

/// Why a child was stopped: the first reason counts, whatever comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Late,
    Cancelled,
    Abandoned,
}

impl Cause {
    pub(super) fn outcome(self, limit: Duration) -> Outcome {
        match self {
            Self::Late => Outcome::TimedOut(limit),
            Self::Cancelled | Self::Abandoned => Outcome::Cancelled,
        }
    }
}

/// How a child's first process ended. Its status is not collected yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By itself.
    Own,
    /// Because it was stopped.
    Stopped(Cause),
    /// Not even when it was killed.
    Hangs(Cause),
}

/// Serves a child's pipes until it has ended and they are closed, or their grace is over.
pub(super) async fn attend(
    leader: &Leader,
    deaths: &mut Deaths,
    served: impl Future<Output = ()>,
    deadline: Instant,
    stop: &Stop,
) -> Ending {
    let mut served = std::pin::pin!(served);
    let mut ending = std::pin::pin!(ending(leader, deaths, deadline, stop));
    let mut open = true;
    let ending = loop {
        tokio::select! {
            ending = &mut ending => break ending,
            () = &mut served, if open => open = false,
        }
    };
    let wanted = !matches!(ending, Ending::Hangs(_) | Ending::Stopped(Cause::Abandoned));
    if open && wanted {
        // Who still holds a pipe after that has left the group, or is killed with it.
        let _ = timeout(PIPE_GRACE, served).await;
    }
    ending
}

/// Waits for the leader's end, and brings it about when there is a reason.
async fn ending(leader: &Leader, deaths: &mut Deaths, deadline: Instant, stop: &Stop) -> Ending {
    let cause = tokio::select! {
        biased;
        () = leader.ended(deaths) => return Ending::Own,
        () = stop.abandon.cancelled() => Cause::Abandoned,
        () = stop.cancel.cancelled() => Cause::Cancelled,
        () = sleep_until(deadline) => Cause::Late,
    };
    leader.signal(Signal::SIGTERM);
    // One that is stopped takes the first signal only when it goes on.
    leader.signal(Signal::SIGCONT);
    tokio::select! {
        biased;
        () = stop.abandon.cancelled() => {}
        () = leader.ended(deaths) => return Ending::Stopped(cause),
        () = sleep(TERM_GRACE) => {}
    }
    leader.signal(Signal::SIGKILL);
    match timeout(KILL_GRACE, leader.ended(deaths)).await {
        Ok(()) => Ending::Stopped(cause),
        Err(_) => Ending::Hangs(cause),
    }
}
