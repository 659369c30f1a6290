//! One child from its start to the collection of its status.

mod ending;

use std::process::ExitStatus;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument;

use self::ending::{Ending, attend};
use crate::gate;
use crate::launch::Launch;
use crate::outcome::Outcome;
use crate::output::{Keeper, Output};
use crate::start_error::StartError;
use crate::starter::Starter;
use crate::streams::Streams;

/// What became of a child.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// What it wrote to standard output.
    pub stdout: Output,
    /// What it wrote to standard error.
    pub stderr: Output,
    /// From the order to start it until it was gone.
    pub took: Duration,
}

impl Finished {
    /// Of a child that never was, or that nobody knows anything of.
    pub(crate) fn without_child(outcome: Outcome) -> Self {
        Self {
            outcome,
            stdout: Output::default(),
            stderr: Output::default(),
            took: Duration::ZERO,
        }
    }
}

/// A child that runs. Dropping it kills its whole group at once and has the status collected.
#[derive(Debug)]
pub struct Running {
    task: JoinHandle<Finished>,
    _abandoned: DropGuard,
}

impl Running {
    /// Waits for its end; dropping this future is dropping the child.
    pub async fn finished(mut self) -> Finished {
        let ended = (&mut self.task).await;
        ended.unwrap_or_else(|error| {
            let lost = format!("whoever watched it is gone: {error}");
            Finished::without_child(Outcome::Unknown(lost))
        })
    }
}

/// The two ways to end a child from outside.
#[derive(Debug, Clone)]
pub(crate) struct Stop {
    /// It is not wanted any more: it gets time to clean up.
    pub(crate) cancel: CancellationToken,
    /// Nobody waits for it: it is killed.
    pub(crate) abandon: CancellationToken,
}

impl Stop {
    /// Both ways, and a guard that abandons the child when it is dropped.
    pub(crate) fn new(cancel: CancellationToken) -> (Self, DropGuard) {
        let abandon = CancellationToken::new();
        let guard = abandon.clone().drop_guard();
        (Self { cancel, abandon }, guard)
    }
}

impl Starter {
    /// Starts a child in the current async runtime; `cancel` ends it in order: SIGTERM to its group, and
    /// SIGKILL 2 s later.
    ///
    /// # Panics
    /// Outside an async runtime.
    #[must_use]
    pub fn start(&self, launch: Launch, cancel: CancellationToken) -> Running {
        let starter = self.clone();
        let (stop, abandoned) = Stop::new(cancel);
        let deadline = Instant::now() + launch.limit;
        let task = tokio::spawn(async move { supervise(&starter, &launch, deadline, &stop).await });
        Running {
            task,
            _abandoned: abandoned,
        }
    }
}

/// Runs a child to its end, and collects its status, in the caller's task.
pub(crate) async fn supervise(
    starter: &Starter,
    launch: &Launch,
    deadline: Instant,
    stop: &Stop,
) -> Finished {
    let began = Instant::now();
    let span = tracing::debug_span!("child", command = launch.command());
    let keeper = || Keeper::new(launch.keep, launch.cap);
    let (mut stdout, mut stderr) = (keeper(), keeper());
    let run = run(starter, launch, deadline, stop, (&mut stdout, &mut stderr));
    let outcome = run.instrument(span.clone()).await.unwrap_or_else(|error| {
        // The gate's own words are no output.
        stderr = keeper();
        Outcome::NotStarted(error)
    });
    let took = began.elapsed();
    span.in_scope(|| tracing::debug!(outcome = outcome.name(), ?took, "ended"));
    Finished {
        outcome,
        stdout: stdout.done(),
        stderr: stderr.done(),
        took,
    }
}

async fn run(
    starter: &Starter,
    launch: &Launch,
    deadline: Instant,
    stop: &Stop,
    (stdout, stderr): (&mut Keeper, &mut Keeper),
) -> Result<Outcome, StartError> {
    if stop.cancel.is_cancelled() {
        return Ok(Outcome::Cancelled);
    }
    let ours = |what, source| StartError::ourselves(launch, what, source);
    // Before the start, or its end could be missed.
    let mut deaths = signal(SignalKind::child()).map_err(|error| ours("watching for its end", error))?;
    let mut child = starter.spawn(launch).await?;
    let streams = Streams::of(&mut child).map_err(|error| ours("opening its pipes", error))?;
    let input = launch
        .stdin
        .as_ref()
        .map_or(&[][..], |input| input.expose().as_slice());
    let served = streams.serve(input, stdout, stderr);
    let leader = child.leader;
    let status = match attend(&leader, &mut deaths, served, deadline, stop).await {
        Ending::Own => leader.collect(),
        Ending::Stopped(cause) => {
            let _ = leader.collect();
            return Ok(cause.outcome(launch.limit));
        }
        // Dropping its leader leaves it to a thread.
        Ending::Hangs(cause) => return Ok(cause.outcome(launch.limit)),
    };
    let code = status.as_ref().ok().and_then(ExitStatus::code);
    match gate::refusal(code, &child.mark, stderr.kept()) {
        Some(source) => Err(StartError::refused(&child.program, source)),
        None => Ok(Outcome::of(status)),
    }
}
