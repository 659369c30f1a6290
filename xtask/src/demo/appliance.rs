//! The real control plane as a child of ours, with a state volume of its own.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use appliance_common::names::file;
use appliance_common::{random, state_file};
use appliance_tests::control_plane::{Place, listening_address};
use appliance_tests::process::{GuardedDir, Launch, Process};
use tokio::time::{Instant, sleep};

/// Longest time until it listens.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Longest time until a run that has ended has said what it cost.
const FIGURES_LIMIT: Duration = Duration::from_secs(10);

/// How often its log is looked at meanwhile, and whether it still runs.
const LOOK_EVERY: Duration = Duration::from_millis(5);
const ALIVE_EVERY: Duration = Duration::from_millis(200);

/// What its log says when a run has ended.
const RUN_ENDED: &str = "setup run ended";

/// What a setup run cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunFigures {
    /// Requests to the API server.
    pub(crate) requests: u64,
    /// Time in which it only waited for somebody else.
    pub(crate) waited: Duration,
}

/// A control plane that runs; dropping it stops it and removes its state.
pub(crate) struct Appliance {
    process: Process,
    url: String,
    token: String,
    volume: GuardedDir,
}

impl Appliance {
    /// Starts it and waits until it listens.
    pub(crate) async fn start(program: &Path, place: &Place) -> Result<Self> {
        let mut appliance = Self::spawn(program, place)?;
        appliance.until_it_listens().await?;
        Ok(appliance)
    }

    /// Waits until it listens.
    pub(crate) async fn until_it_listens(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while !self.listens()? {
            if Instant::now() >= deadline {
                bail!(
                    "the control plane does not listen after {} s",
                    START_LIMIT.as_secs()
                );
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Starts it and returns at once.
    pub(crate) fn spawn(program: &Path, place: &Place) -> Result<Self> {
        let volume = GuardedDir::new("alga-appliance-")?;
        let token = token();
        let line = format!("{token}\n");
        let token_file = volume.path().join(file::SETUP_TOKEN);
        state_file::replace(&token_file, line.as_bytes(), 0o640).context("writing the setup token")?;
        let process = Process::start(&launch(program, place, volume.path())?)?;
        Ok(Self {
            process,
            url: String::new(),
            token,
            volume,
        })
    }

    /// Whether it listens by now; its address is known from then on.
    pub(crate) fn listens(&mut self) -> Result<bool> {
        if let Some(address) = listening_address(&self.log_text()?) {
            self.url = format!("http://{address}");
            return Ok(true);
        }
        self.check().map(|()| false)
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The setup token, for whoever sets it up.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Its state volume.
    pub(crate) fn volume(&self) -> &Path {
        self.volume.path()
    }

    /// Where its log is.
    pub(crate) fn log(&self) -> &Path {
        self.process.log()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it ends by itself, which it should not.
    pub(crate) async fn ended(mut self) -> anyhow::Error {
        loop {
            match self.check() {
                Ok(()) => sleep(ALIVE_EVERY).await,
                Err(error) => return error,
            }
        }
    }

    /// Fails once it has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.process.exited()? {
            None => Ok(()),
            Some(status) => Err(anyhow!(
                "the control plane ended with {status}; its log ends:\n{}",
                self.process.log_tail()
            )),
        }
    }

    /// What the setup run that has just ended says that it cost.
    pub(crate) async fn run_figures(&self) -> Result<RunFigures> {
        let deadline = Instant::now() + FIGURES_LIMIT;
        loop {
            if let Some(figures) = run_figures(&self.log_text()?) {
                return Ok(figures);
            }
            if Instant::now() >= deadline {
                bail!("the control plane's log does not say what the run cost");
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn log_text(&self) -> Result<String> {
        let log = self.process.log();
        std::fs::read_to_string(log).with_context(|| format!("reading {}", log.display()))
    }
}

fn launch(program: &Path, place: &Place, volume: &Path) -> Result<Launch> {
    Ok(Launch {
        name: "control-plane".to_owned(),
        program: program.to_owned(),
        args: Vec::new(),
        env: place.environment(volume).context("making up a host")?,
        dir: volume.to_owned(),
    })
}

/// `DDDD-DDDD-DDDD-DDDD-DDDD`, as the bootstrap makes it.
fn token() -> String {
    let group = || {
        // 2^64 is so much more than 10^4 that the remainder favours no group.
        let number = u64::from_le_bytes(random::bytes::<8>()) % 10_000;
        format!("{number:04}")
    };
    [(); 5].map(|()| group()).join("-")
}

/// The cost in a log, once its line is there.
fn run_figures(log: &str) -> Option<RunFigures> {
    let (_, rest) = log.rsplit_once(RUN_ENDED)?;
    let (line, _) = rest.split_once('\n')?;
    let field = |name: &str| {
        line.split_whitespace()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok())
    };
    Some(RunFigures {
        requests: field("requests")?,
        waited: Duration::from_millis(field("waited_ms")?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_five_groups_of_four_digits() {
        let token = token();
        let groups: Vec<_> = token.split('-').collect();
        assert_eq!(groups.len(), 5, "{token}");
        let is_group = |group: &&str| group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_digit());
        assert!(groups.iter().all(is_group), "{token}");
    }

    #[test]
    fn the_cost_is_that_of_the_last_run() {
        let log =
            "a: setup run ended requests=9 waited_ms=10\nb: setup run ended requests=61 waited_ms=1250\n";
        let expected = RunFigures {
            requests: 61,
            waited: Duration::from_millis(1250),
        };
        assert_eq!(run_figures(log), Some(expected));
        assert_eq!(run_figures("setup run ended requests=9"), None);
    }
}
