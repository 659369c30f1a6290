//! State documents of the shipped product, in every status: each leads to a defined end, no password stays
//! on the disk in plain text, and nothing is taken for a fresh box. `docs/shipped-states.md` is this table.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use appliance_common::names::file;
use appliance_common::state_file::replace;
use appliance_control_plane::mode::{InstallMode, Mode};
use appliance_control_plane::setup::run::Run;
use appliance_control_plane::setup::selection::SelectionFile;
use appliance_control_plane::setup::{Refusal, Setup};
use appliance_tests::apply;
use serde_json::{Value, json};

use crate::scene::{RUN_LIMIT, Volume, answers, ended, read_json, reading, released, submit};
use crate::site::Site;

/// In the fixtures' answers.
const SECRETS: [&str; 3] = [
    "C4nary!shipped-Qz81",
    "eyJzdWIiOiJjYW5hcnkiLCJleHAiOjQxMDI0NDQ4MDB9",
    "K7QPM2RX",
];

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Where a box ends up by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Setup goes on with the answers left, to its end.
    Installs,
    /// It waits for other answers, or for another try, which it makes by itself when that can help.
    Blocked { correctable: bool, transient: bool },
    /// It is installed.
    Finished,
    /// It is installed, and says that the record of its release is gone.
    SelectionLost,
    /// It says what cannot be read or understood, and touches nothing.
    Untouched,
}

const TRIES_AGAIN: End = End::Blocked {
    correctable: false,
    transient: true,
};
const TRIED_ENOUGH: End = End::Blocked {
    correctable: false,
    transient: false,
};
const OTHER_ANSWERS: End = End::Blocked {
    correctable: true,
    transient: false,
};

const TABLE: [(&str, End); 44] = [
    ("setup-queued", End::Installs),
    ("preflight-running", End::Installs),
    ("preflight-running-console", OTHER_ANSWERS),
    ("preflight-complete", End::Installs),
    ("preflight-blocked-dns", TRIES_AGAIN),
    ("preflight-blocked-network", TRIES_AGAIN),
    ("preflight-blocked-registry", TRIES_AGAIN),
    ("storage-install-running", End::Installs),
    ("storage-install-complete", End::Installs),
    ("storage-install-blocked", TRIES_AGAIN),
    ("storage-install-blocked-exhausted", TRIED_ENOUGH),
    ("flux-install-running", End::Installs),
    ("flux-install-running-no-inputs", OTHER_ANSWERS),
    ("flux-install-running-no-password", OTHER_ANSWERS),
    ("flux-install-complete", End::Installs),
    ("flux-install-blocked", TRIES_AGAIN),
    ("release-resolve-running", End::Installs),
    ("release-resolve-complete", End::Installs),
    ("release-resolve-blocked", TRIES_AGAIN),
    ("runtime-values-running", End::Installs),
    ("runtime-values-complete", End::Installs),
    ("runtime-values-blocked", TRIES_AGAIN),
    ("runtime-values-blocked-code", OTHER_ANSWERS),
    ("flux-source-running", End::Installs),
    ("flux-source-complete", End::Installs),
    ("flux-source-blocked", TRIES_AGAIN),
    ("release-config-running", End::Installs),
    ("release-config-blocked", TRIES_AGAIN),
    ("setup-blocked", TRIES_AGAIN),
    ("update-interrupted-setup", TRIES_AGAIN),
    ("release-config-running-selected", End::Finished),
    ("release-config-complete", End::Finished),
    ("update-queued", End::Finished),
    ("update-running", End::Finished),
    ("update-complete", End::Finished),
    ("update-blocked", End::Finished),
    ("storage-install-running-update", End::Finished),
    ("release-config-running-update", End::Finished),
    ("release-config-complete-no-selection", End::SelectionLost),
    ("update-complete-no-selection", End::SelectionLost),
    ("newer-version", End::Untouched),
    ("truncated", End::Untouched),
    ("empty", End::Untouched),
    ("no-status", End::Untouched),
];

impl End {
    fn is_open(self) -> bool {
        matches!(self, Self::Installs | Self::Blocked { .. })
    }

