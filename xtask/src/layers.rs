//! Who may depend on whom (style guide §3), checked.

mod crates;
mod modules;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::bundle::read_tree;
use crate::{root, runner};

/// `cargo metadata` reads a few files.
const METADATA_LIMIT: Duration = Duration::from_mins(1);

/// The crate whose modules have layers of their own.
const LAYERED: &str = "crates/control-plane/src";

/// Checks the arrows between crates and, inside the control plane, between modules.
///
/// # Errors
/// A forbidden arrow, each on its own line with what to do.
pub async fn check(out: &mut dyn Write) -> Result<()> {
    let argv = [
        "cargo",
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ];
    let metadata = runner::capture(&argv, METADATA_LIMIT).await?;
    let metadata = serde_json::from_slice(&metadata).context("reading what `cargo metadata` says")?;
    let mut forbidden = crates::forbidden(&metadata);
    let files = read_tree(root(), &[LAYERED])?;
    for (path, text) in &files {
        let Ok(inside) = Path::new(path).strip_prefix(LAYERED) else {
            continue;
        };
        let found = modules::forbidden(&inside.to_string_lossy(), text);
        forbidden.extend(found.into_iter().map(|message| format!("{path}:{message}")));
    }
    if forbidden.is_empty() {
        return Ok(writeln!(
            out,
            "layers: {} files, no forbidden arrow",
            files.len()
        )?);
    }
    bail!("{} forbidden arrows:\n{}", forbidden.len(), forbidden.join("\n"))
}
