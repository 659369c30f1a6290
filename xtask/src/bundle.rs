//! The Flux bundle: read from `flux/`, rendered with a release's pins, checked, packed.

pub mod chart;
mod command;
pub mod lint;
pub mod lock;
pub mod pack;
pub mod render;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

pub use command::{BundleCommand, Checked, Sources};

/// Largest file of a bundle or a chart: the limit of one profile's values (10 §4.2).
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// Text files by their path below the root, `/`-separated, in the order of their bytes.
pub type Files = BTreeMap<String, String>;

/// Reads every file below `root/dir`, for each of `dirs`.
///
/// # Errors
/// A directory that cannot be read, anything that is neither a directory nor a plain text file, a
/// file over the limit.
pub fn read_tree(root: &Path, dirs: &[&str]) -> Result<Files> {
    let mut files = Files::new();
    for dir in dirs {
        read_dir(root, dir, &mut files)?;
    }
    Ok(files)
}

fn read_dir(root: &Path, dir: &str, files: &mut Files) -> Result<()> {
    let path = root.join(dir);
    for entry in fs::read_dir(&path).with_context(|| format!("reading directory {}", path.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name
            .to_str()
            .with_context(|| format!("{}: the file name is not text", entry.path().display()))?;
        let below = if dir == "." {
            name.to_owned()
        } else {
            format!("{dir}/{name}")
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            read_dir(root, &below, files)?;
        } else if kind.is_file() {
            files.insert(below, read_text(&entry.path())?);
        } else {
            bail!(
                "{}: links and devices cannot be published; put the file itself there",
                entry.path().display()
            );
        }
    }
    Ok(())
}

fn read_text(path: &Path) -> Result<String> {
    let size = fs::metadata(path)
        .with_context(|| format!("reading {}", path.display()))?
        .len();
    ensure!(
        size <= MAX_FILE_BYTES,
        "{} has {size} bytes; at most {MAX_FILE_BYTES} are published",
        path.display()
    );
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}
