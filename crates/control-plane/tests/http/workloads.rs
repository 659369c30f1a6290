//! `/api/k8s/*` and `/api/workloads/*` against an API server that says what the test says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use appliance_common::state_file::FileLock;
use appliance_control_plane::http::{Front, Limits};
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use super::api::{Api, box_of, declined, page, reply};
use super::harness::{Answer, Call, HOST, PEER, TestBox};

/// A condition that never comes ends the test.
const PATIENCE: Duration = Duration::from_mins(1);

async fn get(on: &TestBox, cookie: &str, path: &str) -> Answer {
    on.send(Call::new(Method::GET, path).cookie(cookie)).await
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "msp"}, "spec": {"containers": []}})
}

/// Nobody answers here.
async fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}

#[tokio::test]
async fn without_a_session_or_with_a_name_that_is_none_the_cluster_is_not_asked() {
    let api = Api::answering(|_| page(&[], "")).await;
    let on = api.a_box();
    let cookie = on.configured().await;
    for path in [
        "namespaces",
        "deployments",
        "pods",
        "events",
        "logs?pod=a",
        "access-capability",
    ] {
        let answer = on.get(&format!("/api/k8s/{path}")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "unauthenticated"),
            "{path}"
        );
    }
    let long = "a".repeat(300);
    for name in ["a%3Brm", "Msp", "-x", "a/b", "%00", long.as_str()] {
        for path in ["deployments?", "pods?", "events?", "logs?pod=a&"] {
            let answer = get(&on, &cookie, &format!("/api/k8s/{path}namespace={name}")).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::BAD_REQUEST, "invalid_query"),
                "{path} {name}"
            );
        }
    }
    for query in [
        "",
        "pod=",
        "pod=a%3Brm%20-rf",
        "pod=..%2Fx",
        "pod=a&container=x%3By",
        "pod=a&namespace=all",
        "pod=a&tail=abc",
        "pod=a&tail=0",
        "pod=a&tail=-5",
        "pod=a&tail=1.5",
        "pod=a&previous=maybe",
        "pod=a&follow=2",
    ] {
        let answer = get(&on, &cookie, &format!("/api/k8s/logs?{query}")).await;
        let expected = match query {
            // A namespace may be called so; it is asked for, and that is all.
            "pod=a&namespace=all" => StatusCode::OK,
            _ => StatusCode::BAD_REQUEST,
        };
        assert_eq!(answer.status, expected, "{query}");
    }
    assert_eq!(api.asked().len(), 1);
}

#[tokio::test]
async fn a_list_is_read_page_by_page_and_anew_when_the_server_forgot_the_place() {
    let forgot = AtomicUsize::new(0);
    let api = Api::answering(move |asked| {
        let items = |from: usize| {
            (from..from + 100)
                .map(|at| pod(&format!("p-{at:03}")))
                .collect::<Vec<_>>()
        };
        match asked.target.split_once("continue=") {
            None => page(&items(0), "second"),
            Some((_, "second")) if forgot.fetch_add(1, Ordering::SeqCst) == 0 => {
                declined(410, "Expired", "The provided continue parameter is too old")
            }
            Some((_, "second")) => page(&items(100), ""),
            Some(_) => declined(400, "BadRequest", "no such place"),
        }
    })
    .await;
    let on = api.a_box();
    let cookie = on.configured().await;
    let answer = get(&on, &cookie, "/api/k8s/pods?namespace=_all").await;
    assert_eq!(
        (answer.status, &answer.body["namespace"]),
        (StatusCode::OK, &json!("all"))
    );
    let pods = answer.body["pods"].as_array().unwrap();
    assert_eq!(pods.len(), 200);
    assert_eq!(pods[199]["name"], "p-199");
    let asked = api.asked();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert!(
        asked
            .iter()
            .all(|asked| asked.target.starts_with("/api/v1/pods?") && asked.target.contains("limit=500"))
    );
}

/// 30, case 51: 150 pods of more than 2 MB.
#[tokio::test]
async fn a_long_list_is_shown_whole() {
    let api = Api::answering(|_| {
        let pods = (0..150).map(|at| {
            let mut pod = pod(&format!("p-{at:03}"));
            pod["metadata"]["annotations"] = json!({"notes": "n".repeat(16 * 1024)});
            pod
        });
        let (status, body) = page(&pods.collect::<Vec<_>>(), "");
        assert!(body.len() > 2 * 1024 * 1024, "{}", body.len());
        (status, body)
    })
    .await;
    let on = api.a_box();
    let cookie = on.configured().await;
    let answer = get(&on, &cookie, "/api/k8s/pods?namespace=all").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["pods"].as_array().unwrap().len(), 150);
    assert_eq!(answer.body["leftOut"]["count"], 0);
}

