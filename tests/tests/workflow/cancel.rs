//! An operator stops a run: at whatever step, it stays stopped until somebody starts it again.

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_control_plane::setup::run::Run;
use appliance_control_plane::setup::{ControlError, Setup};

use crate::scene::{RUN_LIMIT, answers, ended, journal_lines, released, submit};
use crate::site::Site;

/// Submits, and cancels once the journal has `count` lines. Says whether there was still a run.
async fn cancelled_at(site: &Site, setup: &Setup, count: usize) -> Result<bool> {
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    submit(setup, &answers()).await?;
    let mut seen = 1;
    while seen < count {
        let changed = tokio::time::timeout(RUN_LIMIT, views.changed()).await;
        changed.context("the run stands still")??;
        views.borrow_and_update();
        seen = journal_lines(&site.volume)?.len();
    }
    match setup.cancel().await {
        Ok(()) => Ok(true),
        Err(ControlError::Finished) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[tokio::test]
async fn a_run_that_is_cancelled_anywhere_stays_so_and_goes_on_when_asked() -> Result<()> {
    let mut site = Site::start().await?;
    let setup = site.open();
    submit(&setup, &answers()).await?;
    ended(&setup).await?;
    released(&site.volume).await?;
    let lines = journal_lines(&site.volume)?.len();
    drop(setup);
    let mut cancelled = 0;
    for count in 1..=lines {
        round(&mut site, count, &mut cancelled)
            .await
            .with_context(|| format!("cancelled at line {count}"))?;
    }
    ensure!(
        cancelled >= lines - 2,
        "only {cancelled} of {lines} were cancelled"
    );
    Ok(())
}

async fn round(site: &mut Site, count: usize, cancelled: &mut usize) -> Result<()> {
    site.clear().await?;
    site.new_volume().await?;
    let setup = site.open();
    if !cancelled_at(site, &setup, count).await? {
        return Ok(());
    }
    *cancelled += 1;
    released(&site.volume).await?;
    let document = site.volume.document(file::INSTALL_STATE)?;
    ensure!(
        document["status"] == "setup-blocked" && document["phase"] == "setup",
        "{document:#}"
    );
    let failure = &document["failure"];
    ensure!(
        failure["category"] == "cancelled" && failure["retrySafe"] == true,
        "{failure:#}"
    );
    ensure!(failure["transient"] == false, "{failure:#}");
    ensure!(setup.is_editable() || site.volume.path(file::RELEASE_SELECTION).exists());
    ensure!(matches!(setup.cancel().await, Err(ControlError::Nothing(_))));
    setup.stop();
    drop(setup);

    // A restart does not take it up.
    let lines = journal_lines(&site.volume)?.len();
    let setup = site.open();
    setup.resume();
    tokio::task::yield_now().await;
    released(&site.volume).await?;
    ensure!(
        journal_lines(&site.volume)?.len() == lines,
        "it went on by itself"
    );
    setup.retry().await?;
    ensure!(
        ended(&setup).await?.history.run == Run::Complete,
        "{:?}",
        setup.view()
    );
    setup.stop();
    Ok(())
}
