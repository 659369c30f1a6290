//! A state volume without room: what is there stays whole, the operator is told, and setup goes on once
//! there is room again.

use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use appliance_common::names::file;
use appliance_common::state_file::{StateFile, StateFileError};
use appliance_control_plane::setup::run::Run;
use appliance_control_plane::setup::{Setup, SubmitError};
use nix::sys::statvfs::statvfs;
use serde_json::{Value, json};

use crate::scene::{RUN_LIMIT, answers, ended, journal_lines, reading, released, submit};
use crate::site::Site;

/// What a file on the small disk grows by.
const BLOCK: usize = 4096;

/// Room that a state volume needs to pass the checks; it takes memory only as it is used.
const ROOMY: &str = "8g";

/// A file system of its own; it goes with its handle.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it on a directory, if this user may.
    fn on(dir: &Path) -> Result<Option<Self>> {
        let options = format!("size={ROOMY},mode=0750");
        let mounted = system("mount", &["-t", "tmpfs", "-o", &options, "alga-test"], dir)?;
        if !mounted {
            eprintln!("not tested: mounting a file system needs root");
        }
        Ok(mounted.then(|| Self(dir.to_owned())))
    }

    /// Takes away all room that is not used.
    fn fill(&self) -> Result<()> {
        let seen = statvfs(&self.0)?;
        let used = (seen.blocks() - seen.blocks_free()) * seen.fragment_size();
        // For a temporary file system 0 means no limit.
        self.resize(&used.max(u64::try_from(BLOCK)?).to_string())
    }

    fn make_room(&self) -> Result<()> {
        self.resize(ROOMY)
    }

    fn resize(&self, size: &str) -> Result<()> {
        let options = format!("remount,size={size}");
        ensure!(system("mount", &["-o", &options], &self.0)?, "resizing to {size}");
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = system("umount", &["-l"], &self.0);
    }
}

#[expect(clippy::disallowed_methods, reason = "no child of the product")]
fn system(program: &str, args: &[&str], dir: &Path) -> Result<bool> {
    let status = std::process::Command::new(program).args(args).arg(dir).status();
    Ok(status.with_context(|| format!("running {program}"))?.success())
}

fn names_in(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[test]
fn a_document_on_a_full_disk_stays_as_it_was() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let Some(disk) = SmallDisk::on(dir.path())? else {
        return Ok(());
    };
    let file = StateFile::<Value>::at(dir.path().join("state.json"));
    let old = json!({"old": "x".repeat(8192)});
    file.store(&old)?;
    disk.fill()?;
    match file.store(&json!({"new": "y".repeat(8192)})) {
        Err(StateFileError::Unwritable { source, .. }) => assert_eq!(source.kind(), ErrorKind::StorageFull),
        other => panic!("{other:?}"),
    }
    assert_eq!(file.load()?, Some(old));
    assert_eq!(
        names_in(dir.path())?,
        ["state.json"],
        "no part of the new one is left"
    );
    disk.make_room()?;
    file.store(&json!(2))?;
    Ok(())
}

#[tokio::test]
async fn answers_that_do_not_fit_on_the_disk_are_not_taken() -> Result<()> {
    let site = Site::start().await?;
    let Some(disk) = SmallDisk::on(site.volume.dir.path())? else {
        return Ok(());
    };
    let setup = site.open();
    disk.fill()?;
    let refused = setup.submit(&reading(&answers())?).await;
    assert!(matches!(refused, Err(SubmitError::Store(_))), "{refused:?}");
    assert_eq!(names_in(site.volume.dir.path())?, ["update.lock"]);
    disk.make_room()?;
    submit(&setup, &answers()).await?;
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    drop(setup);
    Ok(())
}

#[tokio::test]
async fn a_step_that_finds_the_disk_full_is_blocked_and_goes_through_later() -> Result<()> {
    let site = Site::start().await?;
    let Some(disk) = SmallDisk::on(site.volume.dir.path())? else {
        return Ok(());
    };
    let setup = site.open();
    submit(&setup, &answers()).await?;
    disk.fill()?;
    let view = ended(&setup).await?;
    let Run::Blocked { step, failure } = &view.history.run else {
        bail!("not blocked: {view:?}");
    };
    assert_eq!(
        (step.as_str(), failure.category.as_str()),
        ("preflight", "check-host")
    );
    assert_eq!(failure.code.as_deref(), Some("disk-space-state"), "{failure:?}");
    everything_on_the_disk_is_whole(&site)?;
    released(&site.volume).await?;
    disk.make_room()?;
    submit(&setup, &answers()).await?;
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    drop(setup);
    Ok(())
}

#[tokio::test]
async fn a_run_that_cannot_be_recorded_says_so_and_goes_on_once_there_is_room() -> Result<()> {
    let mut site = Site::start().await?;
    let Some(disk) = SmallDisk::on(site.volume.dir.path())? else {
        return Ok(());
    };
    let setup = stopped_by_the_disk(&mut site, &disk).await?;
    everything_on_the_disk_is_whole(&site)?;
    assert_eq!(
        site.volume.document(file::INSTALL_STATE)?["status"],
        "setup-queued"
    );
    disk.make_room()?;
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    assert_eq!(setup.view().map(|view| view.engine_failure.is_none()), Ok(true));
    drop(setup);
    Ok(())
}

#[tokio::test]
async fn a_run_that_was_killed_on_a_full_disk_resumes_from_what_is_there() -> Result<()> {
    let mut site = Site::start().await?;
    let Some(disk) = SmallDisk::on(site.volume.dir.path())? else {
        return Ok(());
    };
    let setup = stopped_by_the_disk(&mut site, &disk).await?;
    setup.stop();
    drop(setup);
    tokio::task::yield_now().await;
    disk.make_room()?;
    let setup = site.open();
    setup.resume();
    assert_eq!(ended(&setup).await?.history.run, Run::Complete);
    drop(setup);
    Ok(())
}

/// A run whose first event finds no room; the board says so.
async fn stopped_by_the_disk(site: &mut Site, disk: &SmallDisk) -> Result<Setup> {
    site.volume.settings.queue_disabled = true;
    submit(&site.open(), &answers()).await?;
    site.volume.settings.queue_disabled = false;
    // The journal fills its block to the last byte, so that its next line needs another.
    let journal = site.volume.path(file::SETUP_JOURNAL);
    let line = fs::read_to_string(&journal)?;
    let line = line.trim_end().strip_suffix('}').context("no event")?;
    fs::File::create(&journal)?.write_all(format!("{line:<0$}}}\n", BLOCK - 2).as_bytes())?;
    disk.fill()?;

    let setup = site.open();
    setup.resume();
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    let stopped = views.wait_for(|view| view.engine_failure.is_some());
    let view = tokio::time::timeout(RUN_LIMIT, stopped).await??.clone();
    let failure = view.engine_failure.as_ref().context("no failure")?;
    assert_eq!(failure.category, "state-write");
    assert!(failure.suspected_cause.contains("No space left"), "{failure:?}");
    Ok(setup)
}

fn everything_on_the_disk_is_whole(site: &Site) -> Result<()> {
    for line in journal_lines(&site.volume)? {
        serde_json::from_str::<Value>(&line).with_context(|| format!("torn: {line}"))?;
    }
    for name in names_in(site.volume.dir.path())? {
        match Path::new(&name).extension().and_then(OsStr::to_str) {
            Some("tmp") => bail!("{name} is left"),
            Some("json") => drop(site.volume.document(&name)?),
            _ => {}
        }
    }
    Ok(())
}