#[tokio::test]
async fn deployments_are_shown_without_their_replica_sets_when_those_cannot_be_read() {
    let api = Api::answering(|asked| {
        if asked.target.contains("replicasets") {
            return declined(403, "Forbidden", "replicasets is forbidden: User canary");
        }
        page(&[json!({"metadata": {"name": "web", "namespace": "msp"}})], "")
    })
    .await;
    let on = api.a_box();
    let cookie = on.configured().await;
    let answer = get(&on, &cookie, "/api/k8s/deployments").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.body["deployments"][0]["replicaSets"], json!([]));
}

#[tokio::test]
async fn each_way_the_cluster_can_fail_has_a_code_and_none_of_its_words() {
    for (status, body, code) in [
        (
            403,
            declined(403, "Forbidden", "canary-words"),
            "cluster_forbidden",
        ),
        (
            404,
            declined(404, "NotFound", "canary-words"),
            "cluster_kind_missing",
        ),
        (422, declined(422, "Invalid", "canary-words"), "cluster_refused"),
        (200, (200, b"canary-words".to_vec()), "cluster_answer_unusable"),
        (
            500,
            declined(500, "InternalError", "canary-words"),
            "cluster_unreachable",
        ),
    ] {
        let api = Api::answering(move |_| body.clone()).await;
        let on = api.a_box();
        let cookie = on.configured().await;
        let answer = get(&on, &cookie, "/api/k8s/namespaces").await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_GATEWAY, code),
            "{status}"
        );
        assert!(!answer.text.contains("canary"), "{}", answer.text);
        assert!(answer.body["correlationId"].is_string());
    }
    let on = box_of(nowhere().await);
    let cookie = on.configured().await;
    let answer = get(&on, &cookie, "/api/k8s/pods").await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::BAD_GATEWAY, "cluster_unreachable")
    );
    let bare = TestBox::with(&["--kubeconfig", "/nonexistent/kubeconfig"], Limits::default());
    let cookie = bare.configured().await;
    let answer = get(&bare, &cookie, "/api/k8s/pods").await;
    assert_eq!(answer.code(), "cluster_not_configured");
}

#[tokio::test]
async fn a_log_keeps_its_end_and_says_what_was_left_out() {
    let mut endless = vec![b'x'; 10 * 1024 * 1024];
    endless.extend_from_slice(b"the end");
    let logs = [
        ("short", b"one\ntw\xffo\n".to_vec()),
        ("endless", endless),
        ("long", "0123456789\n".repeat(200_000).into_bytes()),
    ];
    let api = Api::answering(move |asked| {
        let found = logs
            .iter()
            .find(|(pod, _)| asked.target.contains(&format!("/pods/{pod}/log")));
        (200, found.unwrap().1.clone())
    })
    .await;
    let on = api.a_box();
    let cookie = on.configured().await;
    let short = get(
        &on,
        &cookie,
        "/api/k8s/logs?pod=short&container=app&tail=99999&previous=1",
    )
    .await;
    let expected = json!({
        "namespace": "msp", "pod": "short", "container": "app", "tail": 10_000, "previous": true,
        "lines": ["one", "tw\u{fffd}o"], "truncated": false,
    });
    assert_eq!(short.body, expected);
    let target = api.asked()[0].target.clone();
    for part in ["container=app", "tailLines=10000", "previous=true"] {
        assert!(target.contains(part), "{target}");
    }
    let endless = get(&on, &cookie, "/api/k8s/logs?pod=endless").await;
    assert_eq!(
        (&endless.body["container"], &endless.body["tail"]),
        (&Value::Null, &json!(200))
    );
    assert_eq!(endless.body["truncated"], true);
    let line = endless.body["lines"][0].as_str().unwrap();
    assert!(
        line.ends_with("xthe end") && line.len() == 1024 * 1024,
        "{}",
        line.len()
    );
    let long = get(&on, &cookie, "/api/k8s/logs?pod=long").await;
    let lines = long.body["lines"].as_array().unwrap();
    assert!(
        long.body["truncated"] == true && lines.len() > 90_000,
        "{}",
        lines.len()
    );
    assert!(lines.iter().all(|line| line == "0123456789"));
}

