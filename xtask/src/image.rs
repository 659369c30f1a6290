//! `cargo xtask image`: the control plane as an image, whose bytes depend on its sources alone.

mod compile;
mod config;
mod files;
mod layer;
mod oci;
mod sbom;
mod tar;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use appliance_common::names::BAKED_IMAGE;
use appliance_common::release::reference::Digest;
use appliance_common::state_file;
use clap::Args;
use serde::Serialize;

pub(crate) use self::compile::{Build, CargoHome, static_programs};
use self::config::Stamp;
use self::oci::Image;
pub(crate) use self::tar::{Entry, What};
use crate::publish::{Target, push_image};
use crate::root;

/// Largest compressed image (overview, figures), in bytes: less is wanted.
const LIMIT: usize = 20_000_000;

/// What the image is made from, and where it goes.
#[derive(Debug, Clone, Args)]
pub struct ImageOptions {
    /// Directory of the archives
    #[arg(long, value_name = "DIR", default_value = "target/image")]
    pub output: PathBuf,
    /// A control plane that is built already, instead of the static one; what it is linked with comes along
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
    /// Manifest of the Flux controllers that the image brings along
    #[arg(long, value_name = "PATH", requires = "flux_sha256")]
    pub flux: Option<PathBuf>,
    /// Its digest, in hexadecimal
    #[arg(long, value_name = "HEX", requires = "flux")]
    pub flux_sha256: Option<String>,
    /// Commit that the image is made of; asked of git when not given
    #[arg(long, value_name = "COMMIT")]
    pub revision: Option<String>,
    /// Date of everything in the image, in seconds since 1970
    #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "SECONDS", default_value_t = 0)]
    pub source_date_epoch: u64,
    /// Where to push it as well: `host[:port]/repository:tag`
    #[arg(long, value_name = "REFERENCE")]
    pub push: Option<Target>,
    /// Account to push with
    #[arg(long, requires = "password_file")]
    pub username: Option<String>,
    /// File that holds the account's password
    #[arg(long, value_name = "FILE", requires = "username")]
    pub password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cargo_home: CargoHome,
    /// Print JSON instead of a summary
    #[arg(long)]
    pub json: bool,
}

impl ImageOptions {
    /// The image as it is shipped, without Flux.
    pub(crate) fn shipped(cargo_home: CargoHome) -> Self {
        Self {
            output: PathBuf::from("target/image"),
            binary: None,
            flux: None,
            flux_sha256: None,
            revision: None,
            source_date_epoch: 0,
            push: None,
            username: None,
            password_file: None,
            cargo_home,
            json: false,
        }
    }
}

/// What was made; sizes in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// What containerd calls it once it is imported.
    pub name: &'static str,
    /// Digest of its OCI manifest, which a registry gives it too.
    pub digest: String,
    /// Size of its layer as it is carried.
    pub compressed: usize,
    /// And on the box.
    pub unpacked: usize,
    /// As `docker save` writes it: what goes on the ISO.
    pub docker_archive: PathBuf,
    /// As an OCI layout.
    pub oci_archive: PathBuf,
    /// What it was made of (`CycloneDX`).
    pub sbom: PathBuf,
    /// Where it was pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pushed: Option<String>,
}

impl Made {
    fn show(&self, out: &mut dyn Write, json: bool) -> Result<()> {
        if json {
            serde_json::to_writer_pretty(&mut *out, self)?;
            return Ok(writeln!(out)?);
        }
        writeln!(out, "image     {} {}", self.name, self.digest)?;
        writeln!(
            out,
            "size      {} bytes, {} unpacked",
            self.compressed, self.unpacked
        )?;
        for path in [&self.docker_archive, &self.oci_archive, &self.sbom] {
            writeln!(out, "file      {}", path.display())?;
        }
        match &self.pushed {
            Some(pushed) => Ok(writeln!(out, "pushed    {pushed}")?),
            None => Ok(()),
        }
    }
}

/// Makes the image and writes its archives; pushes it where that is asked.
///
/// # Errors
/// The build fails, the Flux manifest is another one than its digest says, the image is too large, a file cannot
/// be written, the registry refuses.
pub async fn image(options: &ImageOptions, out: &mut dyn Write) -> Result<Made> {
    let stamp = Stamp {
        epoch: options.source_date_epoch,
        revision: match &options.revision {
            Some(revision) => revision.clone(),
            None => compile::revision().await?,
        },
    };
    let program = match &options.binary {
        Some(path) => files::linked(path).await?,
        None => files::of(&compile::static_control_plane(&options.cargo_home.path()?).await?)?,
    };
    let flux = options
        .flux
        .as_deref()
        .map(|path| flux(path, options))
        .transpose()?;
    let image = Image::new(&stamp, &layer::entries(program, flux), options.flux.is_some())?;
    ensure!(
        options.binary.is_some() || image.layer.bytes.len() <= LIMIT,
        "the image has {} bytes compressed, more than {LIMIT}",
        image.layer.bytes.len()
    );
    let mut made = written(&image, &sbom::sbom(&image.digest).await?, &options.output)?;
    if let Some(target) = &options.push {
        let account = (options.username.as_deref(), options.password_file.as_deref());
        made.pushed = Some(push_image(target, &image.artifact(target), account).await?);
    }
    made.show(out, options.json)?;
    Ok(made)
}

fn flux(path: &Path, options: &ImageOptions) -> Result<Vec<u8>> {
    let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let found = Digest::of(&text);
    let wanted = options.flux_sha256.as_deref().unwrap_or_default();
    ensure!(
        found.as_str() == format!("sha256:{wanted}"),
        "{} is {found}, not sha256:{wanted}",
        path.display()
    );
    Ok(text)
}

fn written(image: &Image, sbom: &[u8], output: &Path) -> Result<Made> {
    let dir = root().join(output);
    fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        let written =
            state_file::replace(&path, bytes, 0o644).with_context(|| format!("writing {}", path.display()));
        written.map(|()| path)
    };
    Ok(Made {
        name: BAKED_IMAGE,
        digest: image.digest.to_string(),
        compressed: image.layer.bytes.len(),
        unpacked: image.unpacked,
        docker_archive: write("alga-appliance-control-plane.tar", &image.docker_archive()?)?,
        oci_archive: write("alga-appliance-control-plane.oci.tar", &image.oci_archive()?)?,
        sbom: write("alga-appliance-control-plane.cdx.json", sbom)?,
        pushed: None,
    })
}
