//! A child process that cannot outlive us, however we end.
//!
//! The child gets its own process group, so a Ctrl-C in the terminal reaches only us and we decide the
//! order of stopping. Beside it runs a guard: a shell that waits for its standard input to close, which
//! the kernel does even when we are killed, and then kills that group. The child itself waits behind a
//! gate until its guard is up, so there is no moment in which nobody would stop it.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

/// Starts the program when a line arrives; leaves when the other end is gone before that.
const GATE: &str = r#"read -r _ || exit 1; exec "$@" </dev/null"#;

/// Kills the group when standard input ends.
const KILL_GROUP: &str = r#"read -r _; kill -s KILL -- "-$1""#;

/// Removes a directory when standard input ends. What dies at the same moment may still write into it.
const REMOVE_DIRECTORY: &str =
    r#"read -r _; n=0; until rm -rf -- "$1" || [ $n -ge 50 ]; do n=$((n+1)); sleep 0.1; done"#;

/// How often a child whose end is awaited is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How much of a log goes into an error.
const TAIL_BYTES: usize = 4096;

/// What to start.
#[derive(Debug)]
pub struct Launch {
    /// Name of the log file and of the process in errors.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Variables added to ours.
    pub env: Vec<(&'static str, String)>,
    /// Directory to start in; `<name>.out` and `<name>.log` (standard error) go there too.
    pub dir: PathBuf,
}

/// A running child; dropping it kills its whole group and waits for it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    guard: Guard,
    output: PathBuf,
    log: PathBuf,
}

impl Process {
    /// Starts a child. Its files begin anew.
    ///
    /// # Errors
    /// A program that is not there, a log that cannot be written.
    pub fn start(launch: &Launch) -> Result<Self> {
        let name = launch.name.clone();
        let file = |extension| launch.dir.join(format!("{name}.{extension}"));
        let (output, log) = (file("out"), file("log"));
        let mut child = shell(GATE)
            .arg(&launch.program)
            .args(&launch.args)
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&launch.dir)
            .stdin(Stdio::piped())
            .stdout(create(&output)?)
            .stderr(create(&log)?)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let guard = Guard::start(KILL_GROUP, &child.id().to_string());
        let mut process = match guard {
            Ok(guard) => Self {
                name,
                child,
                guard,
                output,
                log,
            },
            Err(error) => {
                // Its gate never opens: dropping the pipe ends it.
                drop(child.stdin.take());
                child.wait().context("waiting for a child that was not let in")?;
                return Err(error);
            }
        };
        process
            .open_gate()
            .with_context(|| format!("starting {}", process.name))?;
        Ok(process)
    }

    fn open_gate(&mut self) -> Result<()> {
        let mut gate = self.child.stdin.take().context("the gate is missing")?;
        gate.write_all(b"\n").context("opening the gate")
    }

    /// Process id, which is the id of its group too.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    ///
    /// # Errors
    /// The system does not say.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("looking at {}", self.name))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It has not ended after `limit`.
    pub async fn finish(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("{} has not ended after {} s", self.name, limit.as_secs());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Stops its group until [`Process::resume`], and waits until it stands still: the signal alone reaches
    /// one of its threads and lets the others run on for a moment.
    ///
    /// # Errors
    /// It is gone.
    pub fn pause(&self) -> Result<()> {
        killpg(self.group(), Signal::SIGSTOP).with_context(|| format!("pausing {}", self.name))?;
        // WNOWAIT: an end that this meets instead is still there for `exited`.
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        waitid(Id::Pid(self.group()), flags).with_context(|| format!("waiting for {} to stop", self.name))?;
        Ok(())
    }

    /// Lets its group go on.
    ///
    /// # Errors
    /// It is gone.
    pub fn resume(&self) -> Result<()> {
        killpg(self.group(), Signal::SIGCONT).with_context(|| format!("resuming {}", self.name))
    }

    /// What it has written to its standard output.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn output(&self) -> Result<String> {
        std::fs::read_to_string(&self.output).with_context(|| format!("reading {}", self.output.display()))
    }

    /// The end of its log, for errors.
    #[must_use]
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }

    /// Where its log is.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A stopped process takes SIGKILL too. Errors mean that it is gone already.
        let _ = killpg(self.group(), Signal::SIGKILL);
        let _ = self.child.wait();
        self.guard.dismiss();
    }
}

/// A shell that acts when our end of its standard input closes.
#[derive(Debug)]
struct Guard(Child);

impl Guard {
    fn start(script: &str, argument: &str) -> Result<Self> {
        shell(script)
            .arg(argument)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Self)
            .context("starting the guard of a child process")
    }

    /// Ends it without its action.
    fn dismiss(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A temporary directory that is removed on drop, and also when we are killed.
#[derive(Debug)]
pub struct GuardedDir {
    dir: tempfile::TempDir,
    guard: Guard,
}

impl GuardedDir {
    /// Makes a directory that only we may enter.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn new(prefix: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix(prefix).tempdir();
        let dir = dir.context("making a temporary directory")?;
        let guard = Guard::start(REMOVE_DIRECTORY, &dir.path().to_string_lossy())?;
        Ok(Self { dir, guard })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for GuardedDir {
    fn drop(&mut self) {
        self.guard.dismiss();
    }
}

fn create(file: &Path) -> Result<File> {
    File::create(file).with_context(|| format!("making {}", file.display()))
}

/// `sh -c SCRIPT sh`, in a process group of its own; what is added next are the script's arguments.
#[expect(
    clippy::disallowed_methods,
    reason = "the harness starts real servers; this is its one runner"
)]
fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script, "sh"])
        .env_remove("KUBECONFIG")
        .process_group(0);
    command
}

/// The end of a file as text; says so when it cannot be read.
fn tail(file: &Path) -> String {
    match std::fs::read(file) {
        Ok(bytes) => {
            let start = bytes.len().saturating_sub(TAIL_BYTES);
            String::from_utf8_lossy(&bytes[start..]).into_owned()
        }
        Err(error) => format!("({}: {error})", file.display()),
    }
}

#[cfg(test)]
mod tests;
