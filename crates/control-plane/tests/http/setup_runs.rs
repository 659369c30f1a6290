//! The routes of a run: who may, what is refused, and what is written down.

use http::{Method, StatusCode};
use serde_json::json;

use super::harness::{Call, TestBox};

const ACTIONS: [&str; 2] = ["/api/setup/retry", "/api/setup/cancel"];

/// A journal of a run that a step stopped.
const BLOCKED: &str = concat!(
    r#"{"at":"2026-06-01T10:20:00.000Z","event":"submitted","submission":"s"}"#,
    "\n",
    r#"{"at":"2026-06-01T10:20:01.000Z","event":"run-started","run":"r","bootId":"b","trigger":"submitted"}"#,
    "\n",
    r#"{"at":"2026-06-01T10:20:02.000Z","event":"step-started","step":"preflight"}"#,
    "\n",
    r#"{"at":"2026-06-01T10:20:03.000Z","event":"step-failed","step":"preflight","failure":{"step":"reach-ghcr","category":"connect","message":"no answer","suspectedCause":"refused","suggestedNextStep":"wait","retrySafe":true,"transient":true}}"#,
    "\n",
);

fn post(path: &str) -> Call {
    Call::new(Method::POST, path)
}

#[tokio::test]
async fn strangers_other_sites_and_other_methods_are_refused() {
    let fresh = TestBox::new();
    assert_eq!(
        fresh.get("/api/setup/plan").await.status,
        StatusCode::UNAUTHORIZED
    );
    let cookie = fresh.configured().await;
    for path in ACTIONS {
        assert_eq!(
            fresh.send(post(path)).await.status,
            StatusCode::UNAUTHORIZED,
            "{path}"
        );
        let wrong = fresh.send(Call::new(Method::GET, path).cookie(&cookie)).await;
        assert_eq!(
            (wrong.status, wrong.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "POST"),
            "{path}"
        );
        let forged = post(path)
            .cookie(&cookie)
            .header("origin", "http://attacker.example");
        let forged = fresh.send(forged).await;
        assert_eq!(
            (forged.status, forged.code()),
            (StatusCode::FORBIDDEN, "origin_rejected"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_form_begins_with_the_address_that_was_used_and_says_what_custom_dns_is_for() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let config = fresh
        .send(Call::new(Method::GET, "/api/setup/config").cookie(&cookie))
        .await;
    assert_eq!(config.status, StatusCode::OK, "{}", config.text);
    assert_eq!(config.body["mode"], "setup");
    assert_eq!(
        config.body["defaults"],
        json!({
            "channel": "stable", "appHostname": "http://192.0.2.10:3000", "dnsMode": "system",
            "dnsServers": "", "releaseRef": "",
        })
    );
    let covers = config.body["network"]["customDnsCovers"].as_str().unwrap();
    assert!(
        covers.contains("The host and the pods keep their own"),
        "{covers}"
    );
}

#[tokio::test]
async fn that_a_password_is_kept_is_told_and_never_what_it_is_sealed_in() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let config = || Call::new(Method::GET, "/api/setup/config").cookie(&cookie);
    let before = fresh.send(config()).await;
    assert_eq!(before.body["passwordKept"], false, "{}", before.text);
    fresh.write("setup-journal.ndjson", BLOCKED.as_bytes());
    let sealed = json!({
        "submissionId": "s", "sealed": "v1.canary", "adminPassword": "canary",
        "initialTenant": {"adminEmail": "ada@example.test", "adminPassword": "canary"},
    });
    fresh.write("setup-inputs.json", sealed.to_string().as_bytes());
    let fresh = fresh.restarted();
    let kept = fresh.send(config()).await;
    assert_eq!(
        (&kept.body["passwordKept"], &kept.body["defaults"]["adminEmail"]),
        (&json!(true), &json!("ada@example.test"))
    );
    assert!(!kept.text.contains("canary"), "{}", kept.text);
}

#[tokio::test]
async fn a_fresh_box_has_a_plan_and_nothing_to_start_or_stop() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let plan = fresh
        .send(Call::new(Method::GET, "/api/setup/plan").cookie(&cookie))
        .await;
    assert_eq!(
        (plan.status, &plan.body["state"]),
        (StatusCode::OK, &json!("empty"))
    );
    assert_eq!(plan.body["steps"].as_array().map(Vec::len), Some(12));
    for path in ACTIONS {
        let answer = fresh.send(post(path).cookie(&cookie)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::CONFLICT, "nothing_to_do"),
            "{path}"
        );
    }
    let audit = fresh.read("audit.log");
    for event in ["setup.retried", "setup.cancelled"] {
        assert!(audit.contains(event), "{audit}");
    }
}

