//! Keys, codes and passwords that operators type are nowhere but where they belong.

use std::io;
use std::sync::{Arc, Mutex};

use anyhow::{Result, ensure};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod, Secret};
use kube::api::ListParams;
use serde_json::{Value, json};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::reset::{NAME, NEW, body, finish, nothing_is_left, running_pod};
use crate::scene::{PASSWORD, Scene};

const KEY: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJrZXktY2FuYXJ5LTcifQ.a2V5LWNhbmFyeS1zaWduYXR1cmU";
const CODE: &str = "CANARYCODE77Q2X";
const CREDENTIAL: &str = "credential-canary-5Vq0cJ2mX8rT";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.0.lock().map_err(|_| io::Error::other("a writer panicked"))?;
        kept.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn clean(place: &str, text: &str) -> Result<()> {
    for secret in [KEY, CODE, CREDENTIAL, NEW, PASSWORD] {
        ensure!(!text.contains(secret), "{secret} is in {place}");
    }
    Ok(())
}

/// Without what a Secret is there to hold.
fn shell(secret: Secret) -> Result<Value> {
    let mut shell = serde_json::to_value(secret)?;
    shell["data"] = Value::Null;
    Ok(shell)
}

/// While the reset runs, its Secret has the password and nothing else does.
async fn only_in_the_secret(scene: &Scene) -> Result<()> {
    let secret = scene.api::<Secret>("msp").get(NAME).await?;
    let data = secret.data.as_ref();
    ensure!(data.is_some_and(|data| data["RESET_ADMIN_PASSWORD"].0 == NEW.as_bytes()));
    clean("the Secret's own record", &shell(secret)?.to_string())?;
    let job = scene.api::<Job>("msp").get(NAME).await?;
    clean("the Job", &serde_json::to_string(&job)?)?;
    let pods = scene.api::<Pod>("msp").list(&ListParams::default()).await?.items;
    clean("the pods", &serde_json::to_string(&pods)?)
}

/// What scripts are given comes by standard input.
fn nothing_in_arguments(scene: &Scene) -> Result<()> {
    for script in ["appliance-apply-license-key", "appliance-redeem-claim-code"] {
        clean("an argument", &scene.of_script(script, "argv"))?;
        let read = scene.of_script(script, "stdin");
        let came = read.contains(KEY) || read.contains(CODE);
        ensure!(came, "it came by standard input");
    }
    Ok(())
}

#[tokio::test]
async fn no_secret_is_in_an_answer_a_log_an_argument_or_an_annotation() -> Result<()> {
    let log = Log::default();
    let writer = log.clone();
    let filter: Targets = "debug,appliance_common=trace,appliance_control_plane=trace".parse()?;
    let lines = fmt::layer().with_writer(move || writer.clone());
    tracing_subscriber::registry().with(filter).with(lines).init();
    let scene = Scene::with_image("alga.test/hangs:1", "127.0.0.1:1").await?;
    scene.script("appliance-apply-license-key", "{\"ok\":true}", 0)?;
    let gifts = json!({"ok": true, "result": {"first_jwt": KEY, "appliance_credential": CREDENTIAL}});
    scene.script("appliance-redeem-claim-code", &gifts.to_string(), 0)?;
    for (path, sent) in [
        ("/api/license/apply", json!({"licenseKey": KEY})),
        ("/api/license/redeem", json!({"claimCode": CODE})),
        ("/api/license/redeem", json!({"claimCode": [CODE]})),
    ] {
        let answer = scene.post(path, sent).await?;
        clean(path, &answer.body.to_string())?;
    }
    let row = json!({"ok": true, "row": {"license_token": KEY}});
    scene.script("appliance-license-status", &row.to_string(), 0)?;
    let begun = scene.post("/api/admin-password-reset", body()).await?;
    clean("the answer", &begun.body.to_string())?;
    let pod = running_pod(&scene).await?;
    only_in_the_secret(&scene).await?;
    clean("the pod", &serde_json::to_string(&pod)?)?;
    finish(&scene, &pod).await?;
    nothing_is_left(&scene).await?;
    for secret in scene
        .api::<Secret>("msp")
        .list(&ListParams::default())
        .await?
        .items
    {
        clean("a Secret's own record", &shell(secret)?.to_string())?;
    }
    let events = scene
        .api::<Event>("msp")
        .list(&ListParams::default())
        .await?
        .items;
    clean("the events", &serde_json::to_string(&events)?)?;
    clean(
        "the status",
        &scene.get("/api/manage/status").await?.body.to_string(),
    )?;
    for file in ["audit.log", "release-selection.json", "auth-lockout.json"] {
        clean(
            file,
            &std::fs::read_to_string(scene.path(file)).unwrap_or_default(),
        )?;
    }
    nothing_in_arguments(&scene)?;
    clean(
        "the API server's audit log",
        &std::fs::read_to_string(scene.cluster.dir().join("audit.log"))?,
    )?;
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    ensure!(log.len() > 10_000, "the log was kept");
    clean("the log", &log)
}
