//! What an install leaves, without times and random values: the same whatever went wrong on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use appliance_common::clock::Clock;
use appliance_common::names::file;
use appliance_common::state_file::{FileLock, LockError};
use appliance_control_plane::setup::journal::Journal;
use appliance_control_plane::setup::projection::COMPLETE_STATUS;
use appliance_control_plane::setup::run::Run;
use kube::Client;
use serde_json::{Value, json};

use super::objects::{lasting, ours};

/// The parts of an end, by name.
pub(super) type End = BTreeMap<String, Value>;

/// Keys that tell of a moment or of one attempt.
const MOMENTARY: [&str; 8] = [
    "at",
    "attempt",
    "finishedAt",
    "installedAt",
    "run",
    "startedAt",
    "summary",
    "updatedAt",
];

/// Files whose presence tells only how often something was written.
const INCIDENTAL: [&str; 2] = ["auto-retry-state.json", "release-selection.json.bak"];

/// How much of a part that differs is shown.
const SHOWN: usize = 1000;

/// What is there once an install is complete and its control plane is closed.
///
/// # Errors
/// What is not as it must be after every install.
pub(super) async fn of(client: &Client, volume: &Path) -> Result<End> {
    let journal = Journal::open(&volume.join(file::SETUP_JOURNAL), Clock::system());
    let run = journal
        .context("the journal cannot be read")?
        .history()
        .run
        .clone();
    ensure!(run == Run::Complete, "the journal tells of {run:?}");
    let state = document(volume, file::INSTALL_STATE)?;
    ensure!(
        state["status"] == COMPLETE_STATUS,
        "the state document says {}",
        state["status"]
    );
    ensure!(
        !has_sealed_answers(volume)?,
        "the sealed answers are still on the disk"
    );
    ensure!(!is_locked(volume), "the appliance is still locked");
    let selection = document(volume, file::RELEASE_SELECTION)?;
    ensure!(
        selection["installedAt"].is_string(),
        "the selection does not count as installed"
    );
    let mut end: End = lasting(&ours(client).await?);
    end.insert("files".to_owned(), json!(files(volume)?));
    end.insert("selection".to_owned(), without_moments(selection));
    end.insert("steps".to_owned(), without_moments(state["steps"].clone()));
    Ok(end)
}

/// The names of the parts that differ.
pub(super) fn differences(found: &End, undisturbed: &End) -> Vec<String> {
    let names: BTreeSet<&String> = found.keys().chain(undisturbed.keys()).collect();
    let differs = |name: &&String| found.get(*name) != undisturbed.get(*name);
    let told = |name: &String| {
        let part = |end: &End| {
            let part = end
                .get(name)
                .map_or_else(|| "absent".to_owned(), Value::to_string);
            part.chars().take(SHOWN).collect::<String>()
        };
        format!("{name} is {}, undisturbed {}", part(found), part(undisturbed))
    };
    names.into_iter().filter(differs).map(told).collect()
}

/// Whether secrets of the operator are still in the stored answers.
pub(super) fn has_sealed_answers(volume: &Path) -> Result<bool> {
    Ok(document(volume, file::SETUP_INPUTS)?.get("sealed").is_some())
}

/// Whether somebody works on the appliance. A lock that cannot be opened at all is nobody's.
pub(super) fn is_locked(volume: &Path) -> bool {
    let lock = FileLock::try_acquire(&volume.join(file::UPDATE_LOCK), "fault harness");
    matches!(lock, Err(LockError::Held { .. }))
}

fn document(volume: &Path, name: &str) -> Result<Value> {
    let text = std::fs::read(volume.join(name)).with_context(|| format!("reading {name}"))?;
    serde_json::from_slice(&text).with_context(|| format!("{name} is no JSON"))
}

fn files(volume: &Path) -> Result<BTreeSet<String>> {
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(volume)? {
        files.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    files.retain(|name| !INCIDENTAL.contains(&name.as_str()));
    Ok(files)
}

fn without_moments(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(key, _)| !MOMENTARY.contains(&key.as_str()))
            .map(|(key, value)| (key, without_moments(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_moments).collect(),
        other => other,
    }
}