#[tokio::test]
async fn a_log_that_is_not_there_is_told_apart() {
    for (declined, code) in [
        (declined(404, "NotFound", "pods \"a\" not found"), "pod_not_found"),
        (
            declined(
                400,
                "BadRequest",
                "container \"c\" in pod \"a\" is waiting to start: ContainerCreating",
            ),
            "container_not_started",
        ),
        (
            declined(
                400,
                "BadRequest",
                "previous terminated container \"c\" in pod \"a\" not found",
            ),
            "no_previous_run",
        ),
        (
            declined(
                400,
                "BadRequest",
                "a container name must be specified for pod a, choose one of: [c d]",
            ),
            "container_not_named",
        ),
        (
            declined(400, "BadRequest", "container x is not valid for pod a"),
            "container_not_found",
        ),
        (declined(400, "BadRequest", "something new"), "log_unavailable"),
    ] {
        let api = Api::answering(move |_| declined.clone()).await;
        let on = api.a_box();
        let cookie = on.configured().await;
        for follow in ["", "&follow=1"] {
            let answer = get(&on, &cookie, &format!("/api/k8s/logs?pod=a{follow}")).await;
            assert_eq!((answer.status, answer.code()), (StatusCode::BAD_GATEWAY, code));
        }
    }
}

/// An API server whose log is written by the test.
async fn written() -> (Api, mpsc::UnboundedSender<&'static [u8]>) {
    let (write, lines) = mpsc::unbounded_channel::<&'static [u8]>();
    let lines = Arc::new(tokio::sync::Mutex::new(lines));
    let api = Api::playing(move |_, mut stream: TcpStream| {
        let lines = Arc::clone(&lines);
        Box::pin(async move {
            let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n";
            stream.write_all(head).await.unwrap();
            while let Some(text) = lines.lock().await.recv().await {
                stream.write_all(text).await.unwrap();
            }
        })
    })
    .await;
    (api, write)
}

/// The body of a log that is followed.
async fn followed(front: Front, cookie: &str) -> Body {
    let request = Request::get("/api/k8s/logs?pod=a&follow=1&tail=5")
        .header("host", HOST)
        .header("cookie", cookie)
        .body(Body::empty())
        .unwrap();
    let response = front.answer(request, PEER).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    response.into_body()
}

async fn next(body: &mut Body) -> Option<Bytes> {
    let frame = tokio::time::timeout(PATIENCE, body.frame())
        .await
        .expect("an event in time");
    frame.map(|frame| frame.unwrap().into_data().unwrap())
}

#[tokio::test]
async fn a_log_is_followed_line_by_line_to_its_end() {
    let (api, write) = written().await;
    let on = api.a_box();
    let cookie = on.configured().await;
    let mut body = followed(on.front.clone(), &cookie).await;
    assert!(api.asked()[0].target.contains("follow=true") && api.asked()[0].target.contains("tailLines=5"));
    write.send(b"one\ntwo\nthr").unwrap();
    assert_eq!(
        next(&mut body).await.unwrap(),
        "event: line\ndata: [\"one\",\"two\"]\n\n"
    );
    write.send(b"ee\nlast \"word\"").unwrap();
    assert_eq!(
        next(&mut body).await.unwrap(),
        "event: line\ndata: [\"three\"]\n\n"
    );
    drop(write);
    assert_eq!(
        next(&mut body).await.unwrap(),
        "event: line\ndata: [\"last \\\"word\\\"\"]\n\n"
    );
    assert_eq!(
        next(&mut body).await.unwrap(),
        "event: end\ndata: {\"reason\":\"ended\"}\n\n"
    );
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn a_followed_log_ends_with_the_session_and_with_the_server() {
    let (api, _write) = written().await;
    let on = api.a_box();
    let cookie = on.configured().await;
    let app = on.app();
    let front = Front::new(app.clone());
    let mut stopped = followed(front.clone(), &cookie).await;
    app.status.stop();
    assert_eq!(
        next(&mut stopped).await.unwrap(),
        "event: end\ndata: {\"reason\":\"stopping\"}\n\n"
    );
    assert_eq!(next(&mut stopped).await, None);

    let (other_api, _other_write) = written().await;
    let on = other_api.a_box();
    let cookie = on.configured().await;
    let mut body = followed(on.front.clone(), &cookie).await;
    let logout = Call::new(Method::POST, "/api/auth/logout").cookie(&cookie);
    assert_eq!(on.send(logout).await.status, StatusCode::OK);
    // From here on nothing but time passes.
    tokio::time::pause();
    assert_eq!(
        body.frame().await.unwrap().unwrap().into_data().unwrap(),
        ": alive\n\n"
    );
    let end = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(end, "event: end\ndata: {\"reason\":\"signed_out\"}\n\n");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn more_logs_than_there_may_be_are_not_followed_and_a_closed_one_makes_room() {
    let (api, _write) = written().await;
    let on = api.a_box();
    let cookie = on.configured().await;
    let mut open = Vec::new();
    for _ in 0..32 {
        open.push(followed(on.front.clone(), &cookie).await);
    }
    let refused = get(&on, &cookie, "/api/k8s/logs?pod=a&follow=1").await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "too_many_streams")
    );
    assert!(!refused.header("retry-after").is_empty());
    open.pop();
    open.push(followed(on.front.clone(), &cookie).await);
}

