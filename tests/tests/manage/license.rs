//! Licence keys and install codes: by the application's scripts, then into the recovery seed.

use anyhow::{Result, ensure};
use appliance_common::state_file::{FileLock, replace};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::scene::{Scene, secret};

pub(crate) const APPLY: &str = "appliance-apply-license-key";
pub(crate) const REDEEM: &str = "appliance-redeem-claim-code";
pub(crate) const STATUS: &str = "appliance-license-status";
pub(crate) const SEED: &str = "appliance-license-seed";
pub(crate) const KEY: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl";

fn token(claims: &Value) -> String {
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

pub(crate) async fn apply(scene: &Scene, key: &str) -> Result<(u16, String)> {
    let answer = scene
        .post("/api/license/apply", json!({"licenseKey": key}))
        .await?;
    let (status, code) = answer.code();
    Ok((status, code.to_owned()))
}

async fn redeem(scene: &Scene, code: &str) -> Result<(u16, String)> {
    let answer = scene
        .post("/api/license/redeem", json!({"claimCode": code}))
        .await?;
    let (status, code) = answer.code();
    Ok((status, code.to_owned()))
}

#[tokio::test]
async fn a_key_is_applied_by_the_application_from_its_standard_input_and_kept_in_the_seed() -> Result<()> {
    let scene = Scene::start().await?;
    scene
        .apply(&secret(
            SEED,
            &json!({"LICENSE_TOKEN": "old", "APPLIANCE_CREDENTIAL": "kept"}),
        ))
        .await?;
    for malformed in ["", "a.b", "a b.c.d", "a.b.c.d"] {
        ensure!(
            apply(&scene, malformed).await? == (400, "invalid_license_key".to_owned()),
            "{malformed}"
        );
    }
    ensure!(
        scene.of_script(APPLY, "runs").is_empty(),
        "nothing was asked of the application"
    );

    scene.script(APPLY, "{\"ok\":true,\"result\":{}}", 0)?;
    ensure!(apply(&scene, &format!(" {KEY} ")).await? == (200, String::new()));
    let read: Value = serde_json::from_str(&scene.of_script(APPLY, "stdin"))?;
    ensure!(read == json!({"licenseKey": KEY}), "{read}");
    let called = scene.of_script(APPLY, "argv");
    ensure!(called == format!("/app/server/scripts/{APPLY}.mjs\n"), "{called}");
    ensure!(scene.secret(SEED, "LICENSE_TOKEN").await?.as_deref() == Some(KEY));
    ensure!(scene.secret(SEED, "APPLIANCE_CREDENTIAL").await?.as_deref() == Some("kept"));
    ensure!(scene.audit()?.contains(r#""event":"license.applied""#));
    Ok(())
}

#[tokio::test]
async fn what_the_application_says_decides_and_else_how_its_script_ended() -> Result<()> {
    let scene = Scene::start().await?;
    for (stdout, exit, expected) in [
        ("{\"ok\":true}", 1, (200, "")),
        (
            "{\"ok\":false,\"code\":\"tenant_mismatch\",\"error\":\"x\"}",
            0,
            (400, "tenant_mismatch"),
        ),
        (
            "{\"ok\":false,\"code\":\"expired_claim_code\"}",
            1,
            (400, "expired_claim_code"),
        ),
        (
            "{\"ok\":false,\"code\":\"no_such_word\"}",
            1,
            (400, "license_refused"),
        ),
        ("Error: connect ECONNREFUSED", 1, (503, "app_starting")),
        ("", 0, (400, "invalid_app_response")),
    ] {
        scene.script(APPLY, stdout, exit)?;
        let answer = scene
            .post("/api/license/apply", json!({"licenseKey": KEY}))
            .await?;
        ensure!(answer.code() == expected, "{stdout}: {answer:?}");
        ensure!(!answer.body.to_string().contains("ECONNREFUSED"), "{answer:?}");
    }
    let deployments = scene.api::<Deployment>("msp");
    deployments
        .delete("alga-core-sebastian", &DeleteParams::background())
        .await?;
    ensure!(
        apply(&scene, KEY).await? == (503, "app_starting".to_owned()),
        "no pod runs"
    );
    Ok(())
}

#[tokio::test]
async fn a_code_is_normalised_and_only_what_it_gives_is_written() -> Result<()> {
    let scene = Scene::start().await?;
    scene
        .apply(&secret(
            SEED,
            &json!({
                "EDITION_CHOICE": "ce", "INSTALL_EDITION": "pro", "LICENSE_TOKEN": "old",
                "APPLIANCE_CREDENTIAL": "stored-credential", "CHECK_IN_URL": "https://kept.example",
            }),
        ))
        .await?;
    let new = token(&json!({"exp": 4_102_444_799_i64}));
    let answer =
        json!({"ok": true, "result": {"first_jwt": new, "appliance_id": "box-7", "check_in_url": ""}});
    scene.script(REDEEM, &answer.to_string(), 0)?;
    let redeemed = scene
        .post("/api/license/redeem", json!({"claimCode": "ab-cd ef"}))
        .await?;
    ensure!(redeemed.status == 200, "{redeemed:?}");
    ensure!(
        redeemed.body["result"]["saved"] == json!(["APPLIANCE_ID", "EDITION_CHOICE", "LICENSE_TOKEN"]),
        "{redeemed:?}"
    );
    ensure!(
        !redeemed.body.to_string().contains(&new),
        "the token stays here: {redeemed:?}"
    );
    let read: Value = serde_json::from_str(&scene.of_script(REDEEM, "stdin"))?;
    ensure!(read == json!({"claimCode": "ABCDEF"}), "{read}");
    for (key, value) in [
        ("EDITION_CHOICE", "ee"),
        ("INSTALL_EDITION", "pro"),
        ("LICENSE_TOKEN", new.as_str()),
        ("APPLIANCE_ID", "box-7"),
        ("APPLIANCE_CREDENTIAL", "stored-credential"),
        ("CHECK_IN_URL", "https://kept.example"),
    ] {
        ensure!(scene.secret(SEED, key).await?.as_deref() == Some(value), "{key}");
    }
    for malformed in ["", " - ", "abc", "ABCD_EF"] {
        ensure!(redeem(&scene, malformed).await? == (400, "invalid_claim_code".to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn a_code_whose_gifts_could_not_be_kept_is_not_redeemed_again() -> Result<()> {
    let scene = Scene::start().await?;
    let seed = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": SEED, "namespace": "msp"},
        "immutable": true, "data": {},
    });
    scene.apply(&seed).await?;
    scene.script(
        REDEEM,
        &json!({"ok": true, "result": {"license_token": "t0ken"}}).to_string(),
        0,
    )?;
    let used = "{\"ok\":false,\"code\":\"consumed_claim_code\"}";
    replace(
        &scene.application().join(format!("{REDEEM}.then")),
        used.as_bytes(),
        0o600,
    )?;
    ensure!(redeem(&scene, "abcdef").await? == (412, "seed_not_saved".to_owned()));
    scene
        .api::<Secret>("msp")
        .delete(SEED, &DeleteParams::default())
        .await?;
    ensure!(
        redeem(&scene, "ABC DEF").await? == (200, String::new()),
        "sent again"
    );
    ensure!(scene.of_script(REDEEM, "runs") == "x", "and redeemed once");
    ensure!(scene.secret(SEED, "LICENSE_TOKEN").await?.as_deref() == Some("t0ken"));
    ensure!(redeem(&scene, "abcdef").await? == (400, "consumed_claim_code".to_owned()));
    Ok(())
}

#[tokio::test]
async fn no_licence_is_changed_while_the_appliance_is() -> Result<()> {
    let scene = Scene::start().await?;
    let lock = FileLock::try_acquire(&scene.path("update.lock"), "a test")?;
    ensure!(apply(&scene, KEY).await? == (409, "operation_in_progress".to_owned()));
    ensure!(redeem(&scene, "abcdef").await? == (409, "operation_in_progress".to_owned()));
    ensure!(scene.of_script(APPLY, "runs").is_empty() && scene.of_script(REDEEM, "runs").is_empty());
    drop(lock);
    scene.script(APPLY, "{\"ok\":true}", 0)?;
    ensure!(apply(&scene, KEY).await? == (200, String::new()));
    Ok(())
}

#[tokio::test]
async fn the_licence_shown_is_the_live_one_and_a_change_of_ours_is_seen_at_once() -> Result<()> {
    let scene = Scene::start().await?;
    scene
        .apply(&secret(
            SEED,
            &json!({"LICENSE_TOKEN": token(&json!({"exp": 1})), "EDITION_CHOICE": "ce"}),
        ))
        .await?;
    let license = async || anyhow::Ok(scene.get("/api/manage/status").await?.body);
    scene.script(STATUS, "not started", 1)?;
    let fallback = license().await?;
    ensure!(
        fallback["license"]
            == json!({"edition": "ce", "expiresAt": "1970-01-01T00:00:01.000Z", "perpetual": false,
                      "status": "expired", "source": "seed-fallback"}),
        "{fallback}"
    );
    ensure!(
        fallback["errors"].to_string().contains("app_starting"),
        "{fallback}"
    );
    let row = json!({"ok": true, "row": {"license_token": token(&json!({"exp": 9_999_999_999_i64})),
        "edition_choice": "ee", "last_checkin_at": "2026-01-01T00:00:00Z"}});
    scene.script(STATUS, &row.to_string(), 0)?;
    scene.script(APPLY, "{\"ok\":true}", 0)?;
    ensure!(apply(&scene, KEY).await? == (200, String::new()));
    let live = license().await?;
    ensure!(
        live["license"]
            == json!({"edition": "ee", "expiresAt": null, "perpetual": true, "status": "active",
                      "source": "live", "lastCheckinAt": "2026-01-01T00:00:00Z"}),
        "{live}"
    );
    let runs = scene.of_script(STATUS, "runs");
    for _ in 0..5 {
        license().await?;
    }
    ensure!(
        scene.of_script(STATUS, "runs") == runs,
        "five minutes are not over"
    );
    Ok(())
}
