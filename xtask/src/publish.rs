//! Publishing a release: charts, config bundle, release manifest, and last the channel.
//!
//! Everything is made and checked before anything is pushed; bytes depend on the sources alone, so
//! publishing again changes nothing; the channel's tag moves when all it leads to is there.

mod artifact;
mod manifest;
mod push;
mod target;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use appliance_common::release::manifest::ReleaseManifest;
use appliance_common::release::policy::UsePolicy;
use appliance_common::release::reference::{Channel, RegistryHost, Tag, Version};
use clap::Args;
use serde::Serialize;

use self::artifact::Stamp;
pub(crate) use self::artifact::{Artifact, Blob};
use self::push::{Pusher, account};
pub use self::target::Target;
use crate::bundle::{Checked, Sources, pack};

/// What to publish, and where to.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// `host[:port]`; anything but loopback is spoken to over TLS
    #[arg(long, value_name = "HOST[:PORT]")]
    pub registry: RegistryHost,
    /// Channel whose tag moves to this release
    #[arg(long, value_name = "stable|nightly")]
    pub channel: Channel,
    /// Version of the release, which is also its tag
    #[arg(long, value_parser = version)]
    pub version: String,
    /// What the release is made from.
    #[command(flatten)]
    pub sources: Sources,
    /// Date of everything in the artifacts, in seconds since 1970
    #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "SECONDS", default_value_t = 0)]
    pub source_date_epoch: u64,
    /// Account to push with
    #[arg(long, requires = "password_file")]
    pub username: Option<String>,
    /// File that holds the account's password
    #[arg(long, value_name = "FILE", requires = "username")]
    pub password_file: Option<PathBuf>,
    /// Print JSON instead of a summary
    #[arg(long)]
    pub json: bool,
}

impl Options {
    /// The shipped bundle with the sample pins and charts, as the head of `stable`: what the demo and
    /// the tests install.
    #[must_use]
    pub fn sample(registry: RegistryHost, version: &str) -> Self {
        Self {
            registry,
            channel: Channel::Stable,
            version: version.to_owned(),
            sources: Sources {
                lock: Some(crate::root().join("tests/fixtures/release.lock.toml")),
                charts: None,
                flux: None,
            },
            source_date_epoch: 0,
            username: None,
            password_file: None,
            json: false,
        }
    }
}

/// One published artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// `registry/repository:tag`.
    pub reference: String,
    /// Digest of its OCI manifest.
    pub digest: String,
}

/// What was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Published {
    /// Version of the release.
    pub version: String,
    /// The channel that leads to it.
    pub channel: &'static str,
    /// The release manifest's artifact.
    pub release: Reference,
    /// The config bundle.
    pub config: Reference,
    /// The charts that were pushed.
    pub charts: Vec<Reference>,
}

impl Published {
    /// Writes the summary, or JSON.
    ///
    /// # Errors
    /// `out` cannot be written to.
    pub fn show(&self, out: &mut dyn Write, json: bool) -> Result<()> {
        if json {
            serde_json::to_writer_pretty(&mut *out, self)?;
            return Ok(writeln!(out)?);
        }
        for chart in &self.charts {
            writeln!(out, "chart    {} {}", chart.reference, chart.digest)?;
        }
        writeln!(out, "config   {} {}", self.config.reference, self.config.digest)?;
        writeln!(out, "release  {} {}", self.release.reference, self.release.digest)?;
        Ok(writeln!(out, "channel  {} is {}", self.channel, self.version)?)
    }
}

/// Publishes a release.
///
/// # Errors
/// Sources with findings, pins that do not fit, a version that is published with other content, a
/// registry that refuses or stalls. The channel then leads where it led before.
pub async fn publish(options: &Options) -> Result<Published> {
    version(&options.version)?;
    let registry = &options.registry;
    let checked = options.sources.check(registry)?;
    ensure!(
        !checked.lock.sample || registry.is_loopback(),
        "the lock holds sample pins, which may not go to {registry}: pass --lock with a release's own"
    );
    let made = make(options, &checked)?;
    let account = account(options.username.as_deref(), options.password_file.as_deref())?;
    let pusher = Pusher::new(registry, account);
    published_charts_are_there(&checked, &pusher).await?;
    let release = promoted_or_new(made.releases, &pusher).await?;
    push_absent(made.charts.iter().chain([&made.config, &release]), &pusher).await?;
    let moved = pusher.tag(&release, options.channel.as_str()).await;
    moved.with_context(|| format!("moving the channel {}", options.channel.as_str()))?;
    let name = |artifact: &Artifact| Reference {
        reference: format!("{registry}/{}:{}", artifact.repository, artifact.tag),
        digest: artifact.digest.to_string(),
    };
    Ok(Published {
        version: options.version.clone(),
        channel: options.channel.as_str(),
        release: name(&release),
        config: name(&made.config),
        charts: made.charts.iter().map(name).collect(),
    })
}

