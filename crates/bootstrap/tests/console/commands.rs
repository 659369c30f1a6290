//! The command line, and preflight.

use anyhow::{Result, ensure};

use crate::host::{Host, said};

/// 50, case 9.
#[test]
fn a_command_line_that_is_not_understood_exits_with_2_and_the_usage() -> Result<()> {
    let host = Host::new()?;
    for arguments in [
        &["--nonsense"][..],
        &["--port"],
        &["--port", "0"],
        &["--port", "x"],
        &["banner", "extra"],
    ] {
        let run = host.run(arguments)?;
        ensure!(run.status.code() == Some(2), "{arguments:?}: {}", said(&run));
        ensure!(
            String::from_utf8_lossy(&run.stderr).contains("sage"),
            "{}",
            said(&run)
        );
    }
    for arguments in [["--help"], ["--version"]] {
        let run = host.run(&arguments)?;
        ensure!(run.status.success() && !run.stdout.is_empty(), "{}", said(&run));
    }
    Ok(())
}

#[test]
fn preflight_tells_what_stops_an_install_and_lists_its_checks() -> Result<()> {
    let host = Host::new()?;
    let listed = host.run(&["preflight", "--list"])?;
    ensure!(listed.status.success() && said(&listed).lines().count() > 40);
    ensure!(said(&listed).contains("cgroup-controllers"));
    let asked = host.run(&["preflight", "--json"])?;
    let report: serde_json::Value = serde_json::from_slice(&asked.stdout)?;
    ensure!(
        report["checks"]
            .as_array()
            .is_some_and(|checks| checks.len() > 40),
        "{report}"
    );
    let table = host.run(&["preflight"])?;
    let blocks = report["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|check| check["outcome"] == "fail");
    ensure!(
        said(&table).contains(" fail, ") && (!blocks || said(&table).contains("To do: ")),
        "{}",
        said(&table)
    );
    Ok(())
}
