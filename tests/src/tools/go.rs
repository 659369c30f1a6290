//! `go build` and `go mod download` inside the tool cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::{GO_MOD, GO_SUM, LOOK_EVERY, Progress, REPORT_EVERY, Report};
use crate::process::{Launch, Process};

/// `-mod=mod`: `go mod tidy` cannot be run on this graph, so a build may complete `go.sum`.
pub(super) const BUILD_FLAGS: [&str; 3] = ["-mod=mod", "-trimpath", "-ldflags=-s -w"];

/// Longest time one command may take; the slowest build measured is under seven minutes on two cores.
const LIMIT: Duration = Duration::from_mins(40);

/// The module of the tools, unpacked in the cache.
pub(super) struct Module {
    cache: PathBuf,
    dir: PathBuf,
}

impl Module {
    pub(super) fn new(cache: &Path) -> Self {
        Self {
            cache: cache.to_owned(),
            dir: cache.join("module"),
        }
    }

    /// Builds one package; the result appears in the cache whole or not at all.
    pub(super) fn build(&self, tool: &'static str, package: &str, progress: &dyn Fn(Progress)) -> Result<()> {
        let partial = self.cache.join(format!("{tool}.partial"));
        let mut args = vec!["build".to_owned()];
        args.extend(BUILD_FLAGS.map(str::to_owned));
        args.extend([
            "-o".to_owned(),
            partial.to_string_lossy().into_owned(),
            package.to_owned(),
        ]);
        self.run(tool, args, progress)?;
        fs::rename(&partial, self.cache.join(tool)).with_context(|| format!("putting {tool} into the cache"))
    }

    /// Runs `go` in the module; gives what it printed.
    pub(super) fn run(
        &self,
        what: &'static str,
        args: Vec<String>,
        progress: &dyn Fn(Progress),
    ) -> Result<String> {
        self.unpack()?;
        let line = format!("go {}", args.join(" "));
        let launch = Launch {
            name: what.to_owned(),
            program: "go".into(),
            args,
            // What a person has set for other work, here or by `go env -w`, must not change the build.
            env: [("CGO_ENABLED", "0"), ("GOWORK", "off"), ("GOFLAGS", "-mod=mod")]
                .map(|(name, value)| (name, value.to_owned()))
                .into(),
            dir: self.dir.clone(),
        };
        let mut process = Process::start(&launch)?;
        let status = wait(what, &mut process, progress)?;
        match status.code() {
            Some(0) => process.output(),
            Some(127) => bail!(
                "building {what}: there is no `go` on PATH; install Go 1.26 or newer \
                 (https://go.dev/dl) and run this again"
            ),
            _ => bail!(
                "building {what}: `{line}` in {} ended with {status}; if a download failed, run this \
                 again (what is built stays built), else see {}:\n{}",
                self.dir.display(),
                process.log().display(),
                process.log_tail()
            ),
        }
    }

    fn unpack(&self) -> Result<()> {
        if self.dir.join("go.sum").is_file() {
            return Ok(());
        }
        fs::create_dir_all(&self.dir).with_context(|| format!("making {}", self.dir.display()))?;
        for (name, content) in [("go.mod", GO_MOD), ("go.sum", GO_SUM)] {
            let file = self.dir.join(name);
            write_whole(&file, content.as_bytes())?;
        }
        Ok(())
    }
}

/// Waits for the end of a `go` command, reporting now and then.
fn wait(
    tool: &'static str,
    process: &mut Process,
    progress: &dyn Fn(Progress),
) -> Result<std::process::ExitStatus> {
    let deadline = Instant::now() + LIMIT;
    let mut report = Report::new(tool, REPORT_EVERY);
    loop {
        if let Some(status) = process.exited()? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            let minutes = LIMIT.as_secs() / 60;
            bail!(
                "building {tool}: no end after {minutes} minutes; see {}",
                process.log().display()
            );
        }
        report.now_and_then(progress);
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Writes a file of the cache so that a reader sees all of it or none.
pub(crate) fn write_whole(file: &Path, content: &[u8]) -> Result<()> {
    let partial = file.with_extension("partial");
    crate::files::write(&partial, content)?;
    fs::rename(&partial, file).with_context(|| format!("renaming {} into place", partial.display()))
}
