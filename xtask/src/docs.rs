//! Pages of `docs/` that are made from code, so that they cannot disagree with it.

use std::fmt::Write as _;
use std::io::Write;

use anyhow::{Context, Result, bail};
use appliance_common::preflight::{Check, Severity, catalogue};
use appliance_common::readiness::{self, Entry};
use appliance_common::state_file::replace;
use clap::Args;

use crate::root;

/// Below the checkout.
const PREFLIGHT: &str = "docs/preflight.md";
const BLOCKERS: &str = "docs/blockers.md";
const ANALYZERS: &str = "docs/analyzers.md";
const OPENAPI: &str = "docs/openapi.json";
const MODE: u32 = 0o644;

const HEAD: &str = "# Preflight checks

Made by `cargo xtask docs` from `crates/common/src/preflight/checks/`; do not edit.

`block` stops an install until it is mended, or waived with `waivedChecks: [\"id\"]` among the answers;
`strict` cannot be waived; `warn` is only shown. What could not be measured is `unknown`: it is never a
pass, and stops nothing. Inside a container, readings of the host are hints and do not stop an install.
The ids are shared with the analyzers of the support bundle and the blockers of the status page.

`POST /api/setup/preflight` (signed in) runs them and writes nothing, `GET` gives the last report with its
age. What one run said: [examples/preflight.json](examples/preflight.json).

| Id | Group | Severity | What is checked | Why | What to do | By itself |
|---|---|---|---|---|---|---|
";

const BLOCKERS_HEAD: &str = "# Blockers of the status page

Made by `cargo xtask docs` from `crates/common/src/readiness/catalogue/`; do not edit.

A blocker is told while the state of an object shows it; events only explain it. It is `critical` exactly
while users cannot log in and it holds that up, `background` where only background services suffer, and
`warning` otherwise. Where several are equally bad, a cause stands before what follows from it; else the
order is that of this table. The ids are shared with preflight checks and the support bundle.

| Id | Layer | When it is told | What it means | What to do |
|---|---|---|---|---|
";

const ANALYZERS_HEAD: &str = "# Analyzers of the support bundle

Made by `cargo xtask docs` from `crates/support-bundle/src/analyze/`; do not edit.

Each looks at files of the bundle alone, so that an archive can be judged again (`alga-support-bundle analyze`). They
stand in the order of causes: `analysis.txt` puts failures before warnings, and among equals what is first here. One
whose file is not there says nothing. The ids are shared with preflight checks and the blockers of the status page.

| Id | What is wrong | Looked for in | What to do |
|---|---|---|---|
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
    for (name, text) in [
        (PREFLIGHT, preflight()),
        (BLOCKERS, blockers()),
        (ANALYZERS, analyzers()),
        (OPENAPI, appliance_control_plane::http::openapi()),
    ] {
        if options.check {
            compare(name, &text)?;
        } else {
            replace(&root().join(name), text.as_bytes(), MODE).with_context(|| format!("writing {name}"))?;
        }
        writeln!(out, "docs: {name}, {} lines", text.lines().count())?;
    }
    Ok(())
}

fn compare(page: &str, text: &str) -> Result<()> {
    let current = std::fs::read_to_string(root().join(page)).with_context(|| format!("reading {page}"))?;
    if current != text {
        bail!("{page} is out of date: run `cargo xtask docs` and commit what it writes");
    }
    Ok(())
}

fn blockers() -> String {
    readiness::catalogue().fold(BLOCKERS_HEAD.to_owned(), |mut page, entry| {
        let Entry {
            id,
            layer,
            when,
            meaning,
            next,
        } = entry;
        let cells = [when, meaning, next].map(|text| text.replace('|', "\\|"));
        let _ = writeln!(page, "| `{id}` | {} | {} |", layer.as_str(), cells.join(" | "));
        page
    })
}

fn analyzers() -> String {
    appliance_control_plane::analyzers().fold(
        ANALYZERS_HEAD.to_owned(),
        |mut page, [id, title, needs, next]| {
            let [title, next] = [title, next].map(|text| text.replace('|', "\\|"));
            let _ = writeln!(page, "| `{id}` | {title} | `{needs}` | {next} |");
            page
        },
    )
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
    fn each_entry_is_one_row_with_all_its_cells() {
        let pages = [
            (preflight(), catalogue().count(), 8),
            (blockers(), readiness::catalogue().count(), 6),
        ];
        for (page, entries, bars) in pages {
            let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| `")).collect();
            assert_eq!(rows.len(), entries);
            for row in rows {
                let (all, escaped) = (row.matches('|').count(), row.matches("\\|").count());
                assert_eq!(all - escaped, bars, "{row}");
            }
        }
    }
}
