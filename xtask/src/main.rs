//! `cargo xtask CHORE`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use xtask::bench::{Bench, bench};
use xtask::bundle::BundleCommand;
use xtask::ci::{Ci, ci};
use xtask::demo::{Demo, demo};
use xtask::docs::{Docs, docs};
use xtask::image::{ImageOptions, image};
use xtask::layers;
use xtask::order::order;
use xtask::publish::{Options, publish};
use xtask::soak::{Soak, soak};
use xtask::stage::{StageOptions, stage};

/// The chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Xtask {
    #[command(subcommand)]
    chore: Chore,
}

/// One chore; a new one is a file of its own, a line here and a line in `run`.
#[derive(Subcommand)]
enum Chore {
    /// Run the whole appliance on this machine
    Demo(Demo),
    /// Measure what the overview sets goals for
    Bench(Bench),
    /// Publish a release: charts, config bundle, release manifest, channel
    Publish(Box<Options>),
    /// Make the control plane's image
    Image(Box<ImageOptions>),
    /// Lay out the files that the installer puts on the host
    Stage(Box<StageOptions>),
    /// Check the Flux bundle
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Make the pages of docs/ that come from code
    Docs(Docs),
    /// Write down which functions an idle control plane runs, for its linker; needs valgrind
    Order,
    /// Check who depends on whom
    Layers,
    /// Install again and again while things go wrong
    Soak(Soak),
    /// Run everything that must pass before a merge
    Ci(Ci),
}

impl Chore {
    async fn run(&self) -> Result<()> {
        let out = &mut std::io::stdout();
        match self {
            Self::Demo(options) => demo(options, out).await,
            Self::Bench(options) => bench(options, out).await,
            Self::Publish(options) => publish(options).await?.show(out, options.json),
            Self::Image(options) => image(options, out).await.map(drop),
            Self::Stage(options) => stage(options, out).await,
            Self::Bundle(command) => command.run(out),
            Self::Docs(options) => docs(options, out),
            Self::Order => order(out).await,
            Self::Layers => layers::check(out).await,
            Self::Soak(options) => soak(options, out).await,
            Self::Ci(options) => ci(options, out).await,
        }
    }
}

fn main() -> ExitCode {
    let chore = Xtask::parse().chore;
    let runtime = tokio::runtime::Runtime::new().context("starting the async runtime");
    match runtime.and_then(|runtime| runtime.block_on(chore.run())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
