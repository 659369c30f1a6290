//! Requests that are given up in the middle, and stops that cannot be recorded: a run that is under way always
//! has somebody who works on it.

use std::fs;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use appliance_common::names::file;
use appliance_control_plane::setup::run::Run;
use appliance_control_plane::setup::{ControlError, Setup};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use crate::scene::{RUN_LIMIT, answers, ended, journal_lines, reading, submit};
use crate::site::Site;

/// A site whose control plane looks often at what should be under way.
async fn watchful() -> Result<Site> {
    let mut site = Site::start().await?;
    site.volume.settings.retry.interval = Duration::from_millis(100);
    Ok(site)
}

async fn completes(setup: &Setup) -> Result<()> {
    let run = ended(setup).await?.history.run.clone();
    ensure!(run == Run::Complete, "{run:?}");
    Ok(())
}

#[tokio::test]
async fn answers_whose_client_went_away_once_they_were_recorded_are_installed() -> Result<()> {
    let site = watchful().await?;
    let setup = site.open();
    setup.resume();
    let raw = reading(&answers())?;
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    {
        let mut submission = pin!(setup.submit(&raw));
        let recorded = views.wait_for(|view| view.history.run == Run::Queued);
        tokio::select! {
            biased;
            recorded = recorded => drop(recorded?),
            accepted = &mut submission => bail!("it was faster: {accepted:?}"),
        }
    }
    completes(&setup).await?;
    let lines = journal_lines(&site.volume)?;
    let starts = lines
        .iter()
        .filter(|line| line.contains("\"event\":\"run-started\""));
    assert_eq!(starts.count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_stop_that_cannot_be_recorded_is_none_and_the_run_goes_on() -> Result<()> {
    let site = watchful().await?;
    let setup = site.open();
    setup.resume();
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    submit(&setup, &answers()).await?;
    let under_way = views.wait_for(|view| matches!(view.history.run, Run::Running { step: Some(_) }));
    let under_way = tokio::time::timeout(RUN_LIMIT, under_way).await;
    drop(under_way.context("the run does not begin")??);
    let (journal, aside) = (site.volume.path(file::SETUP_JOURNAL), site.volume.path("aside"));
    fs::rename(&journal, &aside)?;
    fs::create_dir(&journal)?;
    let cancelled = setup.cancel().await;
    ensure!(matches!(cancelled, Err(ControlError::Record(_))), "{cancelled:?}");
    fs::remove_dir(&journal)?;
    fs::rename(&aside, &journal)?;
    completes(&setup).await
}

#[tokio::test]
async fn a_key_that_is_none_does_not_keep_answers_from_being_taken() -> Result<()> {
    let site = watchful().await?;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "alga-appliance-control-plane"}});
    appliance_tests::apply::yaml(&site.client, "test", "default", &namespace.to_string()).await?;
    let secrets = Api::<Secret>::namespaced(site.client.clone(), "alga-appliance-control-plane");
    let none: Secret = serde_json::from_value(json!({
        "metadata": {"name": "setup-seal"}, "stringData": {"key": "short"}, "immutable": true,
    }))?;
    secrets.create(&PostParams::default(), &none).await?;
    let setup = site.open();
    submit(&setup, &answers()).await?;
    completes(&setup).await
}
