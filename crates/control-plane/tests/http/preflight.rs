//! `/api/setup/preflight`.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Call, TestBox};

const PATH: &str = "/api/setup/preflight";

fn call(method: Method) -> Call {
    Call::new(method, PATH)
}

#[tokio::test]
async fn the_checks_are_for_signed_in_operators_and_the_last_report_is_kept() {
    // Nothing listens there, so the registry is refused at once.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let registry = closed.to_string();
    let flags = ["--registry-host", &registry, "--preflight-fsync", "0"];
    let a_box = TestBox::with(&flags, appliance_control_plane::http::Limits::default());
    for method in [Method::GET, Method::POST] {
        assert_eq!(a_box.send(call(method)).await.status, StatusCode::UNAUTHORIZED);
    }
    let cookie = a_box.configured().await;
    let none = a_box.send(call(Method::GET).cookie(&cookie)).await;
    assert_eq!(
        (none.status, &none.body["report"]),
        (StatusCode::OK, &Value::Null)
    );

    let bad = call(Method::POST)
        .cookie(&cookie)
        .json(json!({"dnsMode": "both", "channel": "beta"}));
    let refused = a_box.send(bad).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::BAD_REQUEST, &json!("invalid_inputs"))
    );
    assert!(refused.body["fields"]["dnsMode"].is_string() && refused.body["fields"]["channel"].is_string());

    let asked = a_box
        .send(call(Method::POST).cookie(&cookie).json(json!({})))
        .await;
    assert_eq!(asked.status, StatusCode::OK, "{:?}", asked.body);
    let kept = a_box.send(call(Method::GET).cookie(&cookie)).await;
    assert_eq!(kept.body, asked.body);
    let checks = kept.body["report"]["checks"].as_array().unwrap();
    let registry = checks
        .iter()
        .find(|check| check["id"] == "egress-registry")
        .unwrap();
    assert_eq!(registry["outcome"], "fail", "{registry}");
    for key in [
        "group", "title", "severity", "strict", "measured", "why", "fix", "waived",
    ] {
        assert!(!registry[key].is_null(), "{key}");
    }
    assert_eq!(kept.body["release"]["ok"], false);
}
