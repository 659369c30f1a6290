//! A host that systemd boots: Debian as debootstrap lays it out, our overlay on it, started by systemd-nspawn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::state_file;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::process::{Launch, Process};

/// Packages beside the smallest Debian; systemd reads its bus, and `chpasswd` its modules.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,passwd,libpam-modules,iproute2";
const SUITE: &str = "bookworm";

/// A machine's disk, and what runs on it.
#[derive(Debug)]
pub struct Machine {
    dir: TempDir,
    running: Option<Process>,
    boots: u32,
    /// What is mounted into it at its next boot.
    mounts: Vec<String>,
}

impl Machine {
    /// A fresh disk. The distribution is laid out once and kept in `cache`.
    ///
    /// # Errors
    /// debootstrap fails, or there is no room.
    pub fn new(cache: &Path) -> Result<Self> {
        let base = distribution(cache)?;
        let dir = TempDir::new()?;
        let (from, to) = (format!("{}/.", base.display()), dir.path().join("root"));
        fs::create_dir(&to)?;
        run(
            "cp",
            &["--archive", "--reflink=auto", &from, &to.display().to_string()],
        )?;
        Ok(Self {
            dir,
            running: None,
            boots: 0,
            mounts: Vec::new(),
        })
    }

    /// Its disk.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    /// A file on its disk.
    #[must_use]
    pub fn at(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    /// Writes a file on its disk.
    ///
    /// # Errors
    /// What the system said.
    pub fn write(&self, path: &str, text: &str, mode: u32) -> Result<()> {
        Ok(state_file::replace(&self.at(path), text.as_bytes(), mode)?)
    }

    /// From the next boot on, no file can be made below `path`, until [`Machine::make_room`].
    pub fn fill(&mut self, path: &str) {
        // The directory itself has the only inode there is (tmpfs(5)).
        self.mounts.push(format!("--tmpfs={path}:mode=0750,nr_inodes=1"));
    }

    /// Files can be made below `path` again.
    ///
    /// # Errors
    /// The machine is off, or the kernel declines.
    pub fn make_room(&self, path: &str) -> Result<()> {
        let command = ["mount", "-o", "remount,nr_inodes=10000", path];
        succeeded(&format!("{command:?}"), &self.inside(&command)?)
    }

    /// Switches it on. It shares this machine's network.
    ///
    /// # Errors
    /// systemd-nspawn does not start.
    pub fn boot(&mut self) -> Result<()> {
        self.boots += 1;
        let root = self.root().display().to_string();
        let name = format!("alga-test-{}-{}", std::process::id(), self.boots);
        let arguments = ["--quiet", "--boot", "--directory", &root, "--machine", &name];
        let more = [
            "--register=no",
            "--keep-unit",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
        ];
        let launch = Launch {
            name: format!("machine-{}", self.boots),
            program: "systemd-nspawn".into(),
            args: arguments
                .iter()
                .chain(&more)
                .map(|text| (*text).to_owned())
                .chain(self.mounts.clone())
                .collect(),
            env: Vec::new(),
            dir: self.dir.path().to_owned(),
        };
        self.running = Some(Process::start(&launch)?);
        Ok(())
    }

    /// Presses the power button, and waits until it is off.
    ///
    /// # Errors
    /// It does not end.
    pub async fn shut_down(&mut self, limit: Duration) -> Result<()> {
        self.inside(&["systemctl", "poweroff"])?;
        if let Some(mut running) = self.running.take() {
            running.finish(limit).await?;
        }
        Ok(())
    }

    /// Pulls the plug: the first process of the machine takes all others with it, and nspawn's end alone takes none.
    pub fn cut_power(&mut self) {
        if let Ok(leader) = self.leader() {
            // One that is gone already is what was wanted.
            let _ = kill(leader, Signal::SIGKILL);
        }
        self.running = None;
    }

    /// A file as the machine's own processes see it, also where something is mounted over its disk.
    ///
    /// # Errors
    /// It is off.
    pub fn seen(&self, path: &str) -> Result<PathBuf> {
        let root = format!("/proc/{}/root", self.leader()?);
        Ok(Path::new(&root).join(path.trim_start_matches('/')))
    }

    /// The machine's first process, as it is called out here.
    fn leader(&self) -> Result<Pid> {
        let running = self.running.as_ref().context("the machine is off")?;
        let children = format!("/proc/{0}/task/{0}/children", running.id());
        let children = fs::read_to_string(children)?;
        let leader = children
            .split_whitespace()
            .next()
            .context("the machine has not started")?;
        Ok(Pid::from_raw(leader.parse()?))
    }

    /// What a command says inside.
    ///
    /// # Errors
    /// The machine is off, or the command cannot be run.
    pub fn inside(&self, command: &[&str]) -> Result<Output> {
        let leader = self.leader()?.to_string();
        let mut arguments = vec![
            "--target", &leader, "--mount", "--uts", "--ipc", "--pid", "--root", "--wd", "--",
        ];
        arguments.extend(command);
        system("nsenter", &arguments)
    }

    /// What its consoles showed in this boot.
    #[must_use]
    pub fn console(&self) -> String {
        let path = self.dir.path().join(format!("machine-{}.out", self.boots));
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.cut_power();
    }
}

/// The distribution below `cache`, whole or not at all.
fn distribution(cache: &Path) -> Result<PathBuf> {
    let done = cache.join(format!("debian-{SUITE}"));
    if done.exists() {
        return Ok(done);
    }
    fs::create_dir_all(cache)?;
    let made = tempfile::Builder::new().prefix("debian-").tempdir_in(cache)?;
    let root = made.path().join("root").display().to_string();
    let include = format!("--include={PACKAGES}");
    run("debootstrap", &["--variant=minbase", &include, SUITE, &root])?;
    // Where another test was quicker, its one is as good.
    drop(fs::rename(&root, &done));
    ensure!(done.exists(), "{} was not made", done.display());
    Ok(done)
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    succeeded(&format!("{program} {arguments:?}"), &system(program, arguments)?)
}

fn succeeded(command: &str, output: &Output) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command}: {}", said.trim());
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "programs of the system, not of the product"
)]
fn system(program: &str, arguments: &[&str]) -> Result<Output> {
    let output = Command::new(program).args(arguments).output();
    output.with_context(|| format!("running {program}"))
}
