//! `cargo xtask soak`: installs that meet random faults for a while, or the whole table once.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use appliance_tests::faults::report::{Report, Summary};
use appliance_tests::faults::{self, soak, table};
use appliance_tests::tools::Tools;
use clap::Args;
use serde_json::json;

/// How `cargo xtask soak` runs.
#[derive(Debug, Clone, Args)]
pub struct Soak {
    /// How long new installs are begun
    #[arg(long, default_value_t = 10)]
    pub minutes: u64,
    /// Repeats the installs of an earlier run; chosen at random otherwise
    #[arg(long)]
    pub seed: Option<u64>,
    /// Only the install of this number
    #[arg(long, requires = "seed")]
    pub run: Option<u64>,
    /// The whole table of step × fault instead of random faults
    #[arg(long, conflicts_with_all = ["seed", "run", "minutes"])]
    pub table: bool,
    /// Only the cells of the table whose name contains this
    #[arg(long, requires = "table")]
    pub only: Option<String>,
}

/// Runs it; every install and the figures go to `out`, and all of it as JSON to `target/faults/`.
///
/// # Errors
/// A promise did not hold, or the harness could not run.
pub async fn soak(options: &Soak, out: &mut dyn Write) -> Result<()> {
    let options = options.clone();
    // The harness needs a runtime of one thread: its own, on a thread of its own.
    let work = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime
            .context("starting the soak's runtime")?
            .block_on(run(&options))
    });
    let (reports, seed) = work.await.context("the soak ended badly")??;
    let summary = Summary::of(&reports);
    let directory = crate::root().join("target/faults");
    write(
        &directory,
        &json!({"seed": seed, "summary": summary, "runs": reports}),
    )?;
    writeln!(out, "\n{}", summary.text())?;
    let broken = reports.iter().filter(|report| !report.is_good()).count();
    if broken > 0 {
        let again = seed.map_or_else(String::new, |seed| {
            format!("; repeat one with --seed {seed} --run NUMBER")
        });
        bail!("{broken} of {} installs broke a promise{again}", reports.len());
    }
    Ok(())
}

async fn run(options: &Soak) -> Result<(Vec<Report>, Option<u64>)> {
    let can_mount = faults::can_mount();
    let mut out = std::io::stdout();
    if let Err(why) = &can_mount {
        writeln!(out, "no state volume can go wrong here: {why:#}")?;
    }
    let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
    if options.table {
        let mut cells = table::cells();
        cells.retain(|cell| options.only.as_ref().is_none_or(|only| cell.name.contains(only)));
        let cells = faults::each(cells, can_mount.is_ok());
        return Ok((faults::run(&tools, cells, &mut out).await?, None));
    }
    let seed = options.seed.unwrap_or_else(random_seed);
    writeln!(out, "seed {seed}")?;
    let end = Instant::now() + Duration::from_mins(options.minutes);
    let mut numbers = options.run.map_or(0..=u64::MAX, |run| run..=run);
    let next = || {
        let number = (Instant::now() < end).then(|| numbers.next())??;
        Some(soak::cell(seed, number, can_mount.is_ok()))
    };
    Ok((faults::run(&tools, next, &mut out).await?, Some(seed)))
}

/// Short enough to be typed again.
fn random_seed() -> u64 {
    u32::from_le_bytes(appliance_common::random::bytes::<4>()).into()
}

fn write(directory: &Path, report: &serde_json::Value) -> Result<()> {
    std::fs::create_dir_all(directory).with_context(|| format!("making {}", directory.display()))?;
    let path = directory.join("soak.json");
    let file = std::fs::File::create(&path).with_context(|| format!("writing {}", path.display()))?;
    serde_json::to_writer_pretty(file, report).with_context(|| format!("writing {}", path.display()))
}
