//! Small files of the harness.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Writes a file that only we can read: the harness has no reason to make any other.
pub(crate) fn write(file: &Path, content: &[u8]) -> Result<()> {
    File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| open.write_all(content))
        .with_context(|| format!("writing {}", file.display()))
}
