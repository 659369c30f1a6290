//! The command line: one command, its result as JSON, and an exit code that a script can use.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use appliance_common::process::chain;
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::gate::Gate;
use crate::launch::{DEFAULT_CAP, DEFAULT_LIMIT, LEAST_CAP};

mod lock;
mod run;

const AFTER_HELP: &str = "\
Exit codes of `run`:
  the program's own   it ended by itself
  1                   a signal ended it, or this program failed (see standard error; then there is no JSON)
  2                   the command line is wrong (then there is no JSON)
  124                 its time was up
  126, 127            it could not be started; there is no such program
  130                 cancelled by SIGINT, SIGTERM or SIGHUP
`outcome` in the JSON tells a program's own code from these.

Secrets belong on standard input (--stdin), never into arguments: everybody on the host can read those.";

/// Runs a command within bounds and prints what became of it as JSON.
#[derive(Debug, Parser)]
#[command(name = "kubectl-queue", version, after_help = AFTER_HELP)]
struct CommandLine {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Runs one program without a shell, in a process group of its own
    #[command(after_help = AFTER_HELP)]
    Run(Box<Run>),
}

/// How it is run.
#[derive(Debug, Args)]
struct Run {
    /// Longest time it may take, with the wait for --lock; then SIGTERM to its whole group, SIGKILL 2 s later
    #[arg(long, value_name = "MS", default_value_t = millis(DEFAULT_LIMIT), value_parser = clap::value_parser!(u64).range(1..))]
    timeout_ms: u64,
    /// Most bytes kept of standard output, and of standard error; the rest is read, counted and dropped
    #[arg(long, value_name = "BYTES", default_value_t = DEFAULT_CAP as u64,
          value_parser = clap::value_parser!(u64).range(LEAST_CAP as u64..=MAX_CAP))]
    cap_bytes: u64,
    /// Which bytes are kept of a stream that is longer
    #[arg(long, value_enum, default_value_t = Part::Head)]
    keep: Part,
    /// Wait for the lock of this file and hold it meanwhile: commands that name the same file run one at a time
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
    /// Pass a variable of ours on, besides PATH, HOME, LANG and KUBECONFIG (may be repeated)
    #[arg(long, value_name = "NAME", value_parser = variable_name)]
    env: Vec<OsString>,
    /// The directory it works in
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Read our standard input to its end (at most 1 MiB) and hand it over; it gets none otherwise
    #[arg(long)]
    stdin: bool,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    command: Vec<OsString>,
}

/// Largest cap: what is kept lies in memory, twice for a moment.
const MAX_CAP: u64 = 64 * 1024 * 1024;

/// Which part of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The first bytes
    Head,
    /// The newest bytes
    Tail,
}

const fn millis(time: Duration) -> u64 {
    time.as_secs() * 1000
}

fn variable_name(text: &str) -> Result<OsString, String> {
    if text.is_empty() || text.contains('=') {
        return Err("only the name of a variable: its value is taken from the environment".to_owned());
    }
    Ok(text.into())
}

/// Does what `args` (the program's name first) ask for. Prints help, version or the usage error and exits
/// where clap does.
#[must_use]
pub fn main(gate: Gate, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Job::Run(run) = CommandLine::parse_from(args).job;
    match run::run(&run, gate) {
        Ok(result) => print(&result).unwrap_or_else(|error| {
            tell(&format!("writing the result to standard output: {error}"));
            ExitCode::FAILURE
        }),
        Err(error) => {
            tell(&chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn print(result: &crate::QueueResult) -> io::Result<ExitCode> {
    let mut line = serde_json::to_vec(result)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    out.flush()?;
    Ok(ExitCode::from(result.exit_code()))
}

fn tell(error: &str) {
    eprintln!("error: {error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Run, clap::Error> {
        let args = ["kubectl-queue", "run"].iter().chain(args);
        CommandLine::try_parse_from(args).map(|CommandLine { job: Job::Run(run) }| *run)
    }

    #[test]
    fn what_follows_the_dashes_is_the_command_whatever_it_looks_like() {
        let run = parsed(&["--keep", "tail", "--", "kubectl", "--timeout-ms", "5", "--", "x"]).unwrap();
        assert_eq!(run.command, ["kubectl", "--timeout-ms", "5", "--", "x"]);
        assert_eq!((run.keep, run.timeout_ms), (Part::Tail, 30_000));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for args in [
            &["--"][..],
            &["kubectl"],
            &["--timeout", "5", "--", "x"],
            &["--timeout-ms", "0", "--", "x"],
            &["--cap-bytes", "10", "--", "x"],
            &["--env", "A=canary", "--", "x"],
            &["--keep", "middle", "--", "x"],
        ] {
            assert_eq!(parsed(args).unwrap_err().exit_code(), 2, "{args:?}");
        }
        assert_eq!(parsed(&["--help"]).unwrap_err().exit_code(), 0);
    }
}
