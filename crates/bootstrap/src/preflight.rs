//! `preflight`: asks from a shell whether this host is fit, by the checks that the wizard makes too.

mod fix;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use appliance_common::clock::Clock;
use appliance_common::preflight::{self, CheckResult, Outcome, Report, Scope, Severity, Stage, catalogue};
use appliance_common::process::chain;

use appliance_kubectl_queue::{Gate, Starter};
use nix::unistd::Uid;

use self::fix::Fixer;
use crate::settings::Places;
use crate::{command, say};

/// What is asked, and how it is told.
#[derive(Debug, Clone, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Flags {
    /// Name the checks, and make none
    #[arg(long)]
    list: bool,
    /// Tell it as JSON
    #[arg(long)]
    json: bool,
    /// Time how fast the disk takes a durable write
    #[arg(long)]
    time_writes: bool,
    /// Put right what may be put right without asking, and ask again
    #[arg(long, conflicts_with = "list")]
    fix: bool,
}

/// Runs `preflight`. Exits 1 when something stops an install, and 0 when nothing does.
pub(crate) fn main(gate: Gate, places: &Places, flags: &Flags) -> ExitCode {
    let mut out = io::stdout().lock();
    let told = if flags.list {
        listed(flags, &mut out).map(|()| ExitCode::SUCCESS)
    } else {
        asked(gate, places, flags, &mut out)
    };
    told.unwrap_or_else(|error| {
        say::error(&format!("preflight: {}", chain(&error)));
        ExitCode::FAILURE
    })
}

fn asked(gate: Gate, places: &Places, flags: &Flags, out: &mut dyn Write) -> io::Result<ExitCode> {
    if flags.fix && places.host_root == Path::new("/") && !Uid::effective().is_root() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "only root can put things right; run it with sudo",
        ));
    }
    let runtime = command::runtime()?;
    let starter = Starter::new(gate)?;
    let is_up = places.kubeconfig.exists();
    let scope = Scope {
        host_root: places.host_root.clone(),
        state_dir: places.state_dir.clone(),
        stage: if is_up {
            Stage::InCluster
        } else {
            Stage::BeforeCluster
        },
        network: None,
        times_writes: flags.time_writes,
        told: None,
        waived: Vec::new(),
    };
    let ask = || runtime.block_on(preflight::run(&scope, &Clock::system()));
    let mut report = ask();
    if flags.fix {
        let fixer = Fixer {
            places,
            starter: &starter,
        };
        // Standard output is the report's, which may be JSON.
        runtime.block_on(fixed(&fixer, &report));
        report = ask();
    }
    if flags.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        table(&report, out)?;
    }
    let code = if report.blockers().next().is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    };
    Ok(code)
}

async fn fixed(fixer: &Fixer<'_>, report: &Report) {
    let is_wrong = |check: &&CheckResult| matches!(check.outcome, Outcome::Fail | Outcome::Warn);
    for check in report.checks.iter().filter(is_wrong) {
        if fix::acts(check.id).is_empty() {
            continue;
        }
        match fixer.fix(check.id).await {
            Ok(()) => say::error(&format!("{}: put right", check.title)),
            Err(error) => say::error(&format!("{}: not put right: {}", check.title, fix::told(&error))),
        }
    }
}

/// What is not as it should be, worst first, with what to do; then the count of all.
fn table(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for (outcome, word) in [
        (Outcome::Fail, "FAIL"),
        (Outcome::Warn, "warn"),
        (Outcome::Unknown, "unknown"),
    ] {
        for check in report.checks.iter().filter(|check| check.outcome == outcome) {
            finding(check, word, out)?;
        }
    }
    let count = |outcome| report.count(outcome);
    writeln!(
        out,
        "{} pass, {} warn, {} fail, {} unknown, {} skipped. The network is asked by the wizard.",
        count(Outcome::Pass),
        count(Outcome::Warn),
        count(Outcome::Fail),
        count(Outcome::Unknown),
        count(Outcome::Skipped),
    )
}

fn finding(check: &CheckResult, word: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{word:<8}{}: {} ({})",
        check.title,
        check.measured,
        check.id.as_str()
    )?;
    if check.outcome != Outcome::Unknown {
        writeln!(out, "        {}", check.why)?;
        writeln!(out, "        To do: {}", check.fix)?;
    }
    Ok(())
}

fn listed(flags: &Flags, out: &mut dyn Write) -> io::Result<()> {
    for check in catalogue() {
        let severity = match (check.severity, check.strict) {
            (_, true) => "strict",
            (Severity::Block, false) => "block",
            (Severity::Warn, false) => "warn",
        };
        if flags.json {
            let line = serde_json::json!({
                "id": check.id, "title": check.title, "severity": severity, "why": check.why, "fix": check.fix,
            });
            writeln!(out, "{line}")?;
        } else {
            writeln!(out, "{:<28}{severity:<8}{}", check.id.as_str(), check.title)?;
        }
    }
    Ok(())
}