/// Pushes an image, over what its tag led to before; what names it for ever. The account is a name and a file with
/// its password.
pub(crate) async fn push_image(
    target: &Target,
    image: &Artifact,
    (user, password_file): (Option<&str>, Option<&Path>),
) -> Result<String> {
    let pusher = Pusher::new(&target.registry, account(user, password_file)?);
    pusher.push(image).await?;
    Ok(format!(
        "{}/{}@{}",
        target.registry, target.repository, image.digest
    ))
}

/// Everything that may be pushed.
struct Made {
    charts: Vec<Artifact>,
    config: Artifact,
    /// The release as declared for the channel that is asked for, and for the other.
    releases: [Artifact; 2],
}

/// Makes it all in memory.
fn make(options: &Options, checked: &Checked) -> Result<Made> {
    let stamp = Stamp {
        version: options.version.clone(),
        epoch: options.source_date_epoch,
    };
    let files = checked.bundle.files.iter();
    let texts = files.map(|(path, text)| (path.as_str(), text.as_str()));
    let config = stamp.bundle(pack::archive(texts, stamp.epoch)?)?;
    let release = |channel| {
        let manifest = serde_json::to_vec_pretty(&manifest::build(options, checked, &config, channel))?;
        ReleaseManifest::from_json(&manifest)?
            .usable(&UsePolicy::for_registry(&options.registry))
            .context("an appliance would refuse this release")?;
        stamp.release(manifest)
    };
    Ok(Made {
        releases: [release(options.channel)?, release(other(options.channel))?],
        charts: charts(checked)?,
        config,
    })
}

/// Pushes what the registry lacks, in order, once nothing is left that it would refuse.
async fn push_absent(artifacts: impl Iterator<Item = &Artifact>, pusher: &Pusher) -> Result<()> {
    let mut absent = Vec::new();
    for artifact in artifacts {
        if !pusher.holds(artifact).await? {
            absent.push(artifact);
        }
    }
    for artifact in absent {
        pusher.push(artifact).await?;
    }
    Ok(())
}

/// Of the release as declared for either channel, the one that is published already, else the first.
/// A release that is promoted keeps its bytes, and so the channel it was first declared for.
async fn promoted_or_new([new, other]: [Artifact; 2], pusher: &Pusher) -> Result<Artifact> {
    let published = pusher.digest_of(&new.repository, &new.tag).await?;
    Ok(if published.as_ref() == Some(&other.digest) {
        other
    } else {
        new
    })
}

fn other(channel: Channel) -> Channel {
    match channel {
        Channel::Stable => Channel::Nightly,
        Channel::Nightly => Channel::Stable,
    }
}

/// The given charts that the lock pins, each as its pin says.
fn charts(checked: &Checked) -> Result<Vec<Artifact>> {
    let Checked { lock, charts, .. } = checked;
    let mut artifacts = Vec::new();
    for (name, chart) in charts {
        let Some(pin) = lock.charts.get(name) else {
            bail!("the chart {name} is not in the lock: pin it there or take it out of --charts");
        };
        let version = chart.version()?;
        ensure!(
            version == pin.version,
            "the chart {name} is {version}, and the lock pins {}",
            pin.version
        );
        let artifact = artifact::chart(chart)?;
        if let Some(pinned) = &pin.digest {
            let digest = &artifact.digest;
            ensure!(
                digest == pinned,
                "the chart {name} is {digest}, and the lock pins {pinned}"
            );
        }
        artifacts.push(artifact);
    }
    Ok(artifacts)
}

/// Charts that are not pushed now must be on the registry, as the lock pins them.
async fn published_charts_are_there(checked: &Checked, pusher: &Pusher) -> Result<()> {
    let absent = |(name, _): &(&String, _)| !checked.charts.contains_key(*name);
    for (name, pin) in checked.lock.charts.iter().filter(absent) {
        let pinned = pin.digest.as_ref().ok_or_else(|| {
            anyhow!("the chart {name} is neither in --charts nor pinned by digest in the lock")
        })?;
        let repository = format!("nine-minds/charts/{name}");
        let tag = pin.version.replace('+', "_");
        let found = pusher.digest_of(&repository, &tag).await?;
        ensure!(
            found.as_ref() == Some(pinned),
            "the chart {name}:{tag} on the registry is {}, and the lock pins {pinned}",
            found.as_ref().map_or("absent", |digest| digest.as_str())
        );
    }
    Ok(())
}

/// A version that is a tag, and is not one that moves.
fn version(text: &str) -> Result<String> {
    ensure!(
        text.parse::<Version>().is_ok() && text.parse::<Tag>().is_ok(),
        "{text:?} is not a version: letters, digits, `.`, `_` and `-`, at most 128, a letter or digit first"
    );
    ensure!(
        !["stable", "nightly", "latest"].contains(&text),
        "{text:?} is a tag that moves: name this release"
    );
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn a_version_is_a_tag_that_does_not_move() {
        for good in ["1.0.3", "1.1.0-rc.1", "2026_01"] {
            assert!(version(good).is_ok(), "{good}");
        }
        let long = "1".repeat(129);
        for bad in [
            "", "stable", "nightly", "latest", "1.0+x", "../1", "1 0", "_1", ".1", "ü", &long,
        ] {
            assert!(version(bad).is_err(), "{bad}");
        }
    }
}
