//! What systemd starts.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::host::{Host, said};

/// What `systemd/units` starts is there: each subcommand is understood, each variable is one of the program's, and
/// every unit keeps within the exposure that is allowed (agent 3.0, the others 5.0; `systemd-analyze security`).
#[test]
fn every_unit_starts_something_that_is_there_and_is_no_more_exposed_than_it_may_be() -> Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../systemd/units");
    let host = Host::new()?;
    let mut count = 0;
    for entry in fs::read_dir(&dir)? {
        let path = entry?.path();
        let unit = fs::read_to_string(&path)?;
        let ours = "/opt/alga-appliance/bin/alga-appliance-bootstrap";
        let commands = unit
            .lines()
            .filter_map(|line| line.split_once('='))
            .filter(|(key, _)| key.starts_with("Exec"));
        for (_, command) in commands {
            let Some(arguments) = command.trim_start_matches('-').strip_prefix(ours) else {
                continue;
            };
            // One instance of a template stands for all.
            let instance = if arguments.contains("rights") {
                "bind"
            } else {
                "background"
            };
            let arguments = arguments.replace("%i", instance);
            let mut arguments: Vec<_> = arguments.split_whitespace().collect();
            arguments.push("--help");
            let help = host.run(&arguments)?;
            ensure!(
                help.status.success(),
                "{}: {command}: {}",
                path.display(),
                said(&help)
            );
            for variable in unit
                .lines()
                .filter_map(|line| line.strip_prefix("Environment=")?.split('=').next())
            {
                let is_known =
                    said(&help).contains(&format!("env: {variable}")) || variable.ends_with("CONSOLE_TTYS");
                ensure!(is_known, "{}: {variable} is none of {command}", path.display());
            }
        }
        exposed(&path)?;
        count += 1;
    }
    ensure!(count == 10, "{count} units");
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "asks systemd's own judge")]
fn exposed(unit: &Path) -> Result<()> {
    let limit = if unit.ends_with("alga-host-agent.service") {
        3.0
    } else {
        5.0
    };
    let judged = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(unit)
        .output();
    let Ok(judged) = judged else {
        eprintln!(
            "exposure of {} not judged: there is no systemd-analyze here",
            unit.display()
        );
        return Ok(());
    };
    let text = said(&judged);
    let level = text
        .rsplit_once("exposure level for")
        .and_then(|(_, rest)| rest.split_whitespace().nth(1));
    let level: f64 = level.with_context(|| text.clone())?.parse()?;
    ensure!(level <= limit, "{}: {level}, more than {limit}", unit.display());
    Ok(())
}

/// The kernel takes the rules as they are installed (`nft --check` changes nothing).
#[test]
#[expect(clippy::disallowed_methods, reason = "asks the firewall's own program")]
fn the_rules_that_close_the_clusters_ports_are_understood() -> Result<()> {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../systemd/firewall/alga-appliance.nft");
    let checked = Command::new("nft")
        .arg("--check")
        .arg("--file")
        .arg(&rules)
        .output();
    let Ok(checked) = checked else {
        ensure!(!crate::host::is_ci(), "CI has no nft");
        eprintln!("rules not checked: there is no nft here");
        return Ok(());
    };
    if !crate::host::is_root() {
        eprintln!("rules not checked: nft asks the kernel, which takes root");
        return Ok(());
    }
    ensure!(checked.status.success(), "{}", said(&checked));
    Ok(())
}
