//! The web pages in a real browser: each scenario is a program for node (`ui/e2e`) that drives Chromium. The
//! answers are fixtures (`ui/e2e/fixture`), so that every state can be shown. What a person should look at lies
//! in `target/screenshots/` afterwards.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use appliance_tests::process::{GuardedDir, Launch, Process};

/// Debian's; the scenarios use no other, so that what CI runs is what an operator's distribution ships.
const CHROMIUM: &str = "/usr/bin/chromium";

/// Longest time to bundle pages or scenarios, and to run one scenario. A loaded machine draws slowly.
const BUILD_LIMIT: Duration = Duration::from_mins(5);
const SCENARIO_LIMIT: Duration = Duration::from_mins(15);

#[tokio::test]
async fn pages_look_well_in_both_themes_and_on_a_phone_and_what_disturbs_them_costs_nothing_typed()
-> Result<()> {
    let site = Site::build().await?;
    site.play("disturbed").await?;
    site.play("look").await
}

/// The built pages and scenarios.
struct Site {
    ui: PathBuf,
    /// Where logs go; what Chromium leaves behind is removed with it.
    dir: GuardedDir,
}

impl Site {
    async fn build() -> Result<Self> {
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
        let out = site.dir.path().join("dist");
        let vite = "node_modules/vite/bin/vite.js";
        site.run(
            "pages",
            &[vite, "build", "--outDir", &out.to_string_lossy()],
            BUILD_LIMIT,
        )
        .await?;
        site.run(
            "scenarios",
            &[vite, "build", "--config", "e2e/vite.config.ts"],
            BUILD_LIMIT,
        )
        .await?;
        Ok(site)
    }

    /// Runs one scenario to its end.
    async fn play(&self, scenario: &str) -> Result<()> {
        self.run(
            scenario,
            &["node_modules/.e2e/main.mjs", scenario],
            SCENARIO_LIMIT,
        )
        .await
    }

    async fn run(&self, name: &str, args: &[&str], limit: Duration) -> Result<()> {
        let at = |path: &Path| path.display().to_string();
        let mut node = vec!["-C".to_owned(), at(&self.ui), "node".to_owned()];
        node.extend(args.iter().map(|arg| (*arg).to_owned()));
        let mut process = Process::start(&Launch {
            name: name.to_owned(),
            program: "/usr/bin/env".into(),
            args: node,
            env: vec![
                ("CHROMIUM", CHROMIUM.to_owned()),
                ("PAGES", at(&self.dir.path().join("dist"))),
                ("SCREENSHOTS", at(&self.ui.join("../target/screenshots"))),
                ("TMPDIR", at(self.dir.path())),
            ],
            dir: self.dir.path().to_owned(),
        })?;
        let ended = process.finish(limit).await;
        ensure!(
            matches!(&ended, Ok(status) if status.success()),
            "{name}: {}\n{}{}",
            ended.map_or_else(|error| error.to_string(), |status| status.to_string()),
            process.output()?,
            process.log_tail()
        );
        Ok(())
    }
}
