//! The demo as a person or a script starts it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use appliance_common::names::SERVICES;
use appliance_common::state_file::replace;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// Longest time one demo may take; it may have to build the control plane first.
const LIMIT: Duration = Duration::from_mins(30);

/// A demo whose every temporary directory is below `home`.
fn demo(home: &TempDir, arguments: &[&str]) -> Result<Child> {
    Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["demo", "--dev"])
        .args(arguments)
        .env("TMPDIR", home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("starting the demo")
}

/// Its exit code, what it printed and what it told.
async fn ended(demo: Child) -> Result<(Option<i32>, String, String)> {
    let output = timeout(LIMIT, demo.wait_with_output()).await??;
    Ok((
        output.status.code(),
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    ))
}

/// Its files, and the processes that name one of them or work among them.
fn left_behind(home: &TempDir) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for entry in std::fs::read_dir(home.path())? {
        left.push(entry?.path().display().to_string());
    }
    for entry in std::fs::read_dir("/proc")? {
        // Other processes come and go meanwhile.
        let process = entry?.path();
        let arguments = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).replace('\0', " ");
        let works_in = std::fs::read_link(process.join("cwd")).unwrap_or_default();
        if arguments.contains(&*home.path().to_string_lossy()) || works_in.starts_with(home.path()) {
            left.push(arguments);
        }
    }
    Ok(left)
}

#[tokio::test]
async fn a_headless_demo_installs_and_sums_up() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (code, printed, told) = ended(demo(&home, &["--headless"])?).await?;
    assert_eq!(code, Some(0), "{told}");
    let summary: Value = serde_json::from_str(&printed)?;
    assert_eq!(summary["release"], "1.0.0");
    assert!(
        summary["digest"].as_str().unwrap().starts_with("sha256:"),
        "{summary}"
    );
    assert_eq!(
        summary["secondsPerStep"].as_object().unwrap().len(),
        12,
        "{summary}"
    );
    for service in SERVICES {
        assert!(
            summary["secondsUntilReady"][service].is_f64(),
            "{service}: {summary}"
        );
        assert!(told.contains(&format!("{service} is ready")), "{told}");
    }
    assert!(summary["objectsApplied"].as_u64() > Some(0), "{summary}");
    assert!(summary["apiRequests"].as_u64() > Some(0), "{summary}");
    assert_eq!(left_behind(&home)?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_demo_that_stops_says_where_why_and_what_to_do() -> Result<()> {
    let home = tempfile::tempdir()?;
    let answers = tempfile::tempdir()?;
    let file = answers.path().join("answers.json");
    let text = json!({"tenantName": "Example Ltd", "adminEmail": "nobody"});
    replace(&file, text.to_string().as_bytes(), 0o600)?;
    let file = file.display().to_string();
    for (arguments, step, cause) in [
        (["--headless", "--answers", &file], "submit", "adminEmail: "),
        (
            ["--headless", "--break", "registry"],
            "resolve-release-manifest",
            "Connection refused",
        ),
    ] {
        let (code, printed, told) = ended(demo(&home, &arguments)?).await?;
        assert_eq!((code, printed.as_str()), (Some(1), ""), "{told}");
        assert!(told.contains(&format!("stopped at step `{step}`")), "{told}");
        assert!(told.contains(cause), "{told}");
        assert!(told.contains("\n  next:  "), "{told}");
        assert_eq!(left_behind(&home)?, Vec::<String>::new());
    }
    Ok(())
}

#[tokio::test]
async fn nothing_survives_a_ctrl_c() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut running = demo(&home, &[])?;
    let mut lines = BufReader::new(running.stderr.take().context("no output")?).lines();
    let mut told = Vec::new();
    loop {
        let line = timeout(LIMIT, lines.next_line()).await??;
        let line = line.with_context(|| format!("the demo ended early: {told:#?}"))?;
        if line.contains("Ctrl-C ends everything") {
            break;
        }
        told.push(line);
    }
    assert!(!left_behind(&home)?.is_empty(), "nothing was started");
    let id = running.id().context("the demo is gone")?;
    kill(Pid::from_raw(id.cast_signed()), Signal::SIGINT)?;
    let status = timeout(LIMIT, running.wait()).await??;
    assert!(status.success(), "{status}");
    assert_eq!(left_behind(&home)?, Vec::<String>::new());
    Ok(())
}
