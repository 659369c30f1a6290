//! The pages and scenarios, bundled, and node that runs them.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use appliance_tests::process::{GuardedDir, Launch, Process};
use tokio::sync::OnceCell;

use crate::talk::Talk;
use crate::world::World;

/// Debian's; the scenarios use no other, so that what CI runs is what an operator's distribution ships.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Longest time to bundle pages or scenarios, and to run one scenario. A loaded machine draws slowly.
const BUILD_LIMIT: Duration = Duration::from_mins(5);
const SCENARIO_LIMIT: Duration = Duration::from_mins(15);

/// The built pages and scenarios.
pub(crate) struct Site {
    ui: PathBuf,
    /// Where logs go; what Chromium leaves behind is removed with it.
    dir: GuardedDir,
}

impl Site {
    /// Builds them, the scenarios once for all tests.
    pub(crate) async fn build() -> Result<Self> {
        static SCENARIOS: OnceCell<()> = OnceCell::const_new();
        ensure!(
            Path::new(CHROMIUM).exists(),
            "there is no {CHROMIUM}: install it with `apt-get install -y chromium`"
        );
        let ui = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../ui")
            .canonicalize()?;
        ensure!(
            ui.join("node_modules/playwright-core").exists(),
            "the pages' packages are missing: run `npm ci` in {}",
            ui.display()
        );
        let dir = GuardedDir::new("alga-browser-test-")?;
        let site = Self { ui, dir };
        let scenarios = ["build", "--config", "e2e/vite.config.ts"];
        SCENARIOS
            .get_or_try_init(|| site.vite("scenarios", &scenarios))
            .await?;
        Ok(site)
    }

    /// Runs a scenario with fixture answers to its end.
    pub(crate) async fn show(&self, scenario: &str) -> Result<()> {
        let pages = self.dir.path().join("dist");
        if !pages.exists() {
            let out = pages.display().to_string();
            self.vite("pages", &["build", "--outDir", &out]).await?;
        }
        let mut process = self.start_scenario(scenario, &[("PAGES", pages.display().to_string())])?;
        let ended = process.finish(SCENARIO_LIMIT).await;
        ended_well(scenario, ended, &process)
    }

    /// Runs a scenario in this world to its end.
    pub(crate) async fn play(&self, scenario: &str, world: &mut World) -> Result<()> {
        let talk = Talk::open().await?;
        let mut process = self.start_scenario(scenario, &[("WORLD", talk.port().to_string())])?;
        let ended = tokio::select! {
            ended = process.finish(SCENARIO_LIMIT) => ended,
            failed = talk.answer(world) => match failed {
                Ok(()) => bail!("{scenario}: nobody answers it any more"),
                Err(error) => return Err(error),
            },
        };
        let outcome = ended_well(scenario, ended, &process);
        outcome.with_context(|| format!("the control plane's log ends:\n{}", world.log_tail()))
    }

    fn start_scenario(&self, scenario: &str, more: &[(&'static str, String)]) -> Result<Process> {
        let mut env = vec![
            ("CHROMIUM", CHROMIUM.to_owned()),
            (
                "SCREENSHOTS",
                self.ui.join("../target/screenshots").display().to_string(),
            ),
            ("TMPDIR", self.dir.path().display().to_string()),
        ];
        env.extend_from_slice(more);
        self.node(scenario, &["node_modules/.e2e/main.mjs", scenario], env)
    }

    async fn vite(&self, what: &str, args: &[&str]) -> Result<()> {
        let args = [&["node_modules/vite/bin/vite.js"], args].concat();
        let mut process = self.node(what, &args, Vec::new())?;
        let ended = process.finish(BUILD_LIMIT).await;
        ended_well(what, ended, &process)
    }

    fn node(&self, name: &str, args: &[&str], env: Vec<(&'static str, String)>) -> Result<Process> {
        let mut node = vec!["-C".to_owned(), self.ui.display().to_string(), "node".to_owned()];
        node.extend(args.iter().map(|arg| (*arg).to_owned()));
        Process::start(&Launch {
            name: name.to_owned(),
            program: "/usr/bin/env".into(),
            args: node,
            env,
            dir: self.dir.path().to_owned(),
        })
    }
}

fn ended_well(name: &str, ended: Result<ExitStatus>, process: &Process) -> Result<()> {
    ensure!(
        matches!(&ended, Ok(status) if status.success()),
        "{name}: {}\n{}{}",
        ended.map_or_else(|error| error.to_string(), |status| status.to_string()),
        process.output()?,
        process.log_tail()
    );
    Ok(())
}
