//! A control plane that dies between the application's licence and the recovery seed: the next one, or the next
//! call, brings the seed up to it, and no code is redeemed twice.

use std::time::Duration;

use anyhow::{Result, ensure};
use appliance_common::secret::Secret as Kept;
use appliance_common::state_file::replace;
use appliance_control_plane::manage::license::LicenseError;
use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;
use serde_json::json;

use crate::license::{APPLY, KEY, REDEEM, SEED, STATUS, apply};
use crate::reset_killed::another;
use crate::scene::{Scene, secret};

const PENDING: &str = "license-pending.json";
/// The application was asked, and no answer is known.
const ASKED: &[u8] = br#"{"schemaVersion": 1, "at": "2026-01-01T00:00:00.000Z"}"#;

async fn seed(scene: &Scene, key: &str) -> Result<Option<String>> {
    let secrets = scene.api::<Secret>("msp");
    match secrets.get_opt(SEED).await? {
        Some(_) => scene.secret(SEED, key).await,
        None => Ok(None),
    }
}

/// The next process, until nothing is pending.
async fn settled_by_another(scene: &Scene) -> Result<()> {
    let manage = another(scene, Duration::ZERO)?;
    manage.resume();
    let settled = scene
        .until("nothing is pending", async || Ok(!scene.path(PENDING).exists()))
        .await;
    manage.stop();
    settled
}

fn live(scene: &Scene, token: &str) -> Result<()> {
    let row = json!({"ok": true, "row": {"license_token": token, "edition_choice": "ee"}});
    scene.script(STATUS, &row.to_string(), 0)
}

#[tokio::test]
async fn what_a_code_gave_survives_the_process_that_could_not_save_it() -> Result<()> {
    let scene = Scene::start().await?;
    let immutable = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": SEED, "namespace": "msp"},
        "immutable": true, "data": {},
    });
    scene.apply(&immutable).await?;
    let gifts = json!({"license_token": "canary-t0ken", "appliance_credential": "canary-credential"});
    scene.script(REDEEM, &json!({"ok": true, "result": gifts}).to_string(), 0)?;
    let code = Kept::new("K7QP-M2RX".to_owned());
    let redeemed = another(&scene, Duration::ZERO)?.redeem_code(code).await;
    ensure!(matches!(redeemed, Err(LicenseError::Seed(_))), "{redeemed:?}");
    let noted = std::fs::read_to_string(scene.path(PENDING))?;
    ensure!(
        !noted.contains("canary") && !noted.contains("K7QPM2RX"),
        "{noted}"
    );

    scene
        .api::<Secret>("msp")
        .delete(SEED, &DeleteParams::default())
        .await?;
    settled_by_another(&scene).await?;
    ensure!(seed(&scene, "LICENSE_TOKEN").await?.as_deref() == Some("canary-t0ken"));
    ensure!(seed(&scene, "APPLIANCE_CREDENTIAL").await?.as_deref() == Some("canary-credential"));
    ensure!(scene.of_script(REDEEM, "runs") == "x", "redeemed once");
    Ok(())
}

#[tokio::test]
async fn the_same_code_after_a_restart_takes_what_was_kept_of_it() -> Result<()> {
    let scene = Scene::start().await?;
    let (code, other) = ("K7QPM2RX", "ABCDEFGH");
    let typed = |text: &str| Kept::new(text.to_owned());
    scene
        .apply(&secret(SEED, &json!({"LICENSE_TOKEN": "old"})))
        .await?;
    let freeze = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": SEED, "namespace": "msp"}, "immutable": true,
    });
    scene.apply(&freeze).await?;
    scene.script(
        REDEEM,
        &json!({"ok": true, "result": {"license_token": "n3w"}}).to_string(),
        0,
    )?;
    let redeemed = another(&scene, Duration::ZERO)?.redeem_code(typed(code)).await;
    ensure!(matches!(redeemed, Err(LicenseError::Seed(_))), "{redeemed:?}");
    // Nothing newer takes its place while it cannot be saved.
    let refused = another(&scene, Duration::ZERO)?.redeem_code(typed(other)).await;
    ensure!(matches!(refused, Err(LicenseError::Seed(_))), "{refused:?}");
    ensure!(
        scene.of_script(REDEEM, "runs") == "x",
        "the other code was not sent"
    );
    scene
        .api::<Secret>("msp")
        .delete(SEED, &DeleteParams::default())
        .await?;
    let redeemed = another(&scene, Duration::ZERO)?.redeem_code(typed(code)).await?;
    ensure!(redeemed.saved.contains(&"LICENSE_TOKEN"), "{redeemed:?}");
    ensure!(scene.of_script(REDEEM, "runs") == "x" && !scene.path(PENDING).exists());
    Ok(())
}

#[tokio::test]
async fn a_question_whose_answer_nobody_heard_is_settled_by_what_is_in_use() -> Result<()> {
    let scene = Scene::start().await?;
    let before = json!({"LICENSE_TOKEN": "old", "APPLIANCE_CREDENTIAL": "kept"});
    scene.apply(&secret(SEED, &before)).await?;
    replace(&scene.path(PENDING), ASKED, 0o600)?;
    live(&scene, KEY)?;
    settled_by_another(&scene).await?;
    ensure!(seed(&scene, "LICENSE_TOKEN").await?.as_deref() == Some(KEY));
    ensure!(seed(&scene, "APPLIANCE_CREDENTIAL").await?.as_deref() == Some("kept"));
    Ok(())
}

#[tokio::test]
async fn the_next_change_settles_what_the_last_one_left() -> Result<()> {
    let scene = Scene::start().await?;
    replace(&scene.path(PENDING), ASKED, 0o600)?;
    live(&scene, "th3.l1ve.one")?;
    scene.script(APPLY, "{\"ok\":false,\"code\":\"tenant_mismatch\"}", 1)?;
    ensure!(apply(&scene, KEY).await? == (400, "tenant_mismatch".to_owned()));
    ensure!(seed(&scene, "LICENSE_TOKEN").await?.as_deref() == Some("th3.l1ve.one"));
    ensure!(!scene.path(PENDING).exists());
    Ok(())
}

#[tokio::test]
async fn the_application_is_not_asked_where_the_disk_takes_no_note_of_it() -> Result<()> {
    let scene = Scene::start().await?;
    std::fs::create_dir(scene.path(PENDING))?;
    scene.script(APPLY, "{\"ok\":true}", 0)?;
    ensure!(apply(&scene, KEY).await? == (507, "state_unwritable".to_owned()));
    ensure!(scene.of_script(APPLY, "runs").is_empty());
    Ok(())
}
