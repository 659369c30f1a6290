//! To where it is shown. Each place is tried whatever became of the others.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use appliance_common::state_file;

use super::block;
use super::facts::Facts;
use super::text::{Reader, render};
use crate::consoles::Consoles;

/// Where it is shown.
#[derive(Debug, Clone)]
pub(super) struct Targets {
    pub(super) issue: PathBuf,
    pub(super) motd: PathBuf,
    pub(super) run: PathBuf,
    pub(super) consoles: Consoles,
}

/// A place where it is not shown.
#[derive(Debug, thiserror::Error)]
#[error("showing it in {}", path.display())]
pub(super) struct NotShown {
    path: PathBuf,
    source: io::Error,
}

/// Shows it in all places, and says which ones failed.
pub(super) fn everywhere(targets: &Targets, facts: &Facts) -> Vec<NotShown> {
    let (local, anybody) = (render(facts, Reader::Local), render(facts, Reader::Anybody));
    let mut shown = files(targets, &local, &anybody);
    let mut out = io::stdout().lock();
    let said = write!(out, "{anybody}");
    shown.push((PathBuf::from("standard output"), said));
    shown.extend(targets.consoles.show(&local));
    failed(shown)
}

/// Shows it in the files only, where each login finds it.
pub(super) fn in_files(targets: &Targets, facts: &Facts) -> Vec<NotShown> {
    failed(files(
        targets,
        &render(facts, Reader::Local),
        &render(facts, Reader::Anybody),
    ))
}

fn files(targets: &Targets, local: &str, anybody: &str) -> Vec<(PathBuf, io::Result<()>)> {
    vec![
        (targets.issue.clone(), in_block(&targets.issue, anybody)),
        (targets.motd.clone(), in_block(&targets.motd, anybody)),
        // Root's alone: it has the token, as long as there is one.
        (targets.run.clone(), in_whole(&targets.run, local, 0o600)),
    ]
}

fn failed(shown: Vec<(PathBuf, io::Result<()>)>) -> Vec<NotShown> {
    let failed = shown.into_iter().filter_map(|(path, shown)| {
        let source = shown.err()?;
        Some(NotShown { path, source })
    });
    failed.collect()
}

fn in_block(path: &Path, text: &str) -> io::Result<()> {
    let there = match fs::read(path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    in_whole(path, &block::with(&there, text), 0o644)
}

/// Written only when it differs: a boot that finds everything as it should be writes nothing.
fn in_whole(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let is_so = fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes())
        && fs::symlink_metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o777 == mode);
    if is_so {
        return Ok(());
    }
    state_file::replace(path, text.as_bytes(), mode)
}
