//! The pages of a directory, read once at start. Links and hidden files are left alone.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::file::File;
use super::{Index, SHELL};

/// Most files, bytes and levels of a directory of pages.
const MAX_FILES: usize = 5_000;
const MAX_BYTES: u64 = 64 * 1024 * 1024;
const MAX_DEPTH: usize = 16;

/// Why a directory cannot serve as pages.
#[derive(Debug, thiserror::Error)]
pub(super) enum DirectoryError {
    /// Something in it cannot be read.
    #[error("reading {path}")]
    Read {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no directory of pages.
    #[error("{dir} has no index.html")]
    NoShell {
        /// Which.
        dir: PathBuf,
    },
    /// It is more than pages.
    #[error("{dir} has more than {MAX_FILES} files, {MAX_BYTES} bytes or {MAX_DEPTH} levels")]
    TooMuch {
        /// Which.
        dir: PathBuf,
    },
}

/// Every file below `dir`, by its path. `x.gz` beside `x` is its compressed form.
///
/// # Errors
/// [`DirectoryError`].
pub(super) fn index(dir: &Path) -> Result<Index, DirectoryError> {
    let mut found = Found::default();
    found.walk(dir, dir, MAX_DEPTH)?;
    let compressed: HashMap<_, _> = found
        .files
        .iter()
        .filter_map(|(path, content)| Some((path.strip_suffix(".gz")?, content)))
        .collect();
    let mut index = Index::new();
    for (path, content) in &found.files {
        let gzip = compressed.get(path.as_str()).copied().cloned();
        let file = File::new(path, &tag(content), content.clone(), gzip);
        index.insert(path.clone().into(), file);
    }
    if index.contains_key(SHELL) {
        Ok(index)
    } else {
        Err(DirectoryError::NoShell { dir: dir.to_owned() })
    }
}

#[derive(Default)]
struct Found {
    files: Vec<(String, Bytes)>,
    bytes: u64,
}

impl Found {
    fn walk(&mut self, root: &Path, dir: &Path, depth: usize) -> Result<(), DirectoryError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| DirectoryError::Read { path, source }
        };
        let too_much = || DirectoryError::TooMuch { dir: root.to_owned() };
        let depth = depth.checked_sub(1).ok_or_else(too_much)?;
        for entry in std::fs::read_dir(dir).map_err(failed(dir))? {
            let path = entry.map_err(failed(dir))?.path();
            let Some(name) = name_below(root, &path) else {
                continue;
            };
            let kind = path.symlink_metadata().map_err(failed(&path))?;
            if kind.is_dir() {
                self.walk(root, &path, depth)?;
            } else if kind.is_file() {
                self.bytes += kind.len();
                if self.files.len() >= MAX_FILES || self.bytes > MAX_BYTES {
                    return Err(too_much());
                }
                let content = std::fs::read(&path).map_err(failed(&path))?;
                self.files.push((name, content.into()));
            }
        }
        Ok(())
    }
}

/// `/a/b.js` for a file below `root`; nothing for hidden ones and for names that are not text.
fn name_below(root: &Path, path: &Path) -> Option<String> {
    let hidden = path.file_name()?.to_str()?.starts_with('.');
    let name = path.strip_prefix(root).ok()?.to_str()?;
    (!hidden).then(|| format!("/{name}"))
}

/// Tells one content from another; it guards a cache, not against forgery.
fn tag(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
