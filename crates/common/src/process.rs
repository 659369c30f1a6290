//! How every program of the appliance begins and ends.

use std::error::Error;
use std::future::Future;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

/// Worker threads of the runtime: the work is waiting, not computing, and memory is counted.
const MAX_WORKERS: usize = 2;

/// Runs a program to its end: logging, the async runtime, the cause chain of an error, the exit code.
///
/// Exit codes: 0 when `program` succeeds, 1 when it fails or the runtime cannot start. Usage errors
/// exit with 2 before this is called (clap does that).
pub fn exit_with<E: Error>(program: impl Future<Output = Result<(), E>>) -> ExitCode {
    start_logging();
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(MAX_WORKERS));
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(error = chain(&error), "starting the async runtime");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(program);
    // A blocking task (a password hash, a slow disk) must not hold up the end of the process.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = chain(&error), "stopped by an error");
            ExitCode::FAILURE
        }
    }
}

/// An error and everything that caused it, on one line.
///
/// ```
/// let inner = std::io::Error::other("disk full");
/// assert_eq!(appliance_common::process::chain(&inner), "disk full");
/// ```
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// Structured lines on stderr, where journald and the container runtime collect them.
/// `RUST_LOG` narrows or widens them; the default is `info`.
fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    if subscriber.try_init().is_err() {
        tracing::debug!("logging was already set up");
    }
}
