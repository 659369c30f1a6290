//! The overview's figures, measured under its conditions: release build, the server on one core and the
//! load on another, medians. Nothing is asserted here; whoever reads the table does that.

mod cores;
mod during;
mod figure;
mod load;
mod queue;
mod server;
mod status;
mod workflow;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use appliance_common::state_file;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use self::cores::Cores;
use self::figure::Figure;
pub(crate) use self::status::lived;
use crate::demo::build::Profile;
use crate::demo::prepare;
use crate::demo::story::Story;

/// How the benchmark runs.
#[derive(Debug, Args)]
pub struct Bench {
    /// Write the figures there too; they always go to target/bench/
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// How often each figure is measured; its median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    pub runs: u16,
}

/// Measures, prints a table and writes JSON.
///
/// # Errors
/// A figure could not be measured; one that misses its goal is no error.
pub async fn bench(options: &Bench, out: &mut dyn Write) -> Result<()> {
    let story = Story::begin();
    let cores = Cores::two()?;
    let built = prepare(&story, Profile::Release).await?;
    let mut figures = server::measure(&story, &built, cores, options.runs).await?;
    figures.extend(status::measure(&story, &built, cores, options.runs).await?);
    figures.extend(queue::measure(&story, &built, cores, options.runs)?);
    figures.extend(workflow::measure(&story, &built, cores, options.runs).await?);

    writeln!(out, "{}", figure::table(&figures))?;
    for file in files(&built.control_plane, options.json.as_deref()) {
        let document = document(&figures, cores);
        let text = serde_json::to_vec_pretty(&document)?;
        state_file::replace(&file, &text, 0o644).with_context(|| format!("writing {}", file.display()))?;
        writeln!(out, "written to {}", file.display())?;
    }
    Ok(())
}

/// The history beside the program's target directory, and the file that was asked for.
fn files(program: &Path, asked: Option<&Path>) -> Vec<PathBuf> {
    let name = Timestamp::now().strftime("%Y%m%dT%H%M%SZ.json").to_string();
    let target = program.ancestors().nth(2);
    let history = target.map(|target| target.join("bench").join(name));
    history.into_iter().chain(asked.map(Path::to_owned)).collect()
}

fn document(figures: &[Figure], cores: Cores) -> serde_json::Value {
    json!({
        "at": Timestamp::now().to_string(),
        "version": env!("CARGO_PKG_VERSION"),
        "serverCore": cores.server,
        "loadCore": cores.load,
        "connections": load::CONNECTIONS,
        "figures": figures.iter().map(Figure::to_json).collect::<Vec<_>>(),
    })
}
