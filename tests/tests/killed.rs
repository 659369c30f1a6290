//! Nothing the harness started survives the harness, even if it is killed.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::registry::TestRegistry;
use appliance_tests::tools::Tools;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Where the inner run writes what it started, in its working directory.
const REPORT: &str = "started";

/// A file that tells the inner run that it is meant to be killed.
const WANTED: &str = "wanted";

/// Longest time the inner run may take to start, and its servers to go.
const LIMIT: Duration = Duration::from_mins(2);

#[tokio::test]
#[ignore = "started, and killed, by the tests below"]
async fn inner_run() -> Result<()> {
    if !Path::new(WANTED).exists() {
        return Ok(());
    }
    let tools = Tools::ensure(&|_| ())?;
    let cluster = TestCluster::start(&tools, Parts::Workloads).await?;
    let registry = TestRegistry::start(&tools).await?;
    let mut pids = cluster.process_ids();
    pids.extend(registry.process_id());
    let report = serde_json::json!({"pids": pids, "dir": cluster.dir()});
    fs::File::create("partial").and_then(|file| Ok(serde_json::to_writer(file, &report)?))?;
    fs::rename("partial", REPORT)?;
    std::future::pending().await
}

#[expect(clippy::disallowed_methods, reason = "the program to be killed is this one")]
fn start_inner_run(dir: &Path) -> Result<Child> {
    // Whoever started the tests may ignore SIGINT, as a shell does for what it puts into the background.
    Command::new("env")
        .arg("--default-signal=INT")
        .arg(std::env::current_exe()?)
        .args(["--exact", "inner_run", "--ignored"])
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("starting the inner run")
}

/// Looks again and again until the condition holds.
fn holds(condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + LIMIT;
    while !condition() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Whether a process runs; one that nobody has collected yet does not.
fn runs(pid: u64) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

fn nothing_survives(signal: Signal) -> Result<()> {
    let dir = tempfile::tempdir()?;
    fs::File::create(dir.path().join(WANTED))?;
    let mut inner = start_inner_run(dir.path())?;
    let report = dir.path().join(REPORT);
    let started = holds(|| report.exists());
    kill(Pid::from_raw(inner.id().cast_signed()), signal)?;
    inner.wait()?;
    assert!(started, "the inner run started nothing");
    let report: serde_json::Value = serde_json::from_slice(&fs::read(report)?)?;
    let pids: Vec<_> = report["pids"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_u64)
        .collect();
    assert_eq!(pids.len(), 6);
    assert!(
        holds(|| !pids.iter().any(|pid| runs(*pid))),
        "servers survived {signal}"
    );
    let data = report["dir"].as_str().context("no directory reported")?;
    assert!(holds(|| !Path::new(data).exists()), "data survived {signal}");
    Ok(())
}

#[test]
fn nothing_survives_a_kill() -> Result<()> {
    nothing_survives(Signal::SIGKILL)
}

#[test]
fn nothing_survives_an_interrupt() -> Result<()> {
    nothing_survives(Signal::SIGINT)
}
