//! What every subcommand begins and ends with.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use appliance_common::process::chain;
use tokio::runtime::{Builder, Runtime};

use crate::say;

/// Directories in which children are looked for.
pub(crate) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// One thread: these programs wait, and are gone soon.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
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
