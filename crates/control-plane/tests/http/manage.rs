//! What operators manage, as far as no cluster is needed: who may, what is refused, what a box without a
//! cluster answers.

use appliance_common::state_file::FileLock;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Call, PASSWORD, TestBox};

const CHANGES: [&str; 4] = [
    "/api/license/apply",
    "/api/license/redeem",
    "/api/settings/app-url",
    "/api/admin-password-reset",
];
const KEY: &str = "aaa.bbb.ccc";

fn change(path: &str, cookie: &str) -> Call {
    Call::new(Method::POST, path).cookie(cookie)
}

fn well_formed(path: &str) -> Value {
    match path {
        "/api/license/apply" => json!({"licenseKey": KEY}),
        "/api/license/redeem" => json!({"claimCode": "ab-cd ef"}),
        "/api/settings/app-url" => json!({"appHostname": "https://psa.example"}),
        _ => json!({"password": "Str0ng!Psa", "passwordConfirm": "Str0ng!Psa", "currentPassword": PASSWORD}),
    }
}

#[tokio::test]
async fn only_a_signed_in_operator_of_this_page_may_change_anything_and_only_in_json() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    for path in CHANGES {
        let nobody = fresh
            .send(Call::new(Method::POST, path).json(well_formed(path)))
            .await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
        let foreign = change(path, &cookie).header("origin", "http://192.0.2.10:3000");
        let foreign = fresh.send(foreign.json(well_formed(path))).await;
        assert_eq!(
            (foreign.status, foreign.code()),
            (StatusCode::FORBIDDEN, "origin_rejected"),
            "{path}"
        );
        let form = change(path, &cookie)
            .header("content-type", "application/x-www-form-urlencoded")
            .text("licenseKey=a.b.c");
        assert_eq!(
            fresh.send(form).await.status,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{path}"
        );
        let wrong = fresh.send(Call::new(Method::DELETE, path).cookie(&cookie)).await;
        assert_eq!(wrong.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        for body in [
            "null",
            "[]",
            "{",
            "{\"licenseKey\":1,\"claimCode\":1,\"appHostname\":1,\"password\":1}",
        ] {
            let answer = fresh.send(change(path, &cookie).text(body)).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::BAD_REQUEST, "invalid_json"),
                "{path} {body}"
            );
        }
    }
    let read = fresh.send(change("/api/manage/status", &cookie)).await;
    assert_eq!(
        (read.status, read.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD")
    );
    assert_eq!(
        fresh.get("/api/manage/status").await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        fresh.get("/api/admin-password-reset").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_licence_may_be_long_and_everything_else_is_short() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let of = |size: usize| json!({"x": "y".repeat(size)});
    for (path, fits, too_long) in [
        ("/api/license/apply", 60 * 1024, 65 * 1024),
        ("/api/settings/app-url", 15 * 1024, 17 * 1024),
        ("/api/admin-password-reset", 15 * 1024, 17 * 1024),
    ] {
        let answer = fresh.send(change(path, &cookie).json(of(fits))).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        let answer = fresh.send(change(path, &cookie).json(of(too_long))).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}

#[tokio::test]
async fn a_box_without_a_cluster_says_what_is_missing_and_notes_who_asked() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    for (path, expected) in CHANGES.into_iter().zip([
        (503, "cluster_unavailable"),
        (503, "cluster_unavailable"),
        (412, "not_installed"),
        (502, "cluster_failed"),
    ]) {
        let answer = fresh.send(change(path, &cookie).json(well_formed(path))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            expected,
            "{path} {answer:?}"
        );
    }
    let log = fresh.read("audit.log");
    for line in [
        r#""event":"license.applied","ip":"192.0.2.50""#,
        r#""event":"license.redeemed""#,
        r#""event":"appurl.changed""#,
        r#""event":"admin_reset.started""#,
    ] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
    assert!(log.contains(r#""result":"cluster_unavailable""#), "{log}");
    assert!(
        !log.contains(KEY) && !log.contains("ABCDEF") && !log.contains("Str0ng!Psa"),
        "{log}"
    );
}

#[tokio::test]
async fn nothing_is_changed_while_something_else_is() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let lock = FileLock::try_acquire(&fresh.path("update.lock"), "a test").unwrap();
    for path in CHANGES {
        let answer = fresh.send(change(path, &cookie).json(well_formed(path))).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::CONFLICT, "operation_in_progress"),
            "{path}"
        );
    }
    drop(lock);
}

#[tokio::test]
async fn the_status_of_a_fresh_box_is_whole_and_says_what_is_not_known() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let read = async || {
        fresh
            .send(Call::new(Method::GET, "/api/manage/status").cookie(&cookie))
            .await
    };
    let status = read().await;
    assert_eq!(status.status, StatusCode::OK);
    let body = &status.body;
    assert_eq!(
        (&body["app"]["version"], &body["app"]["channel"]),
        (&Value::Null, &json!("stable"))
    );
    assert_eq!(body["app"]["updateAvailable"], false);
    assert_eq!(body["app"]["update"]["status"], "idle");
    assert_eq!(body["controlPlane"]["upgradeState"], "unknown");
    assert_eq!(body["license"]["status"], "unknown");
    assert_eq!(body["adminPasswordReset"]["available"], false);
    assert_eq!(body["adminPasswordReset"]["operation"], Value::Null);
    assert!(!body["errors"].as_array().unwrap().is_empty());

    fresh.write("install-state.json", b"{\"torn");
    fresh.write("release-selection.json", b"{\"torn");
    let torn = read().await;
    assert_eq!(torn.status, StatusCode::OK);
    let parts: Vec<_> = torn.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["part"])
        .collect();
    assert!(
        parts.contains(&&json!("selection")) && parts.contains(&&json!("installState")),
        "{parts:?}"
    );
    let answer = fresh
        .send(change("/api/settings/app-url", &cookie).json(well_formed("/api/settings/app-url")))
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (412, "selection_unreadable")
    );
    assert_eq!(
        fresh.read("release-selection.json"),
        "{\"torn",
        "not written over"
    );
}

#[tokio::test]
async fn the_management_password_is_asked_for_and_guesses_are_counted() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let path = "/api/admin-password-reset";
    let mut body = well_formed(path);
    body["currentPassword"] = "Wr0ng!Guess".into();
    for _ in 0..5 {
        let answer = fresh.send(change(path, &cookie).json(body.clone())).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "wrong_password")
        );
    }
    let answer = fresh.send(change(path, &cookie).json(well_formed(path))).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{answer:?}");
    assert!(fresh.read("audit.log").contains("auth.confirmation_failed"));
}
