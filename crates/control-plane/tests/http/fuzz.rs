//! Requests that are made up: whatever stands in the request line, in `Host` or in a field of a body, one
//! answer comes back, nothing is changed and nobody else notices.

use axum::http::{Method, StatusCode};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::time::Duration;

use appliance_control_plane::http::Limits;

use super::harness::{Call, PASSWORD, TOKEN, TestBox, assert_alive, raw};

/// Requests that are made up for each part.
const CASES: u32 = 256;

/// What a field may hold beside what it should, none of it what any field takes.
fn wrong_values() -> Vec<Value> {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    vec![
        json!(true),
        json!(0),
        json!(-1.5),
        json!(u64::MAX),
        json!([[]]),
        json!([null]),
        json!({}),
        json!({"a": {"b": []}}),
        deep,
    ]
}

/// Texts that no field takes, or that no field may make anything of.
const WRONG_TEXTS: [&str; 4] = ["\0", "\u{202e}\u{feff}", "'\"\\{{}}<script>", "../../etc/passwd"];

fn answers() -> Value {
    json!({
        "channel": "stable", "appHostname": "psa.example.com", "dnsMode": "custom", "dnsServers": "10.0.0.53",
        "releaseRef": "1.0.0", "tenantName": "Acme", "adminFirstName": "Ada", "adminLastName": "Byron",
        "adminEmail": "ada@example.com", "adminPassword": PASSWORD, "adminPasswordConfirm": PASSWORD,
        "editionChoice": "ee", "licenseMode": "manual", "waivedChecks": [],
    })
}

#[tokio::test]
async fn every_json_type_at_every_field_of_the_form_is_refused_with_the_fields_name() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let fields: Vec<String> = answers().as_object().unwrap().keys().cloned().collect();
    for field in fields
        .iter()
        .map(String::as_str)
        .chain(["licenseKey", "installCode"])
    {
        for value in wrong_values() {
            let mut body = answers();
            body[field] = value.clone();
            let call = Call::new(Method::POST, "/api/setup").cookie(&cookie);
            let answer = fresh.send(call.json(body)).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::BAD_REQUEST, "invalid_inputs"),
                "{field}: {value}: {}",
                answer.text
            );
            assert!(answer.body["fields"][field].is_string(), "{field}: {value}");
            assert!(
                !answer.text.contains("expected"),
                "a parser's words: {}",
                answer.text
            );
        }
    }
    for alias in [
        ("initialTenantName", "tenantName"),
        ("companyName", "tenantName"),
        ("initialAdminFirstName", "adminFirstName"),
        ("initialAdminLastName", "adminLastName"),
        ("initialAdminEmail", "adminEmail"),
        ("initialAdminPassword", "adminPassword"),
        ("initialAdminPasswordConfirm", "adminPasswordConfirm"),
    ] {
        for nested in [false, true] {
            let mut body = answers();
            body[alias.1].take();
            if nested {
                body["initialTenant"] = json!({alias.0: 7});
            } else {
                body[alias.0] = json!(7);
            }
            let call = Call::new(Method::POST, "/api/setup").cookie(&cookie);
            let answer = fresh.send(call.json(body)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{alias:?}");
            assert!(answer.body["fields"][alias.1].is_string(), "{alias:?}");
        }
    }
    assert!(!fresh.path("setup-inputs.json").exists());
}

/// Routes that take a body beside the form's, with the fields of it.
const OTHERS: [(&str, &[&str]); 6] = [
    ("/api/auth/redeem-token", &["token"]),
    (
        "/api/auth/set-password",
        &["token", "password", "passwordConfirm"],
    ),
    ("/api/auth/login", &["password"]),
    (
        "/api/auth/change-password",
        &["currentPassword", "newPassword", "passwordConfirm"],
    ),
    (
        "/api/setup/preflight",
        &[
            "channel",
            "dnsMode",
            "dnsServers",
            "releaseRef",
            "appHostname",
            "waivedChecks",
        ],
    ),
    ("/api/recover", &["release", "dryRun", "force", "skipCleanup"]),
];

/// What is right at a field of [`OTHERS`], where it must be there.
fn right_value(field: &str) -> Value {
    match field {
        "token" => json!(TOKEN),
        "newPassword" => json!("An0ther!Pass"),
        "password" | "passwordConfirm" | "currentPassword" => json!(PASSWORD),
        _ => Value::Null,
    }
}

/// What is wrong at a field of [`OTHERS`]. A text is a guess at some, which counts, and an answer at others.
fn wrong_values_at(path: &str, field: &str) -> Vec<Value> {
    let is_flag = path == "/api/recover" && field != "release";
    let texts = WRONG_TEXTS.map(|text| json!(text));
    let texts = texts.into_iter().filter(|_| path == "/api/recover");
    let values = wrong_values().into_iter().chain(texts);
    values.filter(|value| !(is_flag && value.is_boolean())).collect()
}

