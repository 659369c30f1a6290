//! Pages of `docs/` that are made from code, so that they cannot disagree with it.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::{Context, Result, bail};
use appliance_common::preflight::{Check, Severity, catalogue};
use appliance_common::state_file::replace;
use clap::Args;

use crate::root;

/// Below the checkout.
const PREFLIGHT: &str = "docs/preflight.md";
const OPENAPI: &str = "docs/openapi.json";
const MODE: u32 = 0o644;

const HEAD: &str = "# Preflight checks

Made by `cargo xtask docs` from `crates/common/src/preflight/checks/`; do not edit.

`block` stops an install until it is mended, or waived with `waivedChecks: [\"id\"]` among the answers;
`strict` cannot be waived; `warn` is only shown. What could not be measured is `unknown`: it is never a
pass, and stops nothing. Inside a container, readings of the host are hints and do not stop an install.
The ids are shared with the analyzers of the support bundle and the blockers of the status page.

| Id | Group | Severity | What is checked | Why | What to do | By itself |
|---|---|---|---|---|---|---|
";

/// How `cargo xtask docs` runs.
#[derive(Debug, Args)]
pub struct Docs {
    /// Change nothing; fail when a page is not as it would be made now
    #[arg(long)]
    pub check: bool,
}

/// Makes the pages, or checks that they are current.
///
/// # Errors
/// A page that cannot be written, or is out of date.
pub fn docs(options: &Docs, out: &mut dyn Write) -> Result<()> {
    for (name, page) in [
        (PREFLIGHT, preflight()),
        (OPENAPI, appliance_control_plane::http::openapi()),
    ] {
        made(options, name, &page)?;
        writeln!(out, "docs: {name}, {} lines", page.lines().count())?;
    }
    Ok(())
}

fn made(options: &Docs, name: &str, page: &str) -> Result<()> {
    let path = root().join(name);
    if !options.check {
        return replace(&path, page.as_bytes(), MODE).with_context(|| format!("writing {name}"));
    }
    let current = std::fs::read_to_string(&path).with_context(|| format!("reading {name}"))?;
    if current != page {
        bail!("{name} is out of date: run `cargo xtask docs` and commit what it writes");
    }
    Ok(())
}

fn preflight() -> String {
    catalogue().fold(HEAD.to_owned(), |mut page, check| {
        let severity = severity(check);
        let Check {
            id,
            group,
            title,
            why,
            fix,
            ..
        } = check;
        let automatic = check.automatic_fix.unwrap_or("–");
        let group = group.as_str();
        let cells = [title, why, fix, automatic].map(|text| text.replace('|', "\\|"));
        let _ = writeln!(page, "| `{id}` | {group} | {severity} | {} |", cells.join(" | "));
        page
    })
}

fn severity(check: &Check) -> &'static str {
    match (check.strict, check.severity) {
        (true, _) => "strict",
        (false, Severity::Block) => "block",
        (false, Severity::Warn) => "warn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_is_one_row_with_seven_cells() {
        let page = preflight();
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(rows.len(), catalogue().count());
        for row in rows {
            let (all, escaped) = (row.matches('|').count(), row.matches("\\|").count());
            assert_eq!(all - escaped, 8, "{row}");
        }
    }
}
