//! `/api/status` without any cluster: what a box says of itself, and to whom.

use appliance_control_plane::http::Limits;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::harness::{Call, HOST, TestBox, raw};

fn get(path: &str, cookie: &str) -> Call {
    Call::new(Method::GET, path).cookie(cookie)
}

/// What a browser's page and the scripts in the field read.
const KEYS: &[&str] = &[
    "schemaVersion",
    "source",
    "collectedAt",
    "stale",
    "errors",
    "components",
    "loginProbe",
    "flux",
    "plan",
    "steps",
    "setupProgress",
    "repair",
    "cluster",
    "setupInputs",
    "releaseSelection",
    "release",
    "installState",
    "currentPhase",
    "status",
    "kubeconfigPath",
    "network",
    "lastRecordedError",
    "tiers",
    "readinessTiers",
    "failures",
    "rollup",
    "topBlockers",
    "recentEvents",
    "activeOperations",
    "bootstrap",
    "urls",
    "kubernetes",
    "diagnostics",
    "setupReEditable",
    "stateUnreadable",
    "ageSeconds",
];

#[tokio::test]
async fn a_box_without_a_cluster_answers_in_full_and_knows_that_it_does_not_know() {
    let fresh = TestBox::with(&["--kubeconfig", "/nonexistent/kubeconfig"], Limits::default());
    let cookie = fresh.configured().await;
    let status = fresh.send(get("/api/status", &cookie)).await;
    assert_eq!(status.status, StatusCode::OK, "{}", status.text);
    for key in KEYS {
        assert!(
            status.body.get(key).is_some(),
            "{key} is missing in {}",
            status.text
        );
    }
    assert_eq!(status.body["schemaVersion"], 2);
    assert_eq!(status.body["status"], "unknown");
    assert_eq!(
        status.body["cluster"]["reachable"],
        json!(null),
        "nobody has asked yet"
    );
    let tiers = status.body["readinessTiers"].as_object().unwrap();
    assert_eq!(tiers.len(), 6);
    for (name, tier) in tiers {
        assert_eq!(
            (&tier["ready"], &tier["signal"]),
            (&json!(false), &json!("unknown")),
            "{name}: {tier}"
        );
    }
    let last = status.body.as_object().unwrap().keys().next_back();
    assert_eq!(last.map(String::as_str), Some("ageSeconds"));
}

#[tokio::test]
async fn a_client_that_has_the_document_is_told_so_until_it_changes() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let first = fresh.send(get("/api/status", &cookie)).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_eq!(first.header("cache-control"), "no-store");
    let again = fresh
        .send(get("/api/status", &cookie).header("if-none-match", &tag))
        .await;
    assert_eq!(
        (again.status, again.text.as_str()),
        (StatusCode::NOT_MODIFIED, "")
    );
    assert_eq!(
        (again.header("etag"), again.header("cache-control")),
        (tag.as_str(), "no-store")
    );
    let other = fresh
        .send(get("/api/status", &cookie).header("if-none-match", "\"other\""))
        .await;
    assert_eq!(other.status, StatusCode::OK);
    let restarted = fresh.restarted();
    let after = restarted
        .send(get("/api/status", &cookie).header("if-none-match", &tag))
        .await;
    assert_eq!(
        after.status,
        StatusCode::OK,
        "another process has other documents"
    );
}

#[tokio::test]
async fn diagnostics_of_the_host_are_named_as_what_they_are_now() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let plain = fresh.send(get("/api/status", &cookie)).await;
    let asked = fresh.send(get("/api/status?diagnostics=1", &cookie)).await;
    assert_eq!(
        (asked.status, &asked.body["diagnostics"]),
        (StatusCode::OK, &json!([]))
    );
    let errors = asked.body["errors"].as_array().unwrap();
    assert!(
        errors.iter().any(|error| error["signal"] == "diagnostics"),
        "{errors:?}"
    );
    assert_ne!(asked.header("etag"), plain.header("etag"));
    assert_eq!(
        asked.body.as_object().unwrap().len(),
        plain.body.as_object().unwrap().len()
    );
}

#[tokio::test]
async fn nobody_who_is_not_signed_in_is_told_anything() {
    let fresh = TestBox::new();
    fresh.configured().await;
    for path in ["/api/status", "/api/status/stream", "/api/status?diagnostics=1"] {
        let answer = fresh.get(path).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "unauthenticated"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn secrets_and_raw_output_that_old_files_hold_are_in_no_answer() {
    let fresh = TestBox::new();
    let (code, key, password) = ("CANARY-CODE-1234", "CANARY.KEY.5678", "CANARY-Pass!9012");
    let inputs = json!({
        "channel": "stable", "appHostname": "https://psa.example.test", "installCode": code, "licenseKey": key,
        "initialTenant": {"tenantName": "Example", "adminEmail": "a@example.test", "adminPassword": password},
    });
    fresh.write("setup-inputs.json", inputs.to_string().as_bytes());
    let state = json!({
        "status": "preflight-blocked", "phase": "dns", "failure": {"phase": "dns", "step": "resolve"},
        "installerOutput": {"stdout": format!("token={password}"), "stderr": ""},
    });
    fresh.write("install-state.json", state.to_string().as_bytes());
    let fresh = fresh.restarted();
    let cookie = fresh.configured().await;
    for path in [
        "/api/status",
        "/api/status?diagnostics=1",
        "/api/setup/config",
        "/api/setup/plan",
    ] {
        let answer = fresh.send(get(path, &cookie)).await;
        for secret in [code, key, password, "installerOutput"] {
            assert!(
                !answer.text.contains(secret),
                "{path} has {secret}: {}",
                answer.text
            );
        }
    }
    let status = fresh.send(get("/api/status", &cookie)).await.body;
    assert_eq!(status["setupInputs"]["initialTenant"]["tenantName"], "Example");
    assert_eq!(status["installState"]["status"], "preflight-blocked");
}

#[tokio::test]
async fn a_client_that_goes_away_spoils_nothing_for_the_next() {
    let fresh = TestBox::new();
    let cookie = fresh.loopback_session().await;
    let running = fresh.serve().await;
    let request = format!("GET /api/status HTTP/1.1\r\nhost: {HOST}\r\ncookie: {cookie}\r\n");
    for _ in 0..20 {
        let mut gone = TcpStream::connect(running.address()).await.unwrap();
        gone.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
        drop(gone);
    }
    let last = format!("{request}connection: close\r\n\r\n");
    let answer = raw(running.address(), last.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let body: Value = serde_json::from_str(body).unwrap();
    for key in KEYS {
        assert!(body.get(key).is_some(), "{key} is missing");
    }
    running.stop().await;
}