#[tokio::test]
async fn eight_calls_are_under_way_at_most() {
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (gate, full) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (opened, filled, highest) = (Arc::clone(&gate), Arc::clone(&full), Arc::clone(&most));
    let api = Api::playing(move |_, stream| {
        let (under_way, most) = (Arc::clone(&under_way), Arc::clone(&highest));
        let (gate, full) = (Arc::clone(&opened), Arc::clone(&filled));
        Box::pin(async move {
            let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(now, Ordering::SeqCst);
            full.add_permits(1);
            gate.acquire().await.unwrap().forget();
            under_way.fetch_sub(1, Ordering::SeqCst);
            let (status, body) = page(&[], "");
            reply(stream, status, body).await;
        })
    })
    .await;
    let on = Arc::new(api.a_box_that_waits());
    let cookie = on.configured().await;
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let (on, cookie) = (Arc::clone(&on), cookie.clone());
            tokio::spawn(async move { get(&on, &cookie, "/api/k8s/pods").await.status })
        })
        .collect();
    full.acquire_many(8).await.unwrap().forget();
    gate.add_permits(20);
    for one in asking {
        assert_eq!(one.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(most.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn when_the_client_goes_the_cluster_is_no_longer_asked() {
    let (asked, mut was_asked) = mpsc::unbounded_channel();
    let (gone, mut has_gone) = mpsc::unbounded_channel();
    let api = Api::playing(move |_, mut stream: TcpStream| {
        let (asked, gone) = (asked.clone(), gone.clone());
        Box::pin(async move {
            asked.send(()).unwrap();
            let mut rest = [0; 1];
            assert_eq!(stream.read(&mut rest).await.unwrap_or(0), 0);
            let _ = gone.send(());
        })
    })
    .await;
    let on = api.a_box_that_waits();
    let cookie = on.loopback_session().await;
    let running = on.serve().await;
    let mut client = TcpStream::connect(running.address()).await.unwrap();
    let request = format!("GET /api/k8s/pods HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    tokio::time::timeout(PATIENCE, was_asked.recv()).await.unwrap();
    drop(client);
    tokio::time::timeout(PATIENCE, has_gone.recv())
        .await
        .expect("the call ends with its client");
    running.stop().await;
}

#[tokio::test]
async fn a_capability_is_asked_for_each_time_and_a_failure_is_not_kept() {
    let stage = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&stage);
    let api = Api::answering(move |asked| {
        assert_eq!(asked.method, "POST");
        let review: Value = serde_json::from_str(&asked.body).unwrap();
        let attributes = &review["spec"]["resourceAttributes"];
        assert_eq!(
            (&attributes["verb"], &attributes["resource"]),
            (&json!("get"), &json!("pods"))
        );
        let answer = |allowed: bool| {
            let body = json!({"metadata": {}, "spec": {}, "status": {"allowed": allowed}});
            (201, body.to_string().into_bytes())
        };
        match now.load(Ordering::SeqCst) {
            0 => declined(403, "Forbidden", "canary"),
            1 => answer(attributes["subresource"] == "exec"),
            _ => answer(true),
        }
    })
    .await;
    let on = api.a_box();
    let cookie = on.configured().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let answer = get(&on, &cookie, "/api/k8s/access-capability").await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.text.contains("canary"));
        seen.push(answer.body["capability"]["state"].as_str().unwrap().to_owned());
        stage.fetch_add(1, Ordering::SeqCst);
    }
    assert_eq!(seen, ["unavailable", "unavailable", "available"]);
}

fn restart(cookie: &str, body: Value) -> Call {
    Call::new(Method::POST, "/api/workloads/restart")
        .cookie(cookie)
        .json(body)
}

/// One that is not there, one that is paused, and all others.
async fn with_deployments() -> Api {
    let deployment = |name: &str, paused: bool| {
        let body = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"paused": paused, "selector": {}, "template": {}},
        });
        (200, body.to_string().into_bytes())
    };
    Api::answering(move |asked| match asked.target.as_str() {
        target if target.contains("/deployments/temporal-worker") => declined(404, "NotFound", "canary"),
        target if target.contains("/deployments/email-service") => deployment("email-service", true),
        _ => deployment("pgbouncer", false),
    })
    .await
}

