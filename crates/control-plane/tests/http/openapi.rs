//! The API's document against the real router and real answers: nothing that is served is missing from it,
//! nothing is in it that is not served, and what comes back is what it says.

use std::collections::BTreeSet;

use appliance_control_plane::http::{Limits, paths};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::api::{Api, page};
use super::harness::{Call, TOKEN, TestBox, head};
use super::promise::{document, hold};

const METRICS_TOKEN: &str = "q3N8kZ0bS1x7vT5d";

/// `GET /path` for each operation.
fn documented(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        let methods = methods.filter(|key| !matches!(key.as_str(), "parameters" | "summary" | "description"));
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

/// A path of a template.
fn example(template: &str) -> String {
    template
        .split('/')
        .map(|part| if part.starts_with('{') { "x" } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn every_route_is_in_the_document_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let token = dir.path().join("token");
    appliance_common::state_file::replace(&token, METRICS_TOKEN.as_bytes(), 0o600).unwrap();
    let on = TestBox::with(
        &["--metrics-token-file", token.to_str().unwrap()],
        Limits::default(),
    );
    let cookie = on.configured().await;
    let mut served = BTreeSet::new();
    for path in paths().into_iter().chain(["/healthz"]) {
        // No route takes this one, so the answer names those it takes.
        let call = Call::new(Method::from_bytes(b"BREW").unwrap(), &example(path))
            .header("authorization", &format!("Bearer {METRICS_TOKEN}"))
            .cookie(&cookie);
        let answer = on.send(call).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed = answer.header("allow").to_owned();
        assert!(!allowed.is_empty(), "{path} does not say which methods it takes");
        let methods = allowed.split(", ").filter(|method| *method != "HEAD");
        served.extend(methods.map(|method| format!("{method} {path}")));
    }
    let documented = documented(document());
    let missing: Vec<_> = served.difference(&documented).collect();
    assert!(
        missing.is_empty(),
        "served, but without #[utoipa::path] in its group's `Documented`: {missing:?}"
    );
    let invented: Vec<_> = documented.difference(&served).collect();
    assert!(
        invented.is_empty(),
        "in the document, but not served: {invented:?}"
    );
}

#[test]
fn each_operation_says_how_it_fails_and_who_may_ask() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for operation in documented(document) {
        let (method, path) = operation.split_once(' ').unwrap();
        let found = &document["paths"][path][method.to_lowercase()];
        let responses = found["responses"].as_object().unwrap();
        let id = found["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} is the id of two operations");
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{operation}"
        );
        assert!(
            found["summary"].is_string() || found["description"].is_string(),
            "{operation}"
        );
        let is_guarded = found["security"].is_array();
        assert!(!is_guarded || responses.contains_key("401"), "{operation}");
        for (status, response) in responses {
            let is_error = status.starts_with(['4', '5']);
            let schema = &response["content"]["application/json"]["schema"];
            let is_page = !response["content"]["text/html"].is_null();
            if is_error && !is_page {
                let envelope = schema["$ref"].as_str().unwrap_or_default();
                // A bundle that was not made is told of in the shape of one that was (60 §1.1).
                let shapes = ["/ErrorBody", "/InvalidInputs", "/BundleNotMade"];
                assert!(
                    shapes.iter().any(|shape| envelope.ends_with(shape)),
                    "{operation} {status}: {schema}"
                );
            }
        }
    }
}

/// A cluster with one of everything.
async fn cluster() -> Api {
    Api::answering(|asked| {
        let path = asked.target.split('?').next().unwrap();
        let named = |more: Value| {
            let mut object = json!({"metadata": {"name": "one", "namespace": "msp"}});
            object
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            object
        };
        match path.rsplit('/').next().unwrap() {
            "namespaces" => page(&[named(json!({"status": {"phase": "Active"}}))], ""),
            "deployments" | "events" | "replicasets" => page(&[named(json!({}))], ""),
            "pods" => {
                let containers = json!([{"name": "c", "ports": [{"containerPort": 1}]}]);
                page(&[named(json!({"spec": {"containers": containers}}))], "")
            }
            "log" => (200, b"line\n".to_vec()),
            _ => (
                201,
                json!({"metadata": {}, "spec": {}, "status": {"allowed": true}})
                    .to_string()
                    .into_bytes(),
            ),
        }
    })
    .await
}

/// Query that a route needs.
fn query(path: &str) -> &'static str {
    match path {
        "/api/k8s/logs" => "?pod=one",
        _ => "",
    }
}

