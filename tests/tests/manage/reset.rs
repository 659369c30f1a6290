//! A new password for the administrator: by a Job of the application's image, of which nothing stays.

use anyhow::{Context, Result, ensure};
use appliance_common::state_file::FileLock;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::scene::{Answer, PASSWORD, Scene, names, secret};

pub(crate) const NEW: &str = "N3w-canary!psa-Zr";
pub(crate) const NAME: &str = "alga-admin-password-reset";
const ROUTE: &str = "/api/admin-password-reset";

pub(crate) fn body() -> Value {
    json!({"password": NEW, "passwordConfirm": NEW, "currentPassword": PASSWORD})
}

/// Waits until nothing of a reset is in the cluster.
pub(crate) async fn nothing_is_left(scene: &Scene) -> Result<()> {
    let (jobs, secrets) = (scene.api::<Job>("msp"), scene.api::<Secret>("msp"));
    scene
        .until("nothing is left", async || {
            let secrets = names(&secrets).await?;
            Ok(names(&jobs).await?.is_empty() && !secrets.contains(&NAME.to_owned()))
        })
        .await
}

/// The pod of the Job, once it runs.
pub(crate) async fn running_pod(scene: &Scene) -> Result<Pod> {
    let pods = scene.api::<Pod>("msp");
    let of_job = ListParams::default().labels(&format!("job-name={NAME}"));
    let running = async || {
        let found = pods.list(&of_job).await?.items.into_iter().next();
        let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
        anyhow::Ok(found.filter(|pod| phase(pod).as_deref() == Some("Running")))
    };
    scene
        .until("the Job's pod runs", async || Ok(running().await?.is_some()))
        .await?;
    running().await?.context("the pod is gone")
}

/// The application's script has done its work.
pub(crate) async fn finish(scene: &Scene, pod: &Pod) -> Result<()> {
    let name = pod.metadata.name.as_deref().unwrap_or_default();
    let ended = json!({"status": {"phase": "Succeeded"}});
    let pods = scene.api::<Pod>("msp");
    pods.patch_status(name, &PatchParams::default(), &Patch::Merge(ended))
        .await?;
    Ok(())
}

async fn state(scene: &Scene) -> Result<Value> {
    Ok(scene.get(ROUTE).await?.body["operation"]["state"].clone())
}

fn code(answer: &Answer) -> (u16, String) {
    let (status, code) = answer.code();
    (status, code.to_owned())
}

#[tokio::test]
async fn a_password_that_is_no_good_is_refused_before_the_cluster_is_asked() -> Result<()> {
    let scene = Scene::start().await?;
    let before = scene.cluster.requests_of("alga-appliance/")?.len();
    for (password, again, expected) in [
        ("short", "short", "weak_password"),
        (" Str0ng!Pass", " Str0ng!Pass", "password_surrounded_by_space"),
        ("Str0ng!Pass", "Str0ng!Pasz", "password_mismatch"),
        ("Str0ng!Pass", "", "password_mismatch"),
    ] {
        let body = json!({"password": password, "passwordConfirm": again, "currentPassword": PASSWORD});
        ensure!(
            code(&scene.post(ROUTE, body).await?) == (400, expected.to_owned()),
            "{password:?}"
        );
    }
    let mut unconfirmed = body();
    unconfirmed["currentPassword"] = Value::Null;
    ensure!(code(&scene.post(ROUTE, unconfirmed).await?) == (400, "missing_field".to_owned()));
    let mut wrong = body();
    wrong["currentPassword"] = "Wr0ng!Password".into();
    ensure!(code(&scene.post(ROUTE, wrong).await?) == (401, "wrong_password".to_owned()));
    ensure!(
        scene.cluster.requests_of("alga-appliance/")?.len() == before,
        "the cluster was asked"
    );
    Ok(())
}

