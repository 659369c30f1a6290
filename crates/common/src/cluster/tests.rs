use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::client::Body;
use tower_test::mock;

use super::*;

type Handle = mock::Handle<Request<Body>, Response<Body>>;

/// A cluster whose answers the test gives; a call has one second.
fn scripted() -> (Cluster, Handle) {
    let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
    let client = kube::Client::new(service, "default");
    (
        Cluster::new(client, Duration::from_secs(1), Arc::new(Meter::default())),
        handle,
    )
}

fn status(code: u16, reason: &str) -> Response<Body> {
    let body = serde_json::json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("{reason}: said the server"), "reason": reason, "code": code,
    });
    Response::builder()
        .status(code)
        .body(Body::from(body.to_string().into_bytes()))
        .unwrap()
}

fn config_map(uid: &str) -> Response<Body> {
    let body = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "b", "uid": uid},
    });
    Response::new(Body::from(body.to_string().into_bytes()))
}

fn wanted() -> ConfigMap {
    serde_json::from_value(serde_json::json!({"metadata": {"name": "a", "namespace": "b"}})).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_apply_is_one_server_side_patch_of_the_whole_object_under_its_owner() {
    let (cluster, mut handle) = scripted();
    let server = tokio::spawn(async move {
        let (request, send) = handle.next_request().await.unwrap();
        assert_eq!(request.method(), "PATCH");
        assert_eq!(
            request.uri().to_string(),
            "/api/v1/namespaces/b/configmaps/a?&force=true&fieldManager=alga-appliance-setup"
        );
        assert_eq!(request.headers()["content-type"], "application/apply-patch+yaml");
        send.send_response(config_map("7"));
    });
    let live = cluster.apply(Owner::Setup, &wanted()).await.unwrap();
    assert_eq!(live.metadata.uid.as_deref(), Some("7"));
    server.await.unwrap();
    assert_eq!(cluster.meter().requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_passes_by_itself_is_tried_again_and_counted() {
    let (cluster, mut handle) = scripted();
    tokio::spawn(async move {
        for answer in [
            status(429, "TooManyRequests"),
            status(503, "ServiceUnavailable"),
            config_map("7"),
        ] {
            handle.next_request().await.unwrap().1.send_response(answer);
        }
    });
    assert!(cluster.get::<ConfigMap>(Some("b"), "a").await.unwrap().is_some());
    assert_eq!(cluster.meter().requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_and_names_what_was_tried() {
    for (code, reason, category) in [
        (403, "Forbidden", "cluster-forbidden"),
        (422, "Invalid", "cluster-refused"),
        (401, "Unauthorized", "cluster-forbidden"),
    ] {
        let (cluster, mut handle) = scripted();
        tokio::spawn(async move {
            handle
                .next_request()
                .await
                .unwrap()
                .1
                .send_response(status(code, reason));
        });
        let error = cluster.apply(Owner::Setup, &wanted()).await.unwrap_err();
        assert_eq!(error.category(), category);
        assert!(!error.transient());
        let text = crate::process::chain(&error);
        assert!(
            text.starts_with("applying ConfigMap b/a") && text.contains("said the server"),
            "{text}"
        );
        assert_eq!(cluster.meter().requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_ends_at_the_deadline() {
    let (cluster, handle) = scripted();
    let error = cluster.get::<ConfigMap>(Some("b"), "a").await.unwrap_err();
    assert!(matches!(error, ClusterError::TooSlow { .. }), "{error:?}");
    assert!(error.transient());
    drop(handle);
}

#[tokio::test(start_paused = true)]
async fn create_leaves_what_somebody_else_made() {
    let (cluster, mut handle) = scripted();
    tokio::spawn(async move {
        handle
            .next_request()
            .await
            .unwrap()
            .1
            .send_response(status(409, "AlreadyExists"));
        handle
            .next_request()
            .await
            .unwrap()
            .1
            .send_response(config_map("theirs"));
    });
    match cluster.create(Owner::Setup, &wanted()).await.unwrap() {
        Created::Existed(live) => assert_eq!(live.metadata.uid.as_deref(), Some("theirs")),
        Created::Made(live) => panic!("{live:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_absent_object_is_an_answer_and_its_deletion_a_success() {
    let (cluster, mut handle) = scripted();
    tokio::spawn(async move {
        for _ in 0..2 {
            handle
                .next_request()
                .await
                .unwrap()
                .1
                .send_response(status(404, "NotFound"));
        }
    });
    assert!(cluster.get::<ConfigMap>(Some("b"), "a").await.unwrap().is_none());
    cluster.delete::<ConfigMap>(Some("b"), "a").await.unwrap();
}
