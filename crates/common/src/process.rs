//! How every program of the appliance begins and ends.

use std::error::Error;
use std::future::Future;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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

/// How glibc's heap is set up, by its manual ("Memory Allocation Tunables").
const TUNABLES: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=1048576");

/// Begins the program again with a heap that gives large blocks back when they are freed; to be called first,
/// while there is one thread. glibc otherwise keeps the first one's size as its new threshold, and from then on
/// each thread keeps the 16 MiB of a scrypt derivation. musl's heap gives them back as it is.
///
/// A value that the environment has already stays; where the program cannot be begun again it goes on.
#[expect(
    clippy::disallowed_methods,
    reason = "no child: the same process, before there are settings"
)]
pub fn settle_heap() {
    if cfg!(target_env = "gnu") && std::env::var_os(TUNABLES.0).is_none() {
        let mut arguments = std::env::args_os();
        let mut again = std::process::Command::new("/proc/self/exe");
        if let Some(name) = arguments.next() {
            again.arg0(name);
        }
        // Returns only if it failed.
        let _ = again.args(arguments).env(TUNABLES.0, TUNABLES.1).exec();
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

/// Lines on stderr, where journald and the container runtime collect them. `RUST_LOG` narrows or widens them
/// by targets (`info,hyper=debug`); the default is `info`.
#[expect(
    clippy::disallowed_methods,
    reason = "logging begins before there are settings"
)]
fn start_logging() {
    let asked = std::env::var("RUST_LOG").ok();
    let targets = asked.and_then(|text| text.parse::<Targets>().ok());
    let filter = targets.unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false);
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    if subscriber.try_init().is_err() {
        tracing::debug!("logging was already set up");
    }
}
