//! What every subcommand begins and ends with.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use appliance_common::process::chain;
use appliance_kubectl_queue::{Launch, Starter};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::say;

/// Directories in which children are looked for.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// One thread: these programs wait, and are gone soon.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// A child that did not end well.
pub(crate) struct ChildFailed {
    /// How it ended.
    pub(crate) outcome: &'static str,
    /// Its words on standard error.
    pub(crate) said: String,
}

/// Runs a child to its end; what it wrote to standard output.
pub(crate) async fn child(starter: &Starter, launch: Launch) -> Result<String, ChildFailed> {
    let launch = launch.env("PATH", PATH);
    let ended = starter.start(launch, CancellationToken::new()).finished().await;
    if ended.outcome.ok() {
        return Ok(ended.stdout.text());
    }
    Err(ChildFailed {
        outcome: ended.outcome.name(),
        said: ended.stderr.text().trim().to_owned(),
    })
}

/// 0, or 1 with the error and its causes.
pub(crate) fn ended<E: Error>(name: &str, done: Result<(), E>) -> ExitCode {
    ended_as(name, done, |_| ExitCode::FAILURE)
}

/// The same, for a command that tells its failures apart by their codes.
pub(crate) fn ended_as<E: Error>(name: &str, done: Result<(), E>, code: impl Fn(&E) -> ExitCode) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&format!("{name}: {}", chain(&error)));
            code(&error)
        }
    }
}
