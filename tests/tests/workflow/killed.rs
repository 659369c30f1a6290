//! The engine is killed after every journal write in turn, and the next start brings the install to the
//! same end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_common::state_file::StateFile;
use appliance_control_plane::setup::projection::COMPLETE_STATUS;
use appliance_control_plane::setup::run::Run;
use appliance_tests::releases;
use serde_json::{Value, json};

use crate::objects::{self, lasting, ours};
use crate::scene::{RUN_LIMIT, answers, ended, journal_lines, killed_at, released, submit};
use crate::site::{Site, VERSION};

/// What the power cut did to the last journal line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// It reached the disk.
    AfterTheWrite,
    /// It is half there, and the state document has not heard of it: what it tells of was done.
    InTheWrite,
    /// It reached the disk, and the state document made of it did not.
    BeforeTheDocument,
}

/// Everything an install leaves, without times and random values: cluster, documents, names of files.
type End = BTreeMap<&'static str, Value>;

#[tokio::test]
async fn an_engine_that_is_killed_after_any_journal_write_resumes_to_the_same_end() -> Result<()> {
    let mut site = Site::start().await?;
    let setup = site.open();
    submit(&setup, &answers()).await?;
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    answers_are_forgotten(&site).await?;
    drop(setup);
    let undisturbed = end(&site).await?;
    let lines = journal_lines(&site.volume)?;
    assert!(lines.len() > 2 * 12, "{lines:#?}");

    let started = Instant::now();
    for (count, line) in lines.iter().enumerate().map(|(index, line)| (index + 1, line)) {
        for cut in [Cut::AfterTheWrite, Cut::InTheWrite, Cut::BeforeTheDocument] {
            let is_worth_a_round = match cut {
                Cut::AfterTheWrite => true,
                // Before the submission is recorded nobody was told that it was taken.
                Cut::InTheWrite => line.contains("step-done") || line.contains("completed"),
                // Any later line makes the document anew.
                Cut::BeforeTheDocument => line.contains("completed"),
            };
            if !is_worth_a_round {
                continue;
            }
            let round = round(&mut site, count, cut).await;
            let round = round.with_context(|| format!("{cut:?} of line {count}: {line}"))?;
            for (part, found) in &round {
                assert_eq!(
                    found, &undisturbed[part],
                    "{part} after {cut:?} of line {count}: {line}"
                );
            }
        }
    }
    eprintln!(
        "{} journal lines, all rounds in {:?}",
        lines.len(),
        started.elapsed()
    );
    Ok(())
}

#[tokio::test]
async fn a_channel_that_moves_during_a_run_does_not_change_what_is_installed() -> Result<()> {
    let site = Site::start().await?;
    // Submitted, run started, preflight started and done.
    killed_at(&site.volume, 4).await?;
    let next = releases::manifest(&site.registry.host(), "2.0.0");
    site.publish("stable", &next).await?;
    let setup = site.open();
    setup.resume();
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    let selection = site.volume.document(file::RELEASE_SELECTION)?;
    assert_eq!(selection["selectedReleaseVersion"], VERSION);
    Ok(())
}

/// One install that is killed once its journal has `count` lines, and resumed.
async fn round(site: &mut Site, count: usize, cut: Cut) -> Result<End> {
    site.clear().await?;
    site.new_volume().await?;
    killed_at(&site.volume, count).await?;
    match cut {
        Cut::AfterTheWrite => {}
        Cut::InTheWrite => tear_the_last_line(site)?,
        Cut::BeforeTheDocument => take_back_the_document(site)?,
    }
    let before = objects::secrets(&ours(&site.client).await?);

    let setup = site.open();
    setup.resume();
    let run = ended(&setup).await?.history.run.clone();
    ensure!(
        run == Run::Complete,
        "{:#}",
        site.volume.document(file::INSTALL_STATE)?
    );
    answers_are_forgotten(site).await?;
    let document = site.volume.document(file::INSTALL_STATE)?;
    ensure!(document["status"] == COMPLETE_STATUS, "{document:#}");
    let after = objects::secrets(&ours(&site.client).await?);
    for (name, secret) in before {
        ensure!(
            after.get(&name) == Some(&secret),
            "{name} was changed by the resumed run"
        );
    }
    end(site).await
}

fn tear_the_last_line(site: &Site) -> Result<()> {
    let path = site.volume.path(file::SETUP_JOURNAL);
    let text = fs::read(&path)?;
    let last = journal_lines(&site.volume)?.pop().context("an empty journal")?;
    let torn = text.len() - last.len() / 2;
    fs::OpenOptions::new()
        .write(true)
        .open(&path)?
        .set_len(torn as u64)?;
    Ok(())
}

fn take_back_the_document(site: &Site) -> Result<()> {
    let mut document = site.volume.document(file::INSTALL_STATE)?;
    document["status"] = "release-config-running".into();
    StateFile::at(site.volume.path(file::INSTALL_STATE)).store(&document)?;
    Ok(())
}

/// After its last journal line a run takes the sealed answers off the disk, or else the next start does.
async fn answers_are_forgotten(site: &Site) -> Result<()> {
    let forgotten = async {
        while site.volume.document(file::SETUP_INPUTS)?.get("sealed").is_some() {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    let forgotten = tokio::time::timeout(RUN_LIMIT, forgotten).await;
    forgotten.context("the sealed answers stay on the disk")??;
    released(&site.volume).await
}

async fn end(site: &Site) -> Result<End> {
    let without = |name: &str, keys: &[&str]| -> Result<Value> {
        let mut document = site.volume.document(name)?;
        let fields = document.as_object_mut().context("not an object")?;
        for key in keys {
            ensure!(fields.remove(*key).is_some(), "{name} has no {key}");
        }
        Ok(document)
    };
    let mut files = BTreeSet::new();
    for file in fs::read_dir(site.volume.dir.path())? {
        files.insert(file?.file_name().to_string_lossy().into_owned());
    }
    // Whether the selection was written twice is all its backup tells.
    files.remove("release-selection.json.bak");
    let mut metadata = without(file::MAINTENANCE_METADATA, &["updatedAt"])?;
    for entry in metadata["history"].as_array_mut().context("no history")? {
        entry["at"].take();
    }
    let mut state = without(file::INSTALL_STATE, &["updatedAt", "run"])?;
    state["releaseSelection"]["file"].take();
    state["preflight"]["checkedAt"].take();
    // What is measured of the disk changes with what else this machine does.
    let checks = state["preflight"]["checks"].as_array_mut();
    for check in checks.context("no checks")? {
        check["measured"].take();
    }
    for step in state["steps"].as_array_mut().context("no steps")? {
        for key in ["attempt", "startedAt", "finishedAt", "summary"] {
            step[key].take();
        }
    }
    let inputs = site.volume.document(file::SETUP_INPUTS)?;
    ensure!(
        inputs.get("sealed").is_none(),
        "the sealed answers are still there"
    );
    let selection = without(file::RELEASE_SELECTION, &["updatedAt", "installedAt"])?;
    Ok(End::from([
        ("objects", json!(lasting(&ours(&site.client).await?))),
        ("files", json!(files)),
        ("selection", selection),
        ("metadata", metadata),
        ("state", state),
    ]))
}
