//! What holds for every route: who may use it, from which page, and with which method.

use axum::http::{Method, StatusCode};
use serde_json::json;

use super::harness::{Call, TestBox};

/// Routes of operators, with the methods each has.
const OPERATORS: &[(&str, &[&str])] = &[
    ("/api/auth/change-password", &["POST"]),
    ("/api/auth/logout-all", &["POST"]),
    ("/api/control-plane/upgrade", &["POST"]),
    ("/api/recover", &["POST"]),
    ("/api/setup", &["POST"]),
    ("/api/setup/cancel", &["POST"]),
    ("/api/setup/config", &["GET", "HEAD"]),
    ("/api/setup/plan", &["GET", "HEAD"]),
    ("/api/setup/preflight", &["GET", "HEAD", "POST"]),
    ("/api/setup/retry", &["POST"]),
    ("/api/status", &["GET", "HEAD"]),
    ("/api/status/stream", &["GET", "HEAD"]),
    ("/api/support-bundle", &["POST"]),
    ("/api/support-bundle/files", &["GET", "HEAD"]),
];

/// Routes of the API that anybody may ask, and what changes something there.
const OPEN: &[(&str, &[&str])] = &[
    ("/api/auth/login", &["POST"]),
    ("/api/auth/logout", &["POST"]),
    ("/api/auth/redeem-token", &["POST"]),
    ("/api/auth/set-password", &["POST"]),
    ("/api/auth/state", &["GET", "HEAD"]),
];

fn method(name: &str) -> Method {
    name.parse().unwrap()
}

/// What lies on the state volume, without the log of who did what.
fn files(of: &TestBox) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(of.path("")).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && !path.ends_with("audit.log"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn nothing_of_an_operator_is_told_or_done_without_a_session() {
    let fresh = TestBox::new();
    fresh.configured().await;
    let before = files(&fresh);
    for (path, methods) in OPERATORS {
        for name in *methods {
            let call = Call::new(method(name), path).json(json!({}));
            let answer = fresh.send(call).await;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (StatusCode::UNAUTHORIZED, "application/json"),
                "{name} {path}"
            );
            if *name != "HEAD" {
                assert_eq!(answer.code(), "unauthenticated", "{name} {path}");
            }
            assert_eq!(answer.header("cache-control"), "no-store", "{name} {path}");
        }
    }
    assert_eq!(files(&fresh), before);
}

#[tokio::test]
async fn no_page_of_another_origin_changes_anything_anywhere() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let before = files(&fresh);
    for (path, methods) in OPERATORS.iter().chain(OPEN) {
        for origin in ["http://evil", "http://192.0.2.10:3000", "null"] {
            // Also with methods that the route does not have: the origin comes first.
            for name in methods.iter().chain(&["PUT", "PATCH", "DELETE"]) {
                if matches!(*name, "GET" | "HEAD") {
                    continue;
                }
                let call = Call::new(method(name), path).cookie(&cookie);
                let answer = fresh.send(call.header("origin", origin).json(json!({}))).await;
                assert_eq!(
                    (answer.status, answer.code()),
                    (StatusCode::FORBIDDEN, "origin_rejected"),
                    "{name} {path} from {origin}"
                );
            }
        }
    }
    assert_eq!(files(&fresh), before);
    assert_eq!(fresh.phase(&cookie).await, "authenticated");
}

#[tokio::test]
async fn a_route_tells_a_wrong_method_which_it_has() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    for (path, methods) in OPERATORS.iter().chain(OPEN) {
        for name in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            if methods.contains(&name) {
                continue;
            }
            let answer = fresh.send(Call::new(method(name), path).cookie(&cookie)).await;
            assert_eq!(
                (answer.status, answer.header("allow"), answer.code()),
                (
                    StatusCode::METHOD_NOT_ALLOWED,
                    methods.join(", ").as_str(),
                    "method_not_allowed"
                ),
                "{name} {path}"
            );
        }
    }
}
