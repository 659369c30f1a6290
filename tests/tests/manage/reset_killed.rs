//! A control plane that dies during a reset: wherever that was, nothing of it stays, and the page tells what
//! is known.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::clock::Clock;
use appliance_control_plane::manage::Manage;
use appliance_control_plane::manage::reset::NewPassword;
use appliance_control_plane::settings::Settings;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use tokio::runtime::Runtime;

use crate::reset::{NAME, NEW, finish, nothing_is_left, running_pod};
use crate::scene::Scene;

/// Another process of the control plane on the same box, `later` than now.
pub(crate) fn another(scene: &Scene, later: Duration) -> Result<Manage> {
    let path = |name: &str| scene.path(name).display().to_string();
    let settings = Settings::read([
        "appliance-control-plane",
        "--kubeconfig",
        &scene.cluster.kubeconfig().display().to_string(),
        "--state-file",
        &path("install-state.json"),
        "--release-selection-file",
        &path("release-selection.json"),
    ])?;
    let clock = Clock::from_fn(move || Clock::system().now() + later);
    Ok(Manage::open(settings.manage("a-boot".to_owned()), clock))
}

/// Begins a reset in a process of its own, and kills that as soon as `seen` says so.
async fn killed(scene: &Scene, what: &str, seen: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let process = Runtime::new()?;
    let manage = another(scene, Duration::ZERO)?;
    process.spawn(async move {
        let typed = || appliance_common::secret::Secret::new(NEW.to_owned());
        let password = NewPassword::check(typed(), &typed()).map_err(anyhow::Error::from)?;
        manage.reset_password(password).await.map_err(anyhow::Error::from)
    });
    let seen = scene.until(what, seen).await;
    process.shutdown_background();
    seen
}

#[tokio::test]
async fn whatever_was_there_when_it_died_is_taken_away_after_the_next_start() -> Result<()> {
    let scene = Scene::with_image("alga.test/hangs:1", "127.0.0.1:1").await?;
    let (jobs, secrets) = (scene.api::<Job>("msp"), scene.api::<Secret>("msp"));
    killed(&scene, "the Job is there", async || {
        Ok(jobs.get_opt(NAME).await?.is_some())
    })
    .await?;
    swept_later(&scene).await?;
    killed(&scene, "the Secret is there", async || {
        Ok(secrets.get_opt(NAME).await?.is_some())
    })
    .await?;
    swept_later(&scene).await?;
    killed(&scene, "the Job runs", async || {
        Ok(is_let_go(jobs.get_opt(NAME).await?.as_ref()))
    })
    .await?;
    swept_later(&scene).await
}

fn is_let_go(job: Option<&Job>) -> bool {
    let spec = job.and_then(|job| job.spec.as_ref());
    spec.is_some_and(|spec| spec.suspend == Some(false))
}

/// Ten minutes on, the next process finds nobody at work any more.
async fn swept_later(scene: &Scene) -> Result<()> {
    let next = another(scene, Duration::from_mins(11))?;
    next.resume();
    nothing_is_left(scene).await?;
    let view = next.reset_view();
    next.stop();
    ensure!(view.is_some(), "the page tells of it");
    Ok(())
}

#[tokio::test]
async fn a_job_that_goes_on_without_its_control_plane_is_left_to_end_and_then_told_of() -> Result<()> {
    let scene = Scene::with_image("alga.test/hangs:1", "127.0.0.1:1").await?;
    let jobs = scene.api::<Job>("msp");
    killed(&scene, "the Job runs", async || {
        Ok(is_let_go(jobs.get_opt(NAME).await?.as_ref()))
    })
    .await?;
    let pod = running_pod(&scene).await?;
    let next = another(&scene, Duration::ZERO)?;
    let typed = || appliance_common::secret::Secret::new(NEW.to_owned());
    let password = NewPassword::check(typed(), &typed())?;
    let refused = next
        .reset_password(password)
        .await
        .err()
        .context("a second reset was begun")?;
    ensure!(refused.to_string() == "a reset is under way", "{refused}");
    ensure!(
        !jobs.list(&ListParams::default()).await?.items.is_empty(),
        "it was not disturbed"
    );
    finish(&scene, &pod).await?;
    next.resume();
    nothing_is_left(&scene).await?;
    let state = serde_json::to_value(next.reset_view())?["state"].clone();
    next.stop();
    ensure!(state == "succeeded", "{state}");
    Ok(())
}
