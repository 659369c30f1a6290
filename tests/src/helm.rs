//! The real `helm`, with homes of its own.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process::{GuardedDir, Launch, Process};
use crate::tools::Tools;

/// Longest time one command may take.
const LIMIT: Duration = Duration::from_mins(2);

/// A place to run `helm` in.
#[derive(Debug)]
pub(crate) struct Helm {
    program: PathBuf,
    dir: GuardedDir,
}

impl Helm {
    pub(crate) fn new(tools: &Tools) -> Result<Self> {
        Ok(Self {
            program: tools.path("helm"),
            dir: GuardedDir::new("alga-helm-")?,
        })
    }

    /// A file of this place, for input that is better not an argument.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs one command and gives what it printed. `name` keeps commands that run at once apart.
    pub(crate) async fn run(&self, name: &str, args: Vec<String>) -> Result<String> {
        let home = |part: &str| self.dir.path().join(part).display().to_string();
        let launch = Launch {
            name: format!("helm-{name}"),
            program: self.program.clone(),
            args,
            env: vec![
                ("HELM_CACHE_HOME", home("cache")),
                ("HELM_CONFIG_HOME", home("config")),
                ("HELM_DATA_HOME", home("data")),
            ],
            dir: self.dir.path().to_owned(),
        };
        let mut process = Process::start(&launch)?;
        let status = process.finish(LIMIT).await?;
        if !status.success() {
            bail!(
                "helm {} ended with {status}: {}",
                launch.args[0],
                process.log_tail().trim()
            );
        }
        process.output()
    }
}