#[tokio::test]
async fn what_every_get_route_answers_is_what_the_document_says() {
    let document = document();
    let api = cluster().await;
    let on = api.a_box();
    let cookie = on.configured().await;
    for operation in documented(document) {
        let Some(path) = operation.strip_prefix("GET ") else {
            continue;
        };
        let target = format!("{}{}", example(path), query(path));
        let call = Call::new(Method::GET, &target).cookie(&cookie);
        let content = &document["paths"][path]["get"]["responses"]["200"]["content"];
        let is_endless = content
            .as_object()
            .is_some_and(|content| content.keys().eq(["text/event-stream"]));
        let answer = if is_endless {
            head(&on.front, call).await
        } else {
            on.send(call).await
        };
        let expected = match path {
            // Without its token it is not there.
            "/metrics" => StatusCode::NOT_FOUND,
            // Nobody has made one.
            path if path.contains('{') => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        };
        assert_eq!(answer.status, expected, "{operation}: {}", answer.text);
        hold(&operation, &answer);
        hold(&operation, &on.get(&target).await);
    }
}

#[tokio::test]
async fn what_every_unsafe_route_refuses_is_what_the_document_says() {
    let document = document();
    let on = TestBox::new();
    let cookie = on.configured().await;
    for operation in documented(document) {
        let (method, path) = operation.split_once(' ').unwrap();
        if method == "GET" {
            continue;
        }
        let call = || Call::new(method.parse().unwrap(), &example(path));
        hold(&operation, &on.send(call()).await);
        let foreign = on
            .send(call().cookie(&cookie).header("origin", "http://evil.example"))
            .await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{operation}");
        hold(&operation, &foreign);
        let takes_body = document["paths"][path][method.to_lowercase()]["requestBody"].is_object();
        if !takes_body {
            continue;
        }
        // What signs out comes last in no order; each has its own session.
        let cookie = on
            .post("/api/auth/login", json!({"password": super::harness::PASSWORD}))
            .await
            .session();
        for body in ["[]", "{", "{\"no-such-field\": 1}"] {
            hold(&operation, &on.send(call().cookie(&cookie).text(body)).await);
        }
        let form = call().cookie(&cookie).header("content-type", "text/plain");
        hold(&operation, &on.send(form).await);
        let large = call().cookie(&cookie).text("x".repeat(70 * 1024));
        let refused = on.send(large.header("content-length", "71680")).await;
        hold(&operation, &refused);
    }
}

#[tokio::test]
async fn answers_to_what_an_operator_does_are_what_the_document_says() {
    let on = TestBox::new();
    let redeemed = on.post("/api/auth/redeem-token", json!({"token": TOKEN})).await;
    assert_eq!(redeemed.status, StatusCode::OK);
    hold("POST /api/auth/redeem-token", &redeemed);
    let wrong = on
        .post(
            "/api/auth/redeem-token",
            json!({"token": "0000-0000-0000-0000-0000"}),
        )
        .await;
    hold("POST /api/auth/redeem-token", &wrong);
    let weak = on
        .post("/api/auth/set-password", json!({"token": TOKEN, "password": "x"}))
        .await;
    hold("POST /api/auth/set-password", &weak);
    let early = on.post("/api/auth/login", json!({"password": "x"})).await;
    hold("POST /api/auth/login", &early);
    let cookie = on.configured().await;
    let login = on
        .post("/api/auth/login", json!({"password": super::harness::PASSWORD}))
        .await;
    hold("POST /api/auth/login", &login);
    let call = |path: &str| Call::new(Method::POST, path).cookie(&cookie);
    for (path, body) in [
        ("/api/setup", json!({})),
        ("/api/setup/retry", json!({})),
        ("/api/setup/cancel", json!({})),
        ("/api/control-plane/upgrade", json!({})),
        ("/api/recover", json!({"release": "no-such"})),
        ("/api/workloads/restart", json!({"name": "db"})),
    ] {
        hold(&format!("POST {path}"), &on.send(call(path).json(body)).await);
    }
    on.write("install-state.json", b"{");
    let unreadable = on.get("/api/auth/state").await;
    assert_eq!(unreadable.body["stateUnreadable"], true);
    hold("GET /api/auth/state", &unreadable);
    hold("GET /healthz", &on.get("/healthz").await);
    hold("POST /api/auth/logout", &on.send(call("/api/auth/logout")).await);
}
