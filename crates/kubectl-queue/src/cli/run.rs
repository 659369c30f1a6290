//! `kubectl-queue run`.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use appliance_common::secret::Secret;
use appliance_common::state_file::LockError;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Part, Run, lock};
use crate::gate::Gate;
use crate::lanes::Lane;
use crate::launch::Launch;
use crate::output::Keep;
use crate::queue::Queue;
use crate::result::QueueResult;
use crate::starter::Starter;

/// The queue's name in results (40 §9).
const QUEUE: &str = "kubectl";

/// Variables that are always passed on: where programs are, whose they are, how they speak, and the cluster.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "LANG", "KUBECONFIG"];

/// Most of our standard input that is handed over.
const MAX_INPUT: u64 = 1024 * 1024;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum RunError {
    #[error("{what}: free memory, threads or file descriptors, then try again")]
    Begin { what: &'static str, source: io::Error },
    #[error("reading standard input for the command")]
    Input { source: io::Error },
    #[error("standard input is longer than {MAX_INPUT} bytes: hand over a file by its path")]
    LongInput,
    #[error("taking the lock: name a file with --lock whose directory is there and is ours to write")]
    Lock { source: LockError },
}

/// Runs it. A stop signal cancels it, and there is a result all the same.
pub(super) fn run(run: &Run, gate: Gate) -> Result<Arc<QueueResult>, RunError> {
    let launch = launch(run)?;
    let starter = Starter::new(gate).map_err(|source| begin("starting a thread", source))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| begin("starting the async runtime", source))?;
    let result = runtime.block_on(async {
        let cancel = cancelled_by_signals().map_err(|source| begin("watching for stop signals", source))?;
        let accepted = Instant::now();
        let _held = match &run.lock {
            Some(file) => lock::acquire(file, accepted + launch.limit, &cancel).await?,
            None => None,
        };
        // Without the lock, because it was too late or not wanted any more, the queue says just that.
        let entry = Queue::new(QUEUE, starter).submit_at(accepted, Lane::Change, launch, cancel);
        Ok(entry.result().await)
    });
    // A blocking read or a hanging child must not hold up our end.
    runtime.shutdown_background();
    result
}

fn begin(what: &'static str, source: io::Error) -> RunError {
    RunError::Begin { what, source }
}

fn launch(run: &Run) -> Result<Launch, RunError> {
    let (program, args) = run
        .command
        .split_first()
        .map_or((OsStr::new(""), &[][..]), |(program, args)| {
            (program.as_os_str(), args)
        });
    let mut launch = Launch::new(program)
        .args(args.iter().cloned())
        .limit(Duration::from_millis(run.timeout_ms))
        .cap(usize::try_from(run.cap_bytes).unwrap_or(usize::MAX))
        .keep(match run.keep {
            Part::Head => Keep::Head,
            Part::Tail => Keep::Tail,
        });
    for (name, value) in std::env::vars_os().filter(|(name, _)| is_passed_on(name, &run.env)) {
        launch = launch.env(name, value);
    }
    if let Some(dir) = &run.dir {
        launch = launch.dir(dir);
    }
    if run.stdin {
        launch = launch.stdin(input()?.expose().as_slice());
    }
    Ok(launch)
}

fn is_passed_on(name: &OsStr, asked: &[OsString]) -> bool {
    PASSED_ON.iter().any(|always| name == *always) || asked.iter().any(|asked| name == asked)
}

fn input() -> Result<Secret<Vec<u8>>, RunError> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes);
    let count = read.map_err(|source| RunError::Input { source })?;
    if count as u64 > MAX_INPUT {
        return Err(RunError::LongInput);
    }
    Ok(Secret::new(bytes))
}

/// A token that the first of the signals for an orderly stop cancels.
fn cancelled_by_signals() -> io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let cancel = CancellationToken::new();
    let token = cancel.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        token.cancel();
    });
    Ok(cancel)
}