#[tokio::test]
async fn a_reset_is_begun_followed_and_cleared_away() -> Result<()> {
    let scene = Scene::start().await?;
    let begun = scene.post(ROUTE, body()).await?;
    ensure!(
        begun.status == 202 && begun.body["operation"]["state"] == "running",
        "{begun:?}"
    );
    scene
        .until("it succeeded", async || Ok(state(&scene).await? == "succeeded"))
        .await?;
    nothing_is_left(&scene).await?;
    let waited = scene.post(&format!("{ROUTE}?wait=1"), body()).await?;
    ensure!(waited.status == 200 && waited.body["ok"] == true, "{waited:?}");
    ensure!(waited.body["message"].is_string(), "{waited:?}");
    nothing_is_left(&scene).await?;
    let log = scene.audit()?;
    ensure!(
        log.matches(r#""event":"admin_reset.started""#).count() == 2,
        "{log}"
    );
    ensure!(
        log.matches(r#""event":"admin_reset.ended""#).count() == 2,
        "{log}"
    );
    Ok(())
}

#[tokio::test]
async fn a_job_that_fails_has_changed_nothing_and_is_told_so() -> Result<()> {
    let scene = Scene::with_image("alga.test/fails:1", "127.0.0.1:1").await?;
    let waited = scene.post(&format!("{ROUTE}?wait=1"), body()).await?;
    ensure!(code(&waited) == (502, "reset_failed".to_owned()), "{waited:?}");
    ensure!(state(&scene).await? == "failed");
    nothing_is_left(&scene).await
}

#[tokio::test]
async fn of_two_at_once_one_goes_on_and_one_is_told_so() -> Result<()> {
    let scene = Scene::with_image("alga.test/hangs:1", "127.0.0.1:1").await?;
    let (first, second) = tokio::join!(scene.post(ROUTE, body()), scene.post(ROUTE, body()));
    let mut codes = [code(&first?), code(&second?)];
    codes.sort();
    ensure!(
        codes == [(202, String::new()), (409, "reset_in_progress".to_owned())],
        "{codes:?}"
    );
    let pod = running_pod(&scene).await?;
    let other = scene
        .post("/api/license/apply", json!({"licenseKey": "a.b.c"}))
        .await?;
    ensure!(
        code(&other) == (409, "operation_in_progress".to_owned()),
        "{other:?}"
    );
    finish(&scene, &pod).await?;
    scene
        .until("it succeeded", async || Ok(state(&scene).await? == "succeeded"))
        .await?;
    nothing_is_left(&scene).await
}

#[tokio::test]
async fn five_an_hour_are_enough_and_what_was_refused_does_not_count() -> Result<()> {
    let mut scene = Scene::start().await?;
    let lock = FileLock::try_acquire(&scene.path("update.lock"), "a test")?;
    for _ in 0..6 {
        ensure!(code(&scene.post(ROUTE, body()).await?) == (409, "operation_in_progress".to_owned()));
    }
    drop(lock);
    for _ in 0..5 {
        let done = scene.post(&format!("{ROUTE}?wait=1"), body()).await?;
        ensure!(done.status == 200, "{done:?}");
    }
    scene.restarted("127.0.0.1:1").await?;
    let sixth = scene.post(ROUTE, body()).await?;
    ensure!(code(&sixth) == (429, "too_many_resets".to_owned()), "{sixth:?}");
    ensure!(
        sixth.body["retryAfterSeconds"]
            .as_u64()
            .is_some_and(|left| left <= 3600),
        "{sixth:?}"
    );
    Ok(())
}

#[tokio::test]
async fn without_administrator_application_or_turn_nothing_is_begun() -> Result<()> {
    let scene = Scene::start().await?;
    let lock = FileLock::try_acquire(&scene.path("update.lock"), "a test")?;
    ensure!(code(&scene.post(ROUTE, body()).await?) == (409, "operation_in_progress".to_owned()));
    drop(lock);
    let secrets = scene.api::<Secret>("msp");
    secrets
        .delete("appliance-initial-tenant", &DeleteParams::default())
        .await?;
    scene
        .apply(&secret(
            "appliance-initial-tenant",
            &json!({"INITIAL_ADMIN_EMAIL": "a@b.example"}),
        ))
        .await?;
    ensure!(code(&scene.post(ROUTE, body()).await?) == (412, "administrator_unknown".to_owned()));
    let status = scene.get("/api/manage/status").await?.body;
    ensure!(
        status["adminPasswordReset"]["available"] == false
            && status["adminPasswordReset"]["email"] == "a@b.example",
        "{status}"
    );
    let whose = json!({"INITIAL_ADMIN_EMAIL": "a@b.example", "INITIAL_TENANT_ID": "t-1"});
    scene.apply(&secret("appliance-initial-tenant", &whose)).await?;
    let deployments = scene.api::<k8s_openapi::api::apps::v1::Deployment>("msp");
    deployments
        .delete("alga-core-sebastian", &DeleteParams::background())
        .await?;
    ensure!(code(&scene.post(ROUTE, body()).await?) == (412, "app_not_installed".to_owned()));
    nothing_is_left(&scene).await
}
