//! `appliance-control-plane install-storage`: wrong use, and a dry run that changes nothing.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result};
use appliance_common::state_file::FileLock;
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::tools::Tools;

fn run(args: &[&str], dir: &Path) -> Result<Output> {
    let at = |name: &str| dir.join(name).display().to_string();
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_appliance-control-plane"));
    command
        .arg("install-storage")
        .args(args)
        .env_clear()
        .env("ALGA_APPLIANCE_STATE_FILE", at("install-state.json"))
        .env("ALGA_APPLIANCE_HOST_AGENT_SOCKET", at("host-agent.sock"))
        .env("ALGA_APPLIANCE_STORAGE_LOCK_PATH", at("storage-reconcile.lock"))
        .env("ALGA_APPLIANCE_STORAGE_LOCK_ATTEMPTS", "1");
    command.output().context("starting the program")
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[tokio::test]
async fn wrong_use_exits_1_help_exits_0_and_a_dry_run_changes_nothing() -> Result<()> {
    let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
    let cluster = TestCluster::start(&tools, Parts::Api).await?;
    let kubeconfig = cluster.kubeconfig().display().to_string();
    let dir = tempfile::tempdir()?;
    for (args, code) in [
        (&["--help"][..], 0),
        (&["-h"], 0),
        (&["--bogus"], 1),
        (&[], 1),
        (&["--kubeconfig", "/nonexistent/kubeconfig"], 1),
        (&["--kubeconfig", "/nonexistent/kubeconfig", "--dry-run"], 0),
    ] {
        let output = run(args, dir.path())?;
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output));
    }
    let output = run(&["--kubeconfig", &kubeconfig, "--dry-run"], dir.path())?;
    let printed = text(&output);
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.contains("[plan] testing that a volume"), "{printed}");
    let requests = cluster.requests_of("alga-appliance/")?;
    let is_read = |verb: &str| verb == "get" || verb == "list";
    assert!(
        !requests.is_empty() && requests.iter().all(|request| is_read(&request.verb)),
        "{requests:#?}"
    );
    assert_eq!(std::fs::read_dir(dir.path())?.count(), 0, "not even a lock");
    a_live_holder_keeps_its_lock(&kubeconfig, dir.path())
}

fn a_live_holder_keeps_its_lock(kubeconfig: &str, dir: &Path) -> Result<()> {
    for name in ["storage-reconcile.lock", "update.lock"] {
        let path = dir.join(name);
        let held = FileLock::try_acquire(&path, "somebody (test)")?;
        let output = run(&["--kubeconfig", kubeconfig], dir)?;
        let printed = text(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {printed}");
        assert!(printed.contains("somebody (test)"), "{name}: {printed}");
        assert!(
            FileLock::try_acquire(&path, "another (test)").is_err(),
            "{name} was taken from its holder"
        );
        drop(held);
    }
    Ok(())
}
