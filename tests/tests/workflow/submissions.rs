//! When answers are taken, by whom a run is held, and what a start of the control plane takes up.

use std::fs;

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_common::state_file::{FileLock, replace};
use appliance_control_plane::setup::redemption::ServiceUrl;
use appliance_control_plane::setup::run::Run;
use appliance_control_plane::setup::{Refusal, Setup, SubmitError};
use appliance_tests::releases;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::objects::ours;
use crate::scene::{answers, ended, journal_lines, killed_at, reading, released, submit};
use crate::site::Site;

async fn refusal(setup: &Setup) -> Result<Refusal> {
    match setup.submit(&reading(&answers())?).await {
        Err(SubmitError::Refused(refusal)) => Ok(refusal),
        other => anyhow::bail!("not refused: {other:?}"),
    }
}

async fn completes(site: &Site, setup: &Setup) -> Result<()> {
    let run = ended(setup).await?.history.run.clone();
    ensure!(
        run == Run::Complete,
        "{:#}",
        site.volume.document(file::INSTALL_STATE)?
    );
    Ok(())
}

#[tokio::test]
async fn of_two_submissions_at_once_one_is_taken_and_none_after_it() -> Result<()> {
    let site = Site::start().await?;
    let setup = site.open();
    let raw = reading(&answers())?;
    let (one, other) = tokio::join!(setup.submit(&raw), setup.submit(&raw));
    let results = [one, other];
    let refused =
        |result: &Result<_, SubmitError>| matches!(result, Err(SubmitError::Refused(Refusal::Running)));
    assert!(
        results.iter().any(Result::is_ok) && results.iter().any(refused),
        "{results:?}"
    );
    assert_eq!(refusal(&setup).await?, Refusal::Running);
    assert!(!setup.is_editable());
    completes(&site, &setup).await?;
    assert_eq!(refusal(&setup).await?, Refusal::Finished);
    let submitted = journal_lines(&site.volume)?;
    let submitted = submitted
        .iter()
        .filter(|line| line.contains("\"event\":\"submitted\""));
    assert_eq!(submitted.count(), 1, "one workflow");
    drop(setup);
    assert_eq!(
        refusal(&site.open()).await?,
        Refusal::Finished,
        "after a restart too"
    );
    Ok(())
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_never_taken_for_a_new_box() -> Result<()> {
    let mut site = Site::start().await?;
    for (name, damaged) in [
        (file::INSTALL_STATE, "{\"status\": \"release-config-co"),
        (file::INSTALL_STATE, "null"),
        (file::INSTALL_STATE, ""),
        (file::RELEASE_SELECTION, "[]"),
        (
            file::SETUP_JOURNAL,
            "garbage\n{\"at\":\"t\",\"event\":\"completed\"}\n",
        ),
        (file::SETUP_JOURNAL, "{\"at\":\"t\",\"event\":\"completed\"}\n"),
    ] {
        site.new_volume().await?;
        let path = site.volume.path(name);
        replace(&path, damaged.as_bytes(), 0o600)?;
        let setup = site.open();
        setup.resume();
        let refusal = refusal(&setup)
            .await
            .with_context(|| format!("{name}: {damaged}"))?;
        assert!(
            matches!(&refusal, Refusal::StateUnreadable(cause) if cause.contains(name)),
            "{refusal:?}"
        );
        assert!(!setup.is_editable());
        assert_eq!(setup.view().is_err(), name == file::SETUP_JOURNAL, "{name}");
        assert_eq!(fs::read_to_string(&path)?, damaged, "it is as it was found");
        let files = fs::read_dir(site.volume.dir.path())?.count();
        assert_eq!(files, 1, "nothing is written beside {name}");
    }
    assert!(ours(&site.client).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_install_code_without_a_licence_service_stops_unspent_and_a_manual_licence_goes_on() -> Result<()>
{
    let mut site = Site::start().await?;
    let mut code = answers();
    let fields = code.as_object_mut().context("no answers")?;
    fields.remove("licenseMode");
    fields.insert("installCode".to_owned(), json!("k7qp-m2rx"));
    for service in [
        Ok(None),
        Err("http://license.example".parse::<ServiceUrl>().unwrap_err()),
    ] {
        site.volume.settings.license_service = service;
        let setup = site.open();
        submit(&setup, &code).await?;
        let run = ended(&setup).await?.history.run.clone();
        assert!(matches!(run, Run::Blocked { .. }), "{run:?}");
        let state = site.volume.document(file::INSTALL_STATE)?;
        let failure = &state["failure"];
        assert_eq!(state["status"], "runtime-values-blocked");
        assert_eq!(
            (&failure["step"], &failure["code"]),
            (
                &json!("redeem-install-code"),
                &json!("license_service_not_configured")
            )
        );
        assert_eq!(
            (&failure["retrySafe"], &failure["transient"]),
            (&json!(false), &json!(false))
        );
        assert!(
            !state.to_string().to_uppercase().contains("K7QPM2RX"),
            "the code is not shown"
        );
        assert!(!site.volume.path(file::REDEMPTION).exists(), "nothing was sent");
        let objects = ours(&site.client).await?;
        let secrets: Vec<_> = objects.keys().filter(|name| name.starts_with("Secret")).collect();
        assert_eq!(secrets, ["Secret alga-appliance-control-plane/setup-seal"]);
    }
    let setup = site.open();
    assert!(setup.is_editable());
    submit(&setup, &answers()).await?;
    completes(&site, &setup).await
}

#[tokio::test]
async fn a_queue_that_is_switched_off_keeps_the_answers_for_a_later_start() -> Result<()> {
    let mut site = Site::start().await?;
    site.volume.settings.queue_disabled = true;
    let setup = site.open();
    submit(&setup, &answers()).await?;
    let queued = |state: Value| {
        assert_eq!(
            (&state["status"], &state["phase"]),
            (&json!("setup-queued"), &json!("setup"))
        );
    };
    queued(site.volume.document(file::INSTALL_STATE)?);
    drop(setup);

    let setup = site.open();
    setup.resume();
    tokio::task::yield_now().await;
    released(&site.volume).await?;
    queued(site.volume.document(file::INSTALL_STATE)?);
    assert_eq!(journal_lines(&site.volume)?.len(), 1, "nothing ran");
    drop(setup);

    site.volume.settings.queue_disabled = false;
    let setup = site.open();
    setup.resume();
    completes(&site, &setup).await
}

#[tokio::test]
async fn whoever_changes_the_appliance_is_waited_for() -> Result<()> {
    let site = Site::start().await?;
    let lock = || FileLock::try_acquire(&site.volume.path(file::UPDATE_LOCK), "an update (test)");
    let held = lock()?;
    let setup = site.open();
    match setup.submit(&reading(&answers())?).await {
        Err(SubmitError::Busy(error)) => assert!(error.to_string().contains("an update (test)"), "{error}"),
        other => panic!("{other:?}"),
    }
    assert!(
        !site.volume.path(file::SETUP_INPUTS).exists(),
        "nothing is stored"
    );
    drop((held, setup));

    killed_at(&site.volume, 8).await?;
    let held = lock()?;
    let setup = site.open();
    setup.resume();
    tokio::task::yield_now().await;
    assert_eq!(journal_lines(&site.volume)?.len(), 8, "it waits");
    assert_eq!(refusal(&setup).await?, Refusal::Running, "and goes on by itself");
    drop(held);
    completes(&site, &setup).await
}

#[tokio::test]
async fn answers_whose_key_is_gone_are_asked_for_again() -> Result<()> {
    let site = Site::start().await?;
    killed_at(&site.volume, 8).await?;
    let secrets = Api::<Secret>::namespaced(site.client.clone(), "alga-appliance-control-plane");
    secrets.delete("setup-seal", &DeleteParams::default()).await?;
    let setup = site.open();
    setup.resume();
    let run = ended(&setup).await?.history.run.clone();
    assert!(matches!(run, Run::Blocked { .. }), "{run:?}");
    let failure = &site.volume.document(file::INSTALL_STATE)?["failure"];
    assert_eq!(
        (&failure["category"], &failure["correctable"]),
        (&json!("answers"), &json!(true))
    );
    released(&site.volume).await?;
    submit(&setup, &answers()).await?;
    completes(&site, &setup).await
}

#[tokio::test]
async fn a_pin_is_installed_and_remembered() -> Result<()> {
    let site = Site::start().await?;
    let pinned = releases::manifest(&site.registry.host(), "1.0.1");
    let digest = site.publish("1.0.1", &pinned).await?;
    let mut answers = answers();
    answers["releaseRef"] = json!(digest);
    let setup = site.open();
    submit(&setup, &answers).await?;
    completes(&site, &setup).await?;
    let selection = site.volume.document(file::RELEASE_SELECTION)?;
    let objects = ours(&site.client).await?;
    let in_cluster = &objects["ConfigMap alga-system/appliance-release-selection"]["data"];
    assert_eq!(
        (&selection["releaseRef"], &in_cluster["releaseRef"]),
        (&json!(digest), &json!(digest))
    );
    assert_eq!(selection["selectedReleaseVersion"], "1.0.1");
    assert_eq!(selection["selectedChannel"], "stable");
    Ok(())
}
