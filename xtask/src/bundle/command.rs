//! `cargo xtask bundle …`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use appliance_common::release::reference::RegistryHost;
use clap::{Args, Subcommand};

use super::chart::load_all;
use super::lint::lint;
use super::lock::Lock;
use super::read_tree;
use super::render::{Bundle, render};
use crate::root;

/// Directories of `flux/` that are published.
const PUBLISHED: [&str; 2] = ["base", "profiles"];

/// Chores of the Flux bundle.
#[derive(Debug, Subcommand)]
pub enum BundleCommand {
    /// Check the bundle as it would be published.
    Lint(Lint),
}

/// What `bundle lint` checks.
#[derive(Debug, Args)]
pub struct Lint {
    /// Registry it is rendered for
    #[arg(long, value_name = "HOST[:PORT]", default_value = "ghcr.io")]
    pub registry: RegistryHost,
    /// What is rendered.
    #[command(flatten)]
    pub sources: Sources,
}

impl BundleCommand {
    /// Runs the chore.
    ///
    /// # Errors
    /// Sources that cannot be read; findings.
    pub fn run(&self, out: &mut dyn std::io::Write) -> Result<()> {
        let Self::Lint(lint) = self;
        lint.sources.lint(&lint.registry, out)
    }
}

/// What a release is made from.
#[derive(Debug, Clone, Default, Args)]
pub struct Sources {
    /// The release's pins [default: flux/release.lock.toml, or the sample pins where there is none]
    #[arg(long, value_name = "FILE")]
    pub lock: Option<PathBuf>,
    /// Directory of chart directories [default: the sample charts with the sample pins, else none]
    #[arg(long, value_name = "DIR")]
    pub charts: Option<PathBuf>,
    /// The bundle's sources [default: flux]
    #[arg(long, value_name = "DIR")]
    pub flux: Option<PathBuf>,
}

/// Sources that were read, rendered and found good.
#[derive(Debug)]
pub struct Checked {
    /// The pins.
    pub lock: Lock,
    /// The charts that are published along.
    pub charts: BTreeMap<String, super::chart::Chart>,
    /// The rendered bundle.
    pub bundle: Bundle,
}

impl Sources {
    /// Reads and renders for `registry`, and refuses what has findings.
    ///
    /// # Errors
    /// Sources that cannot be read or rendered; findings, one per line.
    pub fn check(&self, registry: &RegistryHost) -> Result<Checked> {
        let lock = Lock::load(&self.lock_file())?;
        let charts = match self.charts_dir(&lock) {
            Some(dir) => load_all(&dir)?,
            None => BTreeMap::new(),
        };
        let flux = self.flux.clone().unwrap_or_else(|| root().join("flux"));
        let bundle = render(&read_tree(&flux, &PUBLISHED)?, &lock, registry)?;
        let findings = lint(&bundle, &lock, &charts);
        if findings.is_empty() {
            return Ok(Checked { lock, charts, bundle });
        }
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        bail!("the bundle has {} findings:\n{}", lines.len(), lines.join("\n"))
    }

    /// Says that there are no findings.
    ///
    /// # Errors
    /// As [`Sources::check`].
    pub fn lint(&self, registry: &RegistryHost, out: &mut dyn std::io::Write) -> Result<()> {
        let checked = self.check(registry)?;
        let (files, charts) = (checked.bundle.files.len(), checked.charts.len());
        Ok(writeln!(
            out,
            "bundle: {files} files against {charts} charts, no findings"
        )?)
    }

    fn lock_file(&self) -> PathBuf {
        let committed = root().join("flux/release.lock.toml");
        match &self.lock {
            Some(file) => file.clone(),
            None if committed.is_file() => committed,
            None => fixtures().join("release.lock.toml"),
        }
    }

    fn charts_dir(&self, lock: &Lock) -> Option<PathBuf> {
        let samples = fixtures().join("charts");
        self.charts
            .clone()
            .or_else(|| (lock.sample && samples.is_dir()).then_some(samples))
    }
}

fn fixtures() -> PathBuf {
    Path::new(root()).join("tests/fixtures")
}
