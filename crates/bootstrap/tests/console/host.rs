//! A directory that stands for the host, and the program on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use appliance_common::state_file;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_alga-appliance-bootstrap");
pub(crate) const OLD_TOKEN: &str = "1111-2222-3333-4444-5555";
/// Longest wait for what a running program shows.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Host(pub(crate) TempDir);

impl Host {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        Ok(state_file::replace(&self.at(path), text.as_bytes(), 0o600)?)
    }

    pub(crate) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.at(path)).with_context(|| format!("reading {path}"))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        as_on(self.0.path(), Path::new(PROGRAM), arguments)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.command(arguments).output()?)
    }

    pub(crate) fn token(&self) -> Result<String> {
        self.read("state/setup-token")
    }
}

#[expect(clippy::disallowed_methods, reason = "the test is an operator at a shell")]
pub(crate) fn as_on(root: &Path, program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("ALGA_APPLIANCE_HOST_ROOT", root)
        .env("ALGA_APPLIANCE_STATE_DIR", root.join("state"))
        .env("ALGA_APPLIANCE_HOST_STATE_DIR", root.join("host"))
        .env(
            "ALGA_APPLIANCE_CONSOLE_TTYS",
            root.join("tty1").display().to_string(),
        )
        .stdin(Stdio::null());
    command
}

/// A shell line in a mount namespace of its own, which takes its mounts with it.
#[expect(clippy::disallowed_methods, reason = "the test is an operator at a shell")]
pub(crate) fn apart(script: &str, arguments: &[&Path]) -> Result<Output> {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-ec", script, "sh"])
        .args(arguments);
    Ok(command.output()?)
}

pub(crate) fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

#[expect(clippy::disallowed_methods, reason = "tests read the environment")]
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some()
}

pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

pub(crate) fn until(what: &str, holds: impl Fn() -> bool) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        ensure!(Instant::now() < deadline, "{what}: not within {LIMIT:?}");
        std::thread::yield_now();
    }
    Ok(())
}
