//! The command line: which of the program's jobs is asked for. No job named means the server.

use std::ffi::OsString;
use std::process::ExitCode;

use appliance_common::process::exit_with;
use clap::{Parser, Subcommand};

use crate::console::{self, ConsoleSettings};
use crate::settings::{self, Settings};
use crate::{init_state, install_storage};

/// The job whose arguments and exit codes are a contract of their own (20 §7).
const AFTER_HELP: &str =
    "`appliance-control-plane install-storage --help` tells how storage is reconciled by hand.";

/// The appliance's control plane: setup wizard, status and management on one HTTP port.
#[derive(Debug, Parser)]
#[command(name = "appliance-control-plane", version, after_help = AFTER_HELP)]
struct CommandLine {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    job: Option<Job>,
}

/// What the program does instead of serving.
#[derive(Debug, Subcommand)]
enum Job {
    /// Sets the appliance up from a console or a script, through the running control plane.
    Setup(ConsoleSettings),
}

/// Does what `args` (the program's name first) ask for. Prints help, version or the usage error and
/// exits where clap does.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some(line) = init_state::requested(&args) {
        return init_state::main(&line);
    }
    if let Some(args) = install_storage::requested(args.iter().cloned()) {
        return install_storage::run(args);
    }
    let CommandLine { settings, job } =
        settings::parse(args).unwrap_or_else(|error: clap::Error| error.exit());
    match job {
        None => exit_with(crate::run(settings)),
        Some(Job::Setup(options)) => console::main(options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<CommandLine, clap::Error> {
        settings::parse(std::iter::once("appliance-control-plane").chain(args.iter().copied()))
    }

    #[test]
    fn no_job_named_means_the_server_with_its_flags() {
        let line = parsed(&["--port", "18080"]).unwrap();
        assert_eq!(line.settings.http.port, 18080);
        assert!(line.job.is_none());
    }

    #[test]
    fn a_job_has_flags_of_its_own() {
        let line = parsed(&["setup", "--no-wait"]).unwrap();
        assert!(matches!(line.job, Some(Job::Setup(options)) if options.no_wait));
        assert_eq!(parsed(&["setup", "--port", "1"]).unwrap_err().exit_code(), 2);
        assert_eq!(parsed(&["set-up"]).unwrap_err().exit_code(), 2);
        assert_eq!(parsed(&["--help"]).unwrap_err().exit_code(), 0);
        assert_eq!(parsed(&["--version"]).unwrap_err().exit_code(), 0);
    }
}
