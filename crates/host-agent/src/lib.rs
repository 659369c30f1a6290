//! The root daemon on the Unix socket: the few things that only the host can do.
//!
//! `README.md` beside this crate tells who may ask it what.

mod bundle;
mod facts;
mod operations;
mod rescue;
mod reset;
mod rights;
mod routes;
mod server;
mod settings;
mod socket;
mod storage;
mod upgrade;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use appliance_common::process::exit_with;
use appliance_kubectl_queue::{Gate, Starter};
use clap::Parser;

use self::routes::Agent;
use self::server::{ServeError, Signals};
use self::settings::Settings;

/// Runs the program.
pub fn main(gate: Gate, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let settings = Settings::parse_from(args);
    exit_with(run(gate, settings))
}

async fn run(gate: Gate, settings: Settings) -> Result<(), ServeError> {
    let starter = Starter::new(gate).map_err(ServeError::Thread)?;
    let signals = Signals::taken()?;
    // Before anybody can ask for another one.
    let is_reset_left = reset::is_under_way(&settings);
    let listener = socket::listen(&settings).map_err(ServeError::Socket)?;
    let agent = Arc::new(Agent::new(settings, starter));
    tokio::spawn(upgrade::resume(Arc::clone(&agent)));
    if is_reset_left {
        let resuming = Arc::clone(&agent);
        tokio::spawn(async move { reset::resume(&resuming.settings).await });
    }
    let asking = Arc::clone(&agent);
    tokio::spawn(async move { facts::k3s_version(&asking).await });
    tokio::spawn(rescue::watch_over(Arc::clone(&agent)));
    server::serve(listener, agent, signals).await
}
