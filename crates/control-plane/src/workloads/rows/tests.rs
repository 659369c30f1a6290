use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Pod};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn object<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn deployment(name: &str) -> Deployment {
    object(json!({
        "metadata": {
            "name": name, "namespace": "msp", "uid": format!("uid-{name}"), "generation": 3,
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {
            "replicas": 2, "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"containers": [{"name": "c", "image": "example/c:1"}]}},
        },
        "status": {
            "readyReplicas": 1, "observedGeneration": 2,
            "conditions": [{"type": "Available", "status": "False", "reason": "Short"}],
        },
    }))
}

fn set(name: &str, made: &str, owners: &Value) -> Set {
    Set::from(object::<ReplicaSet>(json!({
        "metadata": {
            "name": name, "namespace": "msp", "labels": {"app": "web"}, "ownerReferences": owners,
            "creationTimestamp": made,
        },
        "spec": {"replicas": 0, "selector": {}},
    })))
}

fn owner(kind: &str, name: &str, uid: &str) -> Value {
    json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid}])
}

fn sets_of(deployments: Vec<Deployment>, sets: &[Set]) -> Vec<(String, Vec<String>)> {
    let rows = joined(deployments, sets).into_iter();
    rows.map(|row| {
        (
            row.name,
            row.replica_sets.into_iter().map(|set| set.name).collect(),
        )
    })
    .collect()
}

#[test]
fn replica_sets_belong_to_their_owner_and_the_newest_is_first() {
    let sets = [
        set(
            "old",
            "2026-01-01T00:00:00Z",
            &owner("Deployment", "web", "uid-web"),
        ),
        set(
            "new",
            "2026-01-03T00:00:00Z",
            &owner("Deployment", "other-name", "uid-web"),
        ),
        set(
            "by-name",
            "2026-01-02T00:00:00Z",
            &owner("Deployment", "web", "gone"),
        ),
        set(
            "foreign",
            "2026-01-04T00:00:00Z",
            &owner("Rollout", "web", "uid-web"),
        ),
        set("orphan", "2025-01-01T00:00:00Z", &json!([])),
    ];
    let found = sets_of(vec![deployment("web"), deployment("api")], &sets);
    let expected = ["new", "by-name", "old", "orphan"].map(str::to_owned).to_vec();
    assert_eq!(found, [("api".to_owned(), vec![]), ("web".to_owned(), expected)]);
}

#[test]
fn a_deployment_shows_what_is_wanted_and_what_there_is() {
    let row = serde_json::to_value(&joined(vec![deployment("web")], &[])[0]).unwrap();
    let expected = json!({
        "namespace": "msp", "name": "web", "readyReplicas": 1, "replicas": 2, "updatedReplicas": 0,
        "availableReplicas": 0, "generation": 3, "observedGeneration": 2,
        "createdAt": "2026-01-02T03:04:05Z", "strategy": "Recreate",
        "conditions": [{"type": "Available", "status": "False", "reason": "Short", "message": null,
                        "lastTransitionTime": null}],
        "images": ["example/c:1"], "revision": "2", "replicaSets": [],
    });
    assert_eq!(row, expected);
}

#[test]
fn a_pod_says_why_it_is_held_up() {
    let pod: Pod = object(json!({
        "metadata": {"name": "app-1", "namespace": "msp"},
        "spec": {
            "nodeName": "n",
            "initContainers": [{"name": "wait", "image": "example/w:1"}],
            "containers": [
                {"name": "app", "image": "example/a:1", "ports": [{"containerPort": 3000, "name": "http"}]},
                {"name": "side", "image": "example/s:1"},
            ],
        },
        "status": {
            "phase": "Pending", "podIP": "10.0.0.1",
            "conditions": [{"type": "Ready", "status": "False"}],
            "initContainerStatuses": [
                {"name": "wait", "ready": true, "restartCount": 0, "image": "", "imageID": "",
                 "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
            "containerStatuses": [
                {"name": "side", "ready": true, "restartCount": 1, "image": "", "imageID": "",
                 "state": {"running": {}}},
                {"name": "app", "ready": false, "restartCount": 4, "image": "", "imageID": "",
                 "state": {"waiting": {"reason": "ImagePullBackOff"}}}],
        },
    }));
    let row = serde_json::to_value(PodRow::from(pod)).unwrap();
    assert_eq!(row["reason"], "ImagePullBackOff");
    assert_eq!(
        [
            &row["ready"],
            &row["readyContainers"],
            &row["totalContainers"],
            &row["restarts"]
        ],
        [&json!(false), &json!(1), &json!(2), &json!(5)]
    );
    let port = json!([{"name": "http", "containerPort": 3000, "protocol": "TCP"}]);
    assert_eq!(row["containers"][0]["ports"], port);
    assert_eq!(row["containers"][1]["state"], "running");
    assert_eq!(row["initContainers"][0]["state"], "terminated");
    assert_eq!((&row["podIP"], &row["node"]), (&json!("10.0.0.1"), &json!("n")));
}

#[test]
fn objects_without_anything_in_them_are_rows_too() {
    let pod = PodRow::from(Pod::default());
    assert_eq!((pod.ready, pod.total_containers, pod.phase), (false, 0, None));
    assert_eq!(joined(vec![Deployment::default()], &[])[0].replicas, 1);
    let event = EventRow::from(Event::default());
    assert_eq!((event.kind.as_str(), event.reason.as_str()), ("Normal", "Event"));
    assert_eq!((event.timestamp, event.count), (None, 1));
}

#[test]
fn of_many_events_the_newest_are_kept_in_order() {
    let mut newest = Newest::of(3);
    for second in [5, 1, 9, 3, 7] {
        newest.add(EventRow::from(object::<Event>(json!({
            "metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": "msp"},
            "lastTimestamp": format!("2026-01-01T00:00:0{second}Z"), "count": second,
        }))));
    }
    let rows = newest.ascending();
    assert_eq!(rows.iter().map(|row| row.count).collect::<Vec<_>>(), [5, 7, 9]);
    assert_eq!(rows[0].involved_object, "Pod/p");
}
