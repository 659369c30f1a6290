//! `cargo xtask stage`: the files that the installer lays over the host, with a digest of each (70 §3.2 as decision 14
//! changes it).

mod overlay;
mod record;
mod written;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use self::overlay::Sources;
use self::record::Record;
use crate::image::{Build, CargoHome, ImageOptions, static_programs};
use crate::root;

/// Our programs on the host, each with its package; the first is built to be smallest.
pub(crate) const PROGRAMS: [(&str, &str); 4] = [
    ("alga-appliance-bootstrap", "appliance-bootstrap"),
    ("alga-host-agent", "appliance-host-agent"),
    ("alga-support-bundle", "appliance-support-bundle"),
    ("kubectl-queue", "appliance-kubectl-queue"),
];

/// What a program on the host should have at most, in bytes: missing it is said, and stops no release.
const GOAL: usize = 8_000_000;

/// What the tree is made from.
#[derive(Debug, Clone, Args)]
pub struct StageOptions {
    /// Directory that stands for `/` of the installed host; what is in it below `opt/alga-appliance` goes
    #[arg(long, value_name = "DIR", default_value = "target/overlay")]
    pub output: PathBuf,
    /// Only compare a tree with its record
    #[arg(long)]
    pub verify: bool,
    /// k3s
    #[arg(
        long,
        env = "ALGA_APPLIANCE_K3S_BINARY",
        value_name = "PATH",
        required_unless_present = "verify"
    )]
    pub k3s_binary: Option<PathBuf>,
    /// Directory of our programs, built already; they are built, static, when not given
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
    /// An image of the control plane; made when not given
    #[arg(long, value_name = "PATH")]
    pub control_plane_image_archive: Vec<PathBuf>,
    /// Images that k3s has at its first start without a network: its own, and the provisioner's
    #[arg(long, value_name = "PATH")]
    pub k3s_images: Vec<PathBuf>,
    /// When this was built, RFC 3339; the consoles show it
    #[arg(
        long,
        env = "ALGA_APPLIANCE_BUILD_TIMESTAMP",
        value_name = "TIME",
        default_value = "1970-01-01T00:00:00Z"
    )]
    pub build_timestamp: String,
    #[command(flatten)]
    pub(crate) cargo_home: CargoHome,
}

/// Makes the tree and its record, or compares a tree with its record.
///
/// # Errors
/// Something is missing or empty; a file cannot be written; with `--verify`, every difference.
pub async fn stage(options: &StageOptions, out: &mut dyn Write) -> Result<()> {
    let tree = root().join(&options.output);
    if options.verify {
        return verify(&tree, out);
    }
    let sources = sources(options, out).await?;
    let entries = overlay::entries(&sources)?;
    let record = Record::of(&entries);
    written::write(&tree, &entries, &record)?;
    writeln!(out, "overlay   {} files in {}", entries.len(), tree.display())?;
    verify(&tree, out)
}

fn verify(tree: &Path, out: &mut dyn Write) -> Result<()> {
    let differences = written::differences(tree)?;
    if differences.is_empty() {
        return Ok(writeln!(out, "verified  every file is as it is recorded")?);
    }
    bail!(
        "{} is not as it was staged:\n{}",
        tree.display(),
        differences.join("\n")
    )
}

async fn sources(options: &StageOptions, out: &mut dyn Write) -> Result<Sources> {
    let k3s = options
        .k3s_binary
        .as_deref()
        .context("no k3s: say --k3s-binary")?;
    let programs = if let Some(dir) = &options.programs {
        PROGRAMS.map(|(program, _)| dir.join(program)).to_vec()
    } else {
        let cargo_home = options.cargo_home.path()?;
        let (smallest, others) = PROGRAMS.split_at(1);
        let mut made = static_programs(&cargo_home, smallest, Build::Smallest).await?;
        made.extend(static_programs(&cargo_home, others, Build::Release).await?);
        made
    };
    let archives = if options.control_plane_image_archive.is_empty() {
        let made = crate::image::image(&ImageOptions::shipped(options.cargo_home.clone()), out).await?;
        vec![made.docker_archive]
    } else {
        options.control_plane_image_archive.clone()
    };
    let mut read = Vec::new();
    for ((name, _), path) in PROGRAMS.iter().zip(&programs) {
        let bytes = content(path)?;
        let is_large = options.programs.is_none() && bytes.len() > GOAL;
        let excess = if is_large {
            format!(", more than the {GOAL} it should have")
        } else {
            String::new()
        };
        writeln!(out, "program   {name} {} bytes{excess}", bytes.len())?;
        read.push(((*name).to_owned(), bytes));
    }
    let image = |path: &PathBuf| {
        let name = path.file_name().context("an archive without a name")?;
        Ok((name.to_string_lossy().into_owned(), content(path)?))
    };
    let images: Vec<_> = archives.iter().map(image).collect::<Result<_>>()?;
    let k3s_images: Vec<_> = options.k3s_images.iter().map(image).collect::<Result<_>>()?;
    for named in [&images, &k3s_images] {
        let names: BTreeSet<_> = named.iter().map(|(name, _)| name).collect();
        ensure!(
            names.len() == named.len(),
            "two archives have the same name, and one would take the other's place"
        );
    }
    Ok(Sources {
        k3s: content(k3s)?,
        programs: read,
        images,
        k3s_images,
        build_timestamp: options.build_timestamp.parse().context("the time of the build")?,
    })
}

/// A file that has something in it.
fn content(path: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    ensure!(!bytes.is_empty(), "{} is empty", path.display());
    Ok(bytes)
}