#[tokio::test]
async fn attempts_to_come_are_shown_and_can_be_stopped_for_good() {
    let fresh = TestBox::new();
    fresh.write("setup-journal.ndjson", BLOCKED.as_bytes());
    let fresh = fresh.restarted();
    let cookie = fresh.configured().await;
    let get = |path: &str| Call::new(Method::GET, path).cookie(&cookie);
    let plan = fresh.send(get("/api/setup/plan")).await.body;
    assert_eq!(
        (&plan["state"], &plan["canCancel"]),
        (&json!("blocked"), &json!(true))
    );
    assert_eq!(plan["autoRetry"]["willRetry"], true);
    let status = fresh.send(get("/api/status")).await.body;
    assert_eq!(status["rollup"]["state"], "installing");
    assert_eq!(status["autoRetry"], plan["autoRetry"]);

    let stopped = fresh.send(post(ACTIONS[1]).cookie(&cookie)).await;
    assert_eq!(stopped.status, StatusCode::ACCEPTED, "{}", stopped.text);
    let again = fresh.send(post(ACTIONS[1]).cookie(&cookie)).await;
    assert_eq!(
        (again.status, again.code()),
        (StatusCode::CONFLICT, "nothing_to_do")
    );
    let fresh = fresh.restarted();
    let plan = fresh.send(get("/api/setup/plan")).await.body;
    assert_eq!(
        (&plan["state"], &plan["canRetry"]),
        (&json!("cancelled"), &json!(true))
    );
    assert_eq!(
        (&plan["autoRetry"], &plan["failure"]["code"]),
        (&json!(null), &json!("cancelled"))
    );
    let status = fresh.send(get("/api/status")).await.body;
    assert_eq!(
        (status.get("autoRetry"), &status["rollup"]["state"]),
        (None, &json!("blocked"))
    );
}

#[tokio::test]
async fn a_finished_box_says_where_to_go_whatever_is_submitted() {
    let fresh = TestBox::new();
    fresh.write("install-state.json", br#"{"status": "release-config-complete"}"#);
    fresh.write(
        "release-selection.json",
        br#"{"selectedChannel": "stable", "installedAt": "2026-06-01T10:20:30.456Z", "runtime": {}}"#,
    );
    let cookie = fresh.configured().await;
    for body in ["{}", "not JSON", ""] {
        let answer = fresh.send(post("/api/setup").cookie(&cookie).text(body)).await;
        assert_eq!(
            (answer.status, answer.code(), &answer.body["redirectTo"]),
            (StatusCode::CONFLICT, "setup_finished", &json!("/")),
            "{body}"
        );
    }
    assert!(!fresh.path("setup-inputs.json").exists());
}

#[tokio::test]
async fn a_state_that_cannot_be_read_has_no_plan() {
    let fresh = TestBox::new();
    fresh.write("setup-journal.ndjson", b"garbage\ngarbage\n");
    let fresh = fresh.restarted();
    let cookie = fresh.configured().await;
    let plan = fresh
        .send(Call::new(Method::GET, "/api/setup/plan").cookie(&cookie))
        .await;
    assert_eq!(
        (plan.status, plan.code()),
        (StatusCode::CONFLICT, "state_unreadable")
    );
    for path in ACTIONS {
        let answer = fresh.send(post(path).cookie(&cookie)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::CONFLICT, "state_unreadable")
        );
    }
}