#[tokio::test]
async fn every_json_type_at_every_other_field_is_refused() {
    for (path, fields) in OTHERS {
        let unset = ["/api/auth/redeem-token", "/api/auth/set-password"].contains(&path);
        let fresh = TestBox::new();
        let cookie = if unset {
            String::new()
        } else {
            fresh.configured().await
        };
        for field in fields {
            for value in wrong_values_at(path, field) {
                let mut body = json!({});
                for name in fields {
                    body[*name] = right_value(name);
                }
                body[*field] = value.clone();
                let body: serde_json::Map<_, _> = body.as_object().unwrap().clone();
                let body = body.into_iter().filter(|(_, value)| !value.is_null());
                let call = Call::new(Method::POST, path).cookie(&cookie).json(body.collect());
                let answer = fresh.send(call).await;
                assert_eq!(
                    answer.status,
                    StatusCode::BAD_REQUEST,
                    "{path} {field}: {value}: {}",
                    answer.text
                );
                assert!(!answer.code().is_empty(), "{path} {field}: {value}");
            }
        }
        let phase = if unset { "needs-token" } else { "authenticated" };
        assert_eq!(fresh.phase(&cookie).await, phase, "{path}");
        assert!(
            !fresh.path("auth-lockout.json").exists(),
            "{path}: no guess was made"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_too_deep_for_any_parser_is_refused() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    for path in [
        "/api/setup",
        "/api/setup/preflight",
        "/api/auth/login",
        "/api/recover",
    ] {
        for open in ["[", "{\"a\":"] {
            let body = open.repeat(16 * 1024 / open.len() - 1);
            let call = Call::new(Method::POST, path).cookie(&cookie).text(body);
            let answer = fresh.send(call).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::BAD_REQUEST, "invalid_json"),
                "{path}"
            );
        }
    }
}

/// Sends made-up requests over real sockets. An answer is a status line, and no status is the server's fault.
fn bombard(requests: impl Strategy<Value = Vec<u8>>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let limits = Limits {
        head_read: Duration::from_millis(500),
        body_read: Duration::from_millis(500),
        keep_alive: Duration::from_millis(500),
        ..Limits::default()
    };
    let fresh = TestBox::with(&[], limits);
    let server = runtime.block_on(fresh.serve());
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&requests, |request| {
        let answer = runtime.block_on(raw(server.address(), &request));
        let status = answer.get(9..12).and_then(|status| status.parse::<u16>().ok());
        prop_assert!(
            answer.is_empty() || status.is_some_and(|status| (200..500).contains(&status)),
            "{}",
            answer
        );
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(async {
        assert_alive(server.address()).await;
        server.stop().await;
    });
    assert_eq!(fresh.read("setup-token"), format!("{TOKEN}\n"));
}

#[test]
fn whatever_the_request_line_holds_one_answer_comes_back() {
    let method = prop_oneof![
        "GET|HEAD|POST|PUT|DELETE|OPTIONS|CONNECT|TRACE|PRI",
        "[ -~]{0,12}",
        "\\PC{0,6}"
    ];
    let version = prop_oneof!["HTTP/1\\.[01]", "HTTP/[0-9.]{0,6}", "[ -~]{0,8}"];
    let target = proptest::collection::vec(any::<u8>(), 0..60);
    bombard((method, target, version).prop_map(|(method, target, version)| {
        let line = [method.as_bytes(), b" /", &target, b" ", version.as_bytes()].concat();
        [&line, b"\r\nhost: x\r\nconnection: close\r\n\r\n".as_slice()].concat()
    }));
}

#[test]
fn whatever_is_percent_encoded_one_answer_comes_back() {
    let path = "(/(api|api/setup|api/auth/state|setup|healthz))?/?(%[0-9a-fA-F]{2}|%[0-9a-zA-Z]?|[a-z./?=&;:@+]){0,24}";
    bombard(path.prop_map(|path| {
        format!("GET /{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").into_bytes()
    }));
}

#[test]
fn whatever_the_host_is_one_answer_comes_back() {
    let host = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        "[\\[\\]0-9a-f:.%@/ -]{0,40}".prop_map(String::into_bytes),
        "([a-z0-9_-]{1,8}[.:]){0,5}".prop_map(String::into_bytes),
    ];
    bombard((host, "GET|POST").prop_map(|(host, method)| {
        let head = format!("{method} /api/auth/state HTTP/1.1\r\nconnection: close\r\nhost: ");
        [head.as_bytes(), &host, b"\r\n\r\n"].concat()
    }));
}
