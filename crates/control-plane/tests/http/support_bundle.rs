//! `/api/support-bundle`: made once whoever asks, followed, taken away whole or in parts, and removed. There is no
//! cluster and no host agent here: a bundle is made all the same, and says so.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::api::{Api, reply};
use super::harness::{Call, TestBox};

const ROUTE: &str = "/api/support-bundle";

async fn ask(on: &TestBox, cookie: &str, method: Method, path: &str) -> super::harness::Answer {
    on.send(Call::new(method, path).cookie(cookie)).await
}

/// Waits for the end of a job.
async fn ended(on: &TestBox, cookie: &str, id: &str) -> Value {
    loop {
        let job = ask(on, cookie, Method::GET, &format!("{ROUTE}/jobs/{id}")).await;
        assert_eq!(job.status, StatusCode::OK);
        if job.body["state"] != "running" {
            return job.body;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_bundle_is_made_listed_taken_and_removed() {
    let on = TestBox::new();
    let cookie = on.configured().await;
    let made = ask(&on, &cookie, Method::POST, ROUTE).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    assert_eq!(
        (&made.body["partial"], &made.body["phase"]),
        (&true.into(), &"support-bundle".into()),
        "{}",
        made.body
    );
    let path = made.body["bundlePath"].as_str().unwrap();
    let permissions = std::fs::metadata(path).unwrap().permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600);

    let files = ask(&on, &cookie, Method::GET, &format!("{ROUTE}/files")).await;
    let [file] = files.body["files"].as_array().unwrap().as_slice() else {
        panic!("{}", files.body);
    };
    assert_eq!(
        (&file["downloadUrl"], &file["bytes"]),
        (&made.body["downloadUrl"], &made.body["bytes"])
    );
    let url = file["downloadUrl"].as_str().unwrap();
    taken(&on, &cookie, file).await;

    assert_eq!(
        ask(&on, &cookie, Method::DELETE, url).await.status,
        StatusCode::OK
    );
    for method in [Method::GET, Method::DELETE] {
        let gone = ask(&on, &cookie, method, url).await;
        assert_eq!(
            (gone.status, gone.code()),
            (StatusCode::NOT_FOUND, "unknown_bundle")
        );
    }
    let log = on.read("audit.log");
    for event in ["make", "download", "remove"] {
        assert!(log.contains(&format!("support-bundle.{event}")), "{event}: {log}");
    }
}

/// An archive whole, its end, and what is beyond it.
async fn taken(on: &TestBox, cookie: &str, file: &Value) {
    let url = file["downloadUrl"].as_str().unwrap();
    let whole = ask(on, cookie, Method::GET, url).await;
    assert_eq!(
        (
            whole.status,
            whole.header("content-type"),
            whole.header("cache-control"),
            whole.header("content-length"),
        ),
        (
            StatusCode::OK,
            "application/gzip",
            "no-store",
            file["bytes"].to_string().as_str()
        )
    );
    let disposition = format!("attachment; filename=\"{}\"", file["name"].as_str().unwrap());
    assert_eq!(whole.header("content-disposition"), disposition);
    let part = Call::new(Method::GET, url)
        .cookie(cookie)
        .header("range", "bytes=-8");
    let part = on.send(part).await;
    assert_eq!(
        (part.status, part.header("content-length")),
        (StatusCode::PARTIAL_CONTENT, "8")
    );
    let beyond = Call::new(Method::GET, url)
        .cookie(cookie)
        .header("range", "bytes=999999999-");
    let beyond = on.send(beyond).await;
    assert_eq!(
        (beyond.status, beyond.code()),
        (StatusCode::RANGE_NOT_SATISFIABLE, "invalid_range")
    );
}

/// 60, A15; and whoever stops waiting stops nothing.
#[tokio::test]
async fn two_who_ask_at_once_get_the_same_bundle() {
    // The cluster's first answer is held back until both have asked.
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let api = Api::playing(move |_, stream| {
        let held = Arc::clone(&held);
        Box::pin(async move {
            drop(held.acquire().await);
            reply(stream, 503, b"{}".to_vec()).await;
        })
    })
    .await;
    let on = api.a_box();
    let cookie = on.configured().await;
    let at_once = format!("{ROUTE}?async=1");
    let first = ask(&on, &cookie, Method::POST, &at_once).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.body);
    // Gone before it is answered.
    let waiting = ask(&on, &cookie, Method::POST, ROUTE);
    assert!(futures::FutureExt::now_or_never(waiting).is_none());
    let second = ask(&on, &cookie, Method::POST, &at_once).await;
    assert_eq!(second.body, first.body);
    gate.close();
    let job = ended(&on, &cookie, first.body["jobId"].as_str().unwrap()).await;
    assert_eq!(job["state"], "done", "{job}");
    assert_eq!(job["result"]["ok"], true, "{job}");
    let files = ask(&on, &cookie, Method::GET, &format!("{ROUTE}/files")).await;
    assert_eq!(files.body["files"].as_array().unwrap().len(), 1);
    // The next one is another.
    let third = ask(&on, &cookie, Method::POST, ROUTE).await;
    assert_ne!(third.body["jobId"], first.body["jobId"]);
}

#[tokio::test]
async fn what_is_not_a_bundle_is_not_found_and_what_cannot_be_made_says_why() {
    let on = TestBox::new();
    let cookie = on.configured().await;
    on.write("support-bundles", b"a file where the directory belongs");
    let failed = ask(&on, &cookie, Method::POST, ROUTE).await;
    assert_eq!(
        (failed.status, &failed.body["ok"], &failed.body["retrySafe"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &false.into(), &true.into()),
        "{}",
        failed.body
    );
    let job = ended(&on, &cookie, failed.body["jobId"].as_str().unwrap()).await;
    assert_eq!(job["state"], "failed", "{job}");
    std::fs::remove_file(on.path("support-bundles")).unwrap();
    for name in [
        "setup-token",
        "..%2fsetup-token",
        "alga-appliance-support-20260101T000000Z.tar.gz",
    ] {
        let answer = ask(&on, &cookie, Method::GET, &format!("{ROUTE}/files/{name}")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::NOT_FOUND, "unknown_bundle"),
            "{name}"
        );
    }
    let unknown = ask(&on, &cookie, Method::GET, &format!("{ROUTE}/jobs/x")).await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (StatusCode::NOT_FOUND, "unknown_job")
    );
    let query = ask(&on, &cookie, Method::POST, &format!("{ROUTE}?async=maybe")).await;
    assert_eq!(query.code(), "invalid_query");
}
