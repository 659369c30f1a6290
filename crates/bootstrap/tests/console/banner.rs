//! Who sees what, and until when.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use anyhow::{Result, ensure};

use crate::host::{Host, OLD_TOKEN, said, until};

/// 50, cases 34 to 36; 50 W28.
#[test]
fn the_token_is_on_local_consoles_while_it_is_of_use_and_nowhere_afterwards() -> Result<()> {
    let host = Host::new()?;
    host.write("etc/issue", "Ubuntu 24.04 LTS\n### BEGIN ALGA APPLIANCE SETUP ###\nOne-time setup token: 9999-9999-9999-9999-9999\n### END ALGA APPLIANCE SETUP ###\n")?;
    host.write("tty1", "")?;
    host.write("state/setup-token", &format!("{OLD_TOKEN}\n"))?;
    let run = host.run(&["banner"])?;
    ensure!(run.status.success(), "{}", said(&run));
    let public = [host.read("etc/issue")?, host.read("etc/motd")?, said(&run)];
    for text in &public {
        ensure!(text.contains("Setup URL: "), "{text}");
        ensure!(!text.contains(OLD_TOKEN) && !text.contains("9999-9999"), "{text}");
    }
    ensure!(public[0].starts_with("Ubuntu 24.04 LTS\n") && public[0].matches("BEGIN ALGA").count() == 1);
    ensure!(fs::metadata(host.at("etc/issue"))?.mode() & 0o777 == 0o644);
    for path in ["tty1", "run/alga-appliance-setup.txt"] {
        let line = format!("One-time setup token: {OLD_TOKEN}");
        ensure!(host.read(path)?.lines().any(|shown| shown == line), "{path}");
    }
    ensure!(fs::metadata(host.at("run/alga-appliance-setup.txt"))?.mode() & 0o777 == 0o600);

    host.write("state/admin-ui-credential.json", "{}")?;
    host.write("tty1", "")?;
    let run = host.run(&["banner"])?;
    for text in [
        host.read("etc/issue")?,
        host.read("etc/motd")?,
        host.read("run/alga-appliance-setup.txt")?,
        host.read("tty1")?,
        said(&run),
    ] {
        ensure!(!text.contains(OLD_TOKEN) && !text.contains("token:"), "{text}");
    }
    fs::remove_file(host.at("tty1"))?;
    let run = host.run(&["banner"])?;
    ensure!(
        run.status.success() && said(&run).contains("tty1"),
        "{}",
        said(&run)
    );
    Ok(())
}

/// A password that is chosen while the follower runs takes the token off everything.
#[test]
fn the_follower_shows_what_changes_and_stays_idle_otherwise() -> Result<()> {
    let host = Host::new()?;
    host.write("state/setup-token", &format!("{OLD_TOKEN}\n"))?;
    let mut follower = host
        .command(&["banner", "--follow"])
        .stderr(Stdio::null())
        .spawn()?;
    let run_file = || host.read("run/alga-appliance-setup.txt").unwrap_or_default();
    let outcome = until("the token is shown", || run_file().contains(OLD_TOKEN)).and_then(|()| {
        host.write("state/admin-ui-credential.json", "{}")?;
        until("the token is gone", || !run_file().contains("token"))
    });
    let ticks = fs::read_to_string(format!("/proc/{}/stat", follower.id()));
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(follower.id())?),
        nix::sys::signal::Signal::SIGTERM,
    )?;
    follower.wait()?;
    outcome?;
    ensure!(ticks.is_ok(), "it ended by itself");
    Ok(())
}
