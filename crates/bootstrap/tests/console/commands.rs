//! The command line, and preflight.

use anyhow::{Result, ensure};
use appliance_common::testing::host_root;

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

/// What needs no decision is put right once, on a host that is well but for it; the rest is told as before.
#[test]
fn preflight_puts_right_what_needs_no_decision() -> Result<()> {
    let host = Host::new()?;
    host_root::write_healthy(host.0.path())?;
    host.write("proc/sys/net/ipv4/ip_forward", "0\n")?;
    host.write("proc/sys/fs/nr_open", "1024\n")?;
    host.write("proc/sys/kernel/hostname", "box-7\n")?;
    host.write("etc/hosts", "127.0.0.1 localhost\n")?;
    let outcome = |report: &serde_json::Value, id: &str| {
        let checks = report["checks"].as_array().into_iter().flatten();
        let mut found = checks.filter(|check| check["id"] == id);
        found.next().map(|check| check["outcome"].clone())
    };
    let ask = |arguments: &[&str]| -> Result<(String, serde_json::Value)> {
        let run = host.run(arguments)?;
        Ok((said(&run), serde_json::from_slice(&run.stdout)?))
    };
    let (_, before) = ask(&["preflight", "--json"])?;
    for id in ["sysctl-ip-forward", "sysctl-open-files"] {
        ensure!(
            outcome(&before, id).is_some_and(|outcome| outcome == "fail"),
            "{id}: {before}"
        );
    }
    let (told, after) = ask(&["preflight", "--fix", "--json"])?;
    for id in ["sysctl-ip-forward", "sysctl-open-files", "hostname-resolves"] {
        ensure!(
            outcome(&after, id).is_some_and(|outcome| outcome == "pass"),
            "{id}: {told}"
        );
    }
    ensure!(told.contains("IP forwarding: put right"), "{told}");
    let settings = host.read("etc/sysctl.d/90-alga-appliance.conf")?;
    ensure!(
        settings.contains("net.ipv4.ip_forward = 1\n") && settings.contains("fs.nr_open = 1048576\n"),
        "{settings}"
    );
    ensure!(host.read("etc/hosts")? == "127.0.0.1 localhost\n127.0.1.1\tbox-7\n");
    let (again, _) = ask(&["preflight", "--fix", "--json"])?;
    ensure!(!again.contains("put right"), "it was put right twice: {again}");
    ensure!(host.read("etc/sysctl.d/90-alga-appliance.conf")? == settings);
    Ok(())
}
