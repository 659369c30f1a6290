//! Lists of which one object cannot be understood: it is left out and named, and the others are shown.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::api::{Api, page};
use super::harness::{Answer, Call};

/// In each list the second of three is no object of its kind; in its place stands what nobody may see.
async fn cluster() -> Api {
    Api::answering(|asked| {
        let path = asked.target.split('?').next().unwrap_or_default();
        let named = |name: &str, more: Value| {
            let mut object = json!({"metadata": {"name": name, "namespace": "msp"}});
            object
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            object
        };
        let unclear = match path.rsplit('/').next().unwrap() {
            "pods" => json!({"spec": {"containers": [{"name": "c", "env": "canary-of-pods"}]}}),
            "deployments" => json!({"spec": {"replicas": "canary-of-deployments"}}),
            "replicasets" => json!({"status": "canary-of-replica-sets"}),
            "namespaces" => json!({"status": ["canary-of-namespaces"]}),
            _ => json!({"count": "canary-of-events"}),
        };
        let good = || json!({});
        page(
            &[
                named("first", good()),
                named("odd", unclear),
                named("third", good()),
            ],
            "",
        )
    })
    .await
}

fn names(answer: &Answer, key: &str) -> Vec<Value> {
    let rows = answer.body[key].as_array().unwrap();
    rows.iter().map(|row| row["name"].clone()).collect()
}

#[tokio::test]
async fn one_object_that_is_no_object_is_left_out_of_its_list_and_named() {
    let api = cluster().await;
    let on = api.a_box();
    let cookie = on.configured().await;
    for (path, kinds) in [
        ("namespaces", &["Namespace"][..]),
        ("deployments", &["Deployment", "ReplicaSet"]),
        ("pods", &["Pod"]),
        ("events", &["Event"]),
    ] {
        let call = Call::new(Method::GET, &format!("/api/k8s/{path}")).cookie(&cookie);
        let answer = on.send(call).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        if path == "events" {
            assert_eq!(answer.body["events"].as_array().unwrap().len(), 2);
        } else {
            assert_eq!(names(&answer, path), ["first", "third"], "{path}");
        }
        let left_out = &answer.body["leftOut"];
        assert_eq!(left_out["count"], kinds.len(), "{path}: {left_out}");
        for (object, kind) in left_out["objects"].as_array().unwrap().iter().zip(kinds) {
            assert_eq!(
                (&object["kind"], &object["namespace"], &object["name"]),
                (&json!(kind), &json!("msp"), &json!("odd"))
            );
            assert!(
                object["why"].as_str().unwrap().starts_with("expected "),
                "{object}"
            );
        }
        assert!(!answer.text.contains("canary"), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_list_that_is_understood_says_that_nothing_was_left_out() {
    let api = Api::answering(|_| page(&[json!({"metadata": {"name": "a", "namespace": "msp"}})], "")).await;
    let on = api.a_box();
    let cookie = on.configured().await;
    let call = Call::new(Method::GET, "/api/k8s/pods").cookie(&cookie);
    let answer = on.send(call).await;
    assert_eq!(answer.body["leftOut"], json!({"count": 0, "objects": []}));
}
