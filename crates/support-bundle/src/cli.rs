//! The command line (60 §1.10). Exit codes: 0 an archive, 3 one that is not complete under `--strict`, 1 none, 2 usage.

mod make;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use appliance_common::outbound::OutboundSettings;
use appliance_common::process::chain;
use appliance_kubectl_queue::{Gate, Starter};
use clap::{CommandFactory, Parser, Subcommand};
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use self::make::Make;
use crate::offline;
use crate::options::Options;
use crate::outcome::{Bundle, BundleError};
use crate::redactors::Redactors;
use crate::{plan, retention, run};

/// Makes a support bundle: a picture of a broken appliance, without its secrets.
#[derive(Debug, Parser)]
#[command(name = "alga-support-bundle", version, args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    job: Option<Job>,
    #[command(flatten)]
    make: Make,
}

#[derive(Debug, Subcommand)]
enum Job {
    /// Judges an archive anew and prints what is probably wrong
    Analyze {
        #[arg(long, value_name = "FILE")]
        bundle: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Takes secrets out of an archive again, also of one of another tool
    Redact {
        #[arg(long, value_name = "FILE")]
        bundle: PathBuf,
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// More to take out: a YAML file of rules
        #[arg(long, value_name = "FILE")]
        redactors: Option<PathBuf>,
        /// Addresses and e-mail addresses become tokens
        #[arg(long)]
        anonymize: bool,
    },
    /// What is different between two archives
    Diff { before: PathBuf, after: PathBuf },
    /// Checks digests, and looks for what may be a secret
    Verify {
        #[arg(long, value_name = "FILE")]
        bundle: PathBuf,
    },
    /// Findings first, then the files
    Show {
        #[arg(long, value_name = "FILE")]
        bundle: PathBuf,
    },
}

/// Runs the program.
pub fn main(gate: Gate, args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let line = match CommandLine::try_parse_from(args) {
        Ok(line) => line,
        Err(error) => {
            let text = error.to_string();
            // Nobody is left to be told when the terminal is gone.
            let _ = error.print();
            if error.use_stderr() && !text.contains("Usage:") {
                let _ = writeln!(io::stderr(), "{}", CommandLine::command().render_usage());
            }
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    let done = match &line.job {
        None => return run_once(gate, &line.make),
        Some(Job::Analyze { bundle, json }) => offline::analysis(bundle).map(|analysis| {
            if *json {
                serde_json::json!({"findings": analysis.findings}).to_string()
            } else {
                analysis.text()
            }
        }),
        Some(Job::Redact {
            bundle,
            output,
            redactors,
            anonymize,
        }) => redacted(bundle, output, redactors.as_deref(), *anonymize),
        Some(Job::Diff { before, after }) => offline::diff(before, after),
        Some(Job::Show { bundle }) => offline::show(bundle),
        Some(Job::Verify { bundle }) => match offline::verify(bundle) {
            Ok(wrong) if wrong.is_empty() => {
                Ok("Every file is as the manifest says, and nothing looks like a secret.".to_owned())
            }
            Ok(wrong) => {
                say(&wrong.join("\n"));
                return ExitCode::FAILURE;
            }
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(text) => {
            say(text.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => refuse(&error),
    }
}

fn redacted(
    bundle: &Path,
    output: &Path,
    redactors: Option<&Path>,
    anonymize: bool,
) -> Result<String, BundleError> {
    let mut redactors = Redactors::of(redactors).map_err(BundleError::Redactors)?;
    if anonymize {
        redactors.anonymize(Vec::new());
    }
    offline::redact(bundle, output, Timestamp::now(), redactors)?;
    Ok(format!("The redacted archive is {}.", output.display()))
}

fn run_once(gate: Gate, make: &Make) -> ExitCode {
    let options = make.options();
    if make.dry_run {
        say(plan::text(&options).trim_end());
        return ExitCode::SUCCESS;
    }
    if make.list {
        return match retention::list(&options.output_dir) {
            Ok(kept) => {
                for one in kept {
                    say(&format!("{:>12}  {}", one.bytes, one.name));
                }
                ExitCode::SUCCESS
            }
            Err(source) => refuse(&BundleError::Write {
                path: options.output_dir,
                source,
            }),
        };
    }
    let is_quiet = make.quiet;
    let progress = move |text: &str| {
        if !is_quiet {
            // Nobody is left to be told when the terminal is gone.
            let _ = writeln!(io::stderr(), "{text}");
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let outcome = match runtime {
        Err(source) => Err(BundleError::Write {
            path: options.output_dir.clone(),
            source,
        }),
        Ok(runtime) => {
            let outcome = runtime.block_on(until_told(&options, &make.outbound(), gate, &progress));
            runtime.shutdown_timeout(Duration::from_secs(2));
            outcome
        }
    };
    match outcome {
        Ok(bundle) => told(make, &bundle),
        Err(error) => {
            if !make.text {
                say(&error.as_result().to_string());
            }
            refuse(&error)
        }
    }
}

/// The run, or its end when the process is asked to end: what it wrote is removed then.
async fn until_told(
    options: &Options,
    outbound: &OutboundSettings,
    gate: Gate,
    progress: run::Progress<'_>,
) -> Result<Bundle, BundleError> {
    let stopped = async {
        let asked = |kind| signal(kind).ok();
        let (mut term, mut int) = (asked(SignalKind::terminate()), asked(SignalKind::interrupt()));
        let of = async |signal: &mut Option<tokio::signal::unix::Signal>| match signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        };
        tokio::select! { () = of(&mut term) => {}, () = of(&mut int) => {} }
    };
    let starter = Starter::new(gate).ok();
    tokio::select! {
        biased;
        () = stopped => Err(BundleError::Stopped),
        done = run::collect(options, outbound, starter.as_ref(), progress) => done,
    }
}

fn told(make: &Make, bundle: &Bundle) -> ExitCode {
    if make.text {
        say(&format!(
            "{}\nsha256 {}, {} bytes",
            bundle.message, bundle.sha256, bundle.bytes
        ));
        for (word, lines) in [("not collected", &bundle.warnings), ("found", &bundle.findings)] {
            for line in lines {
                say(&format!("{word}: {line}"));
            }
        }
    } else {
        say(&serde_json::to_string(bundle).unwrap_or_default());
    }
    if make.strict && bundle.partial {
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    }
}

fn say(text: &str) {
    // Nobody is left to be told when the terminal is gone.
    let _ = writeln!(io::stdout(), "{text}");
}

fn refuse(error: &BundleError) -> ExitCode {
    let _ = writeln!(
        io::stderr(),
        "alga-support-bundle: {}\n{}",
        chain(error),
        error.next_step()
    );
    ExitCode::FAILURE
}