#[tokio::test]
async fn only_workloads_of_the_list_are_restarted_never_under_the_lock_and_it_is_written_down() {
    let api = with_deployments().await;
    let on = api.a_box();
    let cookie = on.configured().await;
    for body in [
        json!({"namespace": "msp", "name": "db"}),
        json!({"namespace": "msp", "name": "redis"}),
        json!({"namespace": "kube-system", "name": "pgbouncer"}),
        json!({"name": "coredns"}),
        json!({"name": "../pgbouncer"}),
    ] {
        let answer = on.send(restart(&cookie, body)).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, "workload_not_restartable")
        );
    }
    for body in [json!({}), json!({"name": "pgbouncer", "replicas": 0})] {
        assert_eq!(on.send(restart(&cookie, body)).await.code(), "invalid_json");
    }
    let pgbouncer = json!({"namespace": "msp", "name": "pgbouncer"});
    let lock = FileLock::try_acquire(&on.path("update.lock"), "an update").unwrap();
    let busy = on.send(restart(&cookie, pgbouncer.clone())).await;
    assert_eq!(
        (busy.status, busy.code()),
        (StatusCode::CONFLICT, "operation_in_progress")
    );
    assert!(api.asked().is_empty());
    drop(lock);
    let begun = on.send(restart(&cookie, pgbouncer)).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    assert_eq!(begun.body["workload"], "msp/pgbouncer");
    let asked = api.asked();
    let methods: Vec<_> = asked.iter().map(|asked| asked.method.as_str()).collect();
    assert_eq!(methods, ["GET", "PATCH"]);
    let change: Value = serde_json::from_str(&asked[1].body).unwrap();
    let annotations = &change["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(
        annotations["kubectl.kubernetes.io/restartedAt"],
        begun.body["restartedAt"]
    );
    for (name, status, code) in [
        ("temporal-worker", StatusCode::NOT_FOUND, "workload_not_found"),
        ("email-service", StatusCode::CONFLICT, "workload_paused"),
    ] {
        let answer = on.send(restart(&cookie, json!({"name": name}))).await;
        assert_eq!((answer.status, answer.code()), (status, code));
    }
    let audit = on.read("audit.log");
    let lines: Vec<_> = audit
        .lines()
        .filter(|line| line.contains("workload.restart"))
        .collect();
    assert_eq!(lines.len(), 9, "{audit}");
    assert_eq!(lines.iter().filter(|line| line.contains("accepted")).count(), 1);
}

#[tokio::test]
async fn logs_that_take_long_hold_up_no_list_and_lists_hold_up_no_change() {
    let hanging = Arc::new(Semaphore::new(0));
    let hangs = Arc::clone(&hanging);
    let api = Api::playing(move |asked, stream| {
        let hangs = Arc::clone(&hangs);
        Box::pin(async move {
            if asked.target.contains("/log?") || asked.target.contains("replicasets") {
                hangs.add_permits(1);
                std::future::pending::<()>().await;
            }
            let deployment =
                json!({"metadata": {"name": "pgbouncer"}, "spec": {"selector": {}, "template": {}}});
            let is_list = asked.target.contains("limit=");
            let body = if is_list {
                page(&[], "").1
            } else {
                deployment.to_string().into_bytes()
            };
            reply(stream, 200, body).await;
        })
    })
    .await;
    let on = Arc::new(api.a_box_that_waits());
    let cookie = on.configured().await;
    let asking = |path: &'static str| {
        let (on, cookie) = (Arc::clone(&on), cookie.clone());
        tokio::spawn(async move { get(&on, &cookie, path).await })
    };
    let logs: Vec<_> = (0..20).map(|_| asking("/api/k8s/logs?pod=a")).collect();
    hanging.acquire_many(6).await.unwrap().forget();
    let pods = tokio::time::timeout(PATIENCE, asking("/api/k8s/pods"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(pods.status, StatusCode::OK);
    // These two wait for their ReplicaSets, and then every turn is taken.
    let lists: Vec<_> = (0..2).map(|_| asking("/api/k8s/deployments")).collect();
    hanging.acquire_many(2).await.unwrap().forget();
    let restarting = on.send(restart(&cookie, json!({"name": "pgbouncer"})));
    let begun = tokio::time::timeout(PATIENCE, restarting).await.unwrap();
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    for one in logs.into_iter().chain(lists) {
        one.abort();
    }
}
