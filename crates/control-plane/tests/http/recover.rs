//! `/api/recover` before any cluster is asked: who may, how, and what a box without a cluster answers.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Call, TestBox};

fn recover(cookie: &str) -> Call {
    Call::new(Method::POST, "/api/recover").cookie(cookie)
}

#[tokio::test]
async fn only_a_signed_in_operator_of_this_page_may_repair_and_only_by_post() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let nobody = fresh.send(Call::new(Method::POST, "/api/recover")).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let read = fresh
        .send(Call::new(Method::GET, "/api/recover").cookie(&cookie))
        .await;
    assert_eq!(read.status, StatusCode::METHOD_NOT_ALLOWED);
    let foreign = recover(&cookie).header("origin", "http://elsewhere.example");
    assert_eq!(fresh.send(foreign).await.status, StatusCode::FORBIDDEN);
    let form = recover(&cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .text("release=alga-core");
    assert_eq!(fresh.send(form).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let unknown = fresh
        .send(recover(&cookie).json(json!({"release": "no-such"})))
        .await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (StatusCode::BAD_REQUEST, "unknown_release")
    );
}

#[tokio::test]
async fn a_box_whose_cluster_does_not_answer_says_so_and_names_the_release() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let answer = fresh.send(recover(&cookie)).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY, "{:?}", answer.body);
    assert_eq!(answer.body["helmRelease"], "alga-system/alga-core");
    assert!(fresh.read("audit.log").contains("release.repair"));
    let status = fresh
        .send(Call::new(Method::GET, "/api/status").cookie(&cookie))
        .await;
    assert_eq!(status.body["repair"], Value::Null);
}