    /// The columns of the table: what follows, whether the form is open until then, and the plain secrets.
    fn words(self) -> [&'static str; 3] {
        match self {
            Self::Installs => [
                "goes on by itself with the answers left, to the end",
                "open",
                "sealed, erased at the end",
            ],
            Self::Blocked {
                correctable: true, ..
            } => [
                "blocked: asks for new answers",
                "open",
                "sealed if usable, else erased",
            ],
            Self::Blocked { transient: true, .. } => {
                ["blocked as it was; tried again by itself", "open", "sealed"]
            }
            Self::Blocked { .. } => ["blocked as it was; tried again on request", "open", "sealed"],
            Self::Finished => ["installed; `installedAt` is added", "shut", "erased"],
            Self::SelectionLost => [
                "error; selection rebuilt from the cluster where it is known there",
                "shut",
                "erased",
            ],
            Self::Untouched => [
                "error with the reason; nothing is changed",
                "shut",
                "left, like everything",
            ],
        }
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shipped")
}

/// The fixture's files on a fresh volume, with the lock that the shipped product left behind.
fn lay_out(name: &str, volume: &Volume) -> Result<()> {
    for entry in fs::read_dir(fixtures().join(name))? {
        let path = entry?.path();
        let target = path
            .file_name()
            .and_then(|name| name.to_str())
            .context("a name")?;
        let mut text = fs::read(&path)?;
        if target == file::SETUP_INPUTS
            && let Ok(Value::Object(mut inputs)) = serde_json::from_slice(&text)
        {
            // The disk is this machine's own.
            inputs.insert("waivedChecks".to_owned(), answers()["waivedChecks"].clone());
            text = serde_json::to_vec(&inputs)?;
        }
        replace(&volume.path(target), &text, 0o600)?;
    }
    std::os::unix::fs::symlink("4711", volume.path(file::STORAGE_LOCK))?;
    Ok(())
}

/// Files of the volume that hold a secret in plain text.
fn plain(volume: &Volume) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(volume.dir.path())? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let text = match fs::read(entry.path()) {
            Ok(text) => String::from_utf8_lossy(&text).into_owned(),
            // The other half of a write: its new name is looked at, too.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        if SECRETS.iter().any(|secret| text.contains(secret)) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(found)
}

async fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let looked = async {
        while !holds()? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(RUN_LIMIT, looked)
        .await
        .with_context(|| format!("{what}: not in time"))?
}

/// One box: what it says at first, what it does by itself, what it then says.
async fn check(site: &Site, name: &str, end: End) -> Result<()> {
    let volume = &site.volume;
    lay_out(name, volume)?;
    let before = fs::read(volume.path(file::INSTALL_STATE))?;
    let mode = InstallMode::at(volume.settings.state_file.clone());
    ensure!(mode.read().mode == Mode::Status, "it is taken for a fresh box");
    let setup = site.open();
    ensure!(
        setup.is_editable() == end.is_open(),
        "the form: {:?}",
        setup.check_accepts().err()
    );
    setup.resume();
    match end {
        End::Installs => installs(volume, &setup, &before).await?,
        End::Blocked {
            correctable,
            transient,
        } => {
            is_blocked(volume, &setup, correctable, transient).await?;
            new_answers_help(volume, &setup, name).await?;
        }
        End::Finished => is_finished(volume, &setup, &before).await?,
        End::SelectionLost | End::Untouched => says_why(volume, &setup, &before).await?,
    }
    if end != End::Untouched {
        ensure!(plain(volume)?.is_empty(), "in plain text: {:?}", plain(volume)?);
    }
    ensure!(!volume.path("4711").exists(), "the old lock was followed");
    setup.stop();
    Ok(())
}

async fn installs(volume: &Volume, setup: &Setup, before: &[u8]) -> Result<()> {
    let run = ended(setup).await?.history.run.clone();
    ensure!(run == Run::Complete, "{run:?}");
    until("the secrets are gone", || {
        Ok(setup.stored_inputs().is_some_and(|s| s.sealed.is_none()))
    })
    .await?;
    released(volume).await?;
    let kept = volume.document("install-state.shipped.json")?;
    ensure!(
        kept == serde_json::from_slice::<Value>(before)?,
        "the shipped document is lost"
    );
    let inputs = volume.document(file::SETUP_INPUTS)?;
    ensure!(
        inputs["keptBySomebody"] == "yes",
        "an unknown key is lost: {inputs:#}"
    );
    ensure!(
        volume.document(file::RELEASE_SELECTION)?["installedAt"].is_string(),
        "not installed"
    );
    Ok(())
}

async fn is_blocked(volume: &Volume, setup: &Setup, correctable: bool, transient: bool) -> Result<()> {
    let Run::Blocked { failure, .. } = ended(setup).await?.history.run.clone() else {
        bail!("it went on");
    };
    ensure!(failure.correctable == correctable, "{failure:#?}");
    ensure!(failure.transient == transient, "{failure:#?}");
    let state = volume.document(file::INSTALL_STATE)?;
    ensure!(
        state["failure"]["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty()),
        "{state:#}"
    );
    released(volume).await?;
    ensure!(
        setup.is_editable(),
        "no way on: {:?}",
        setup.check_accepts().err()
    );
    ensure!(plain(volume)?.is_empty(), "in plain text: {:?}", plain(volume)?);

    Ok(())
}

async fn new_answers_help(volume: &Volume, setup: &Setup, name: &str) -> Result<()> {
    submit(setup, &answers()).await?;
    let run = ended(setup).await?.history.run.clone();
    ensure!(run == Run::Complete, "new answers do not help: {run:?}");
    released(volume).await?;
    let inputs = volume.document(file::SETUP_INPUTS)?;
    let had_inputs = fixtures().join(name).join(file::SETUP_INPUTS).exists();
    ensure!(
        !had_inputs || inputs["keptBySomebody"] == "yes",
        "an unknown key is lost: {inputs:#}"
    );
    Ok(())
}

async fn is_finished(volume: &Volume, setup: &Setup, before: &[u8]) -> Result<()> {
    let selection = SelectionFile::at(&volume.settings.selection_file);
    until("it counts as installed", || {
        Ok(selection.load()?.is_some_and(|s| s.installed_at.is_some()))
    })
    .await?;
    ensure!(setup.check_accepts().err() == Some(Refusal::Finished));
    ensure!(
        fs::read(volume.path(file::INSTALL_STATE))? == before,
        "the state document was changed"
    );
    let selected = volume.document(file::RELEASE_SELECTION)?;
    ensure!(
        selected["keptBySomebody"] == "yes",
        "an unknown key is lost: {selected:#}"
    );
    let inputs = volume.document(file::SETUP_INPUTS)?;
    ensure!(
        inputs["keptBySomebody"] == "yes",
        "an unknown key is lost: {inputs:#}"
    );
    Ok(())
}

async fn says_why(volume: &Volume, setup: &Setup, before: &[u8]) -> Result<()> {
    let says = || match setup.view() {
        Ok(view) => view.engine_failure.is_some(),
        Err(_) => true,
    };
    until("it says why", || Ok(says() || setup.install_state().is_err())).await?;
    ensure!(matches!(setup.check_accepts(), Err(Refusal::StateUnreadable(_))));
    ensure!(
        setup.submit(&reading(&answers())?).await.is_err(),
        "answers are taken"
    );
    ensure!(
        fs::read(volume.path(file::INSTALL_STATE))? == before,
        "the state document was changed"
    );
    Ok(())
}

#[tokio::test]
async fn every_state_of_the_shipped_product_has_its_continuation() -> Result<()> {
    let mut site = Site::start().await?;
    for (name, end) in TABLE {
        // What the start makes of each state is looked at, not what is tried later.
        site.volume.settings.retry.policy.enabled = false;
        check(&site, name, end).await.with_context(|| name.to_owned())?;
        site.clear().await?;
        site.new_volume().await?;
    }
    Ok(())
}

#[test]
fn the_table_has_every_fixture_and_is_what_the_documentation_shows() -> Result<()> {
    let mut there = BTreeSet::new();
    for entry in fs::read_dir(fixtures())? {
        there.insert(entry?.file_name().to_string_lossy().into_owned());
    }
    let known: BTreeSet<_> = TABLE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(there, known);
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/shipped-states.md"))?;
    let mut rows = String::new();
    for (name, end) in TABLE {
        let dir = fixtures().join(name);
        let status = read_json(&dir.join(file::INSTALL_STATE)).unwrap_or(json!({}));
        let status = status["status"].as_str().unwrap_or("—").to_owned();
        let has = |name: &str| if dir.join(name).exists() { "yes" } else { "no" };
        let (inputs, selection) = (has(file::SETUP_INPUTS), has(file::RELEASE_SELECTION));
        let [follows, form, secrets] = end.words();
        writeln!(
            rows,
            "| `{name}` | `{status}` | {inputs} | {selection} | {follows} | {form} | {secrets} |"
        )?;
    }
    assert!(
        page.contains(&rows),
        "docs/shipped-states.md should have:\n{rows}"
    );
    Ok(())
}

#[tokio::test]
async fn a_cut_between_the_sealed_answers_and_the_journal_loses_nothing() -> Result<()> {
    let mut site = Site::start().await?;
    site.volume.settings.queue_disabled = true;
    lay_out("flux-install-running", &site.volume)?;
    let shipped = fs::read(site.volume.path(file::INSTALL_STATE))?;
    let setup = site.open();
    setup.resume();
    let journal = site.volume.path(file::SETUP_JOURNAL);
    until("it is taken up", || {
        Ok(fs::metadata(&journal).is_ok_and(|file| file.len() > 0))
    })
    .await?;
    released(&site.volume).await?;
    drop(setup);
    fs::remove_file(&journal)?;
    replace(&site.volume.path(file::INSTALL_STATE), &shipped, 0o600)?;
    site.volume.settings.queue_disabled = false;
    let setup = site.open();
    setup.resume();
    let run = ended(&setup).await?.history.run.clone();
    assert_eq!(run, Run::Complete);
    Ok(())
}

#[tokio::test]
async fn answers_wait_for_the_cluster_that_keeps_their_key() -> Result<()> {
    let site = Site::start().await?;
    lay_out("storage-install-running", &site.volume)?;
    site.cluster.pause_api()?;
    let setup = site.open();
    setup.resume();
    until("it says what it waits for", || {
        let progress = setup.view().ok().and_then(|view| view.progress.clone());
        Ok(progress.is_some_and(|line| line.contains("waiting for the cluster")))
    })
    .await?;
    assert_eq!(
        plain(&site.volume)?,
        [file::SETUP_INPUTS],
        "nothing is erased before it is sealed"
    );
    site.cluster.resume_api()?;
    let run = ended(&setup).await?.history.run.clone();
    assert_eq!(run, Run::Complete);
    Ok(())
}

#[tokio::test]
async fn a_lost_selection_is_found_in_the_cluster() -> Result<()> {
    let site = Site::start().await?;
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "appliance-release-selection", "namespace": "alga-system"},
        "data": {"releaseVersion": "1.4.2", "selectedChannel": "nightly", "registryHost": "ghcr.io",
                 "repository": "nine-minds/alga-appliance-release", "manifestDigest": "", "supportAgent": ""},
    });
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "alga-system"}});
    apply::yaml(&site.client, "kubectl", "default", &namespace.to_string()).await?;
    apply::yaml(&site.client, "kubectl", "default", &map.to_string()).await?;
    lay_out("release-config-complete-no-selection", &site.volume)?;
    let setup = site.open();
    setup.resume();
    until("it is found", || {
        Ok(setup.check_accepts().err() == Some(Refusal::Finished))
    })
    .await?;
    let selection = site.volume.document(file::RELEASE_SELECTION)?;
    assert_eq!(selection["selectedChannel"], "nightly");
    assert_eq!(selection["runtime"]["appHostname"], "https://psa.example.test");
    assert_eq!(selection["installedAt"], "2025-11-03T09:14:27.512Z");
    Ok(())
}
