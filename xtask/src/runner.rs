//! Child processes of the chores: argv only, with a deadline.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;
use tokio::time::timeout;

/// Runs `argv` in the checkout with this program's own output; an exit code other than 0 is an error.
///
/// # Errors
/// The program cannot be started, fails, or is not done within `limit` (it is then killed).
pub async fn run(argv: &[&str], limit: Duration) -> Result<()> {
    let shown = argv.join(" ");
    let mut child = command(argv)?
        .spawn()
        .with_context(|| format!("starting `{shown}`"))?;
    let status = timeout(limit, child.wait())
        .await
        .with_context(|| format!("`{shown}` was not done within {limit:?}"))??;
    ensure!(status.success(), "`{shown}` ended with {status}");
    Ok(())
}

/// Runs `argv` in the checkout and returns what it printed.
///
/// # Errors
/// As [`run`].
pub async fn capture(argv: &[&str], limit: Duration) -> Result<Vec<u8>> {
    let shown = argv.join(" ");
    let output = command(argv)?
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output();
    let output = timeout(limit, output)
        .await
        .with_context(|| format!("`{shown}` was not done within {limit:?}"))?
        .with_context(|| format!("starting `{shown}`"))?;
    ensure!(
        output.status.success(),
        "`{shown}` ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(output.stdout)
}

fn command(argv: &[&str]) -> Result<Command> {
    let (program, arguments) = argv.split_first().context("no program to run")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(crate::root())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    Ok(command)
}
