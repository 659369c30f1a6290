//! Everything that must pass before a change is merged, in the order of how soon it fails.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;
use clap::builder::FalseyValueParser;

use crate::bundle::Sources;
use crate::docs::{Docs, docs};
use crate::{layers, runner};

/// Longest time one step may take; the whole must be done in an hour on a cold machine.
const STEP_LIMIT: Duration = Duration::from_hours(1);

/// How `cargo xtask ci` runs.
#[derive(Debug, Args)]
pub struct Ci {
    /// Install cargo-deny where it is missing (about two minutes)
    #[arg(long, env = "CI", value_parser = FalseyValueParser::new())]
    pub install: bool,
}

/// What a step does.
enum Step {
    /// A program and its arguments.
    Run(&'static str, &'static [&'static str]),
    /// The licences and sources of the dependencies.
    Deny,
    /// The arrows between crates and modules.
    Layers,
    /// The Flux bundle.
    BundleLint,
    /// The pages of `docs/` that are made from code.
    Docs,
}

/// All steps. Nextest runs no doc tests, so those are a step of their own.
const STEPS: [Step; 9] = [
    Step::Run("fmt", &["cargo", "fmt", "--all", "--check"]),
    Step::Layers,
    Step::BundleLint,
    Step::Docs,
    Step::Run(
        "clippy",
        &[
            "cargo",
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ],
    ),
    // After clippy, which has built the control plane and so installed what the pages are built with.
    Step::Run("ui", &["npm", "--prefix", "ui", "run", "check"]),
    Step::Run(
        "test",
        &[
            "cargo",
            "test",
            "--workspace",
            "--lib",
            "--bins",
            "--tests",
            "--locked",
        ],
    ),
    Step::Run(
        "doc tests",
        &["cargo", "test", "--workspace", "--doc", "--locked"],
    ),
    Step::Deny,
];

impl Step {
    fn name(&self) -> &'static str {
        match self {
            Self::Run(name, _) => name,
            Self::Deny => "deny",
            Self::Layers => "layers",
            Self::BundleLint => "bundle lint",
            Self::Docs => "docs",
        }
    }

    async fn run(&self, ci: &Ci, out: &mut dyn Write) -> Result<()> {
        match self {
            Self::Run(_, argv) => runner::run(argv, STEP_LIMIT).await,
            Self::Deny => deny(ci).await,
            Self::Layers => layers::check(out).await,
            Self::BundleLint => Sources::default().lint(&"ghcr.io".parse()?, out),
            Self::Docs => docs(&Docs { check: true }, out),
        }
    }
}

/// Runs the steps up to the first that fails, then prints how long each took.
///
/// # Errors
/// The step that failed.
pub async fn ci(ci: &Ci, out: &mut dyn Write) -> Result<()> {
    let mut table = Vec::new();
    let mut failure = None;
    for step in &STEPS {
        writeln!(out, "==> {}", step.name())?;
        let started = Instant::now();
        let result = step.run(ci, out).await;
        let state = if result.is_ok() { "ok" } else { "FAILED" };
        table.push(format!(
            "{:<12} {state:<7} {:>7.1} s",
            step.name(),
            started.elapsed().as_secs_f64()
        ));
        if let Err(error) = result {
            failure = Some(error.context(format!("ci stopped at step `{}`", step.name())));
            break;
        }
    }
    writeln!(out, "\n{}", table.join("\n"))?;
    failure.map_or(Ok(()), Err)
}

/// The parts of cargo-deny that need no network.
async fn deny(ci: &Ci) -> Result<()> {
    let version = runner::capture(&["cargo", "deny", "--version"], STEP_LIMIT).await;
    if version.is_err() && !ci.install {
        bail!("cargo-deny is not installed: run `cargo install cargo-deny --locked`, or this with --install");
    }
    if version.is_err() {
        runner::run(&["cargo", "install", "cargo-deny", "--locked"], STEP_LIMIT)
            .await
            .context("installing cargo-deny")?;
    }
    let argv = [
        "cargo",
        "deny",
        "--offline",
        "check",
        "bans",
        "licenses",
        "sources",
    ];
    runner::run(&argv, STEP_LIMIT).await
}
