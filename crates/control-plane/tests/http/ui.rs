//! The web pages as a browser meets them.

use axum::http::{Method, StatusCode};

use super::harness::{Call, TestBox};
use appliance_control_plane::http::Limits;

#[tokio::test]
async fn a_page_is_the_shell_and_a_missing_file_is_missing() {
    let fresh = TestBox::new();
    let home = fresh.get("/").await;
    for page in [
        "/setup",
        "/setup/",
        "/workloads",
        "/manage/",
        "/status",
        "/sign-in",
        "/nope",
    ] {
        let answer = fresh.get(page).await;
        assert_eq!(
            (answer.status, answer.header("content-type"), &answer.text),
            (StatusCode::OK, "text/html; charset=utf-8", &home.text),
            "{page}"
        );
        assert_eq!(answer.header("cache-control"), "no-cache", "{page}");
    }
    for missing in [
        "/assets/nope.js",
        "/favicon.ico",
        "/api",
        "/api/nope",
        "/%61pi/nope",
        "/a/..%2f.env",
    ] {
        let answer = fresh.get(missing).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::NOT_FOUND, "not_found"),
            "{missing}"
        );
    }
}

#[tokio::test]
async fn pages_take_get_and_head_only() {
    let fresh = TestBox::new();
    for path in ["/", "/manage", "/theme.js"] {
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let answer = fresh.send(Call::new(method.clone(), path)).await;
            assert_eq!(
                (answer.status, answer.header("allow"), answer.code()),
                (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD", "method_not_allowed"),
                "{method} {path}"
            );
        }
        let head = fresh.send(Call::new(Method::HEAD, path)).await;
        assert_eq!((head.status, head.text.as_str()), (StatusCode::OK, ""), "{path}");
        assert_ne!(head.header("content-length"), "0", "{path}");
    }
}

#[tokio::test]
async fn everything_the_shell_names_is_there_and_what_has_a_digest_is_kept_for_ever() {
    let fresh = TestBox::new();
    let shell = fresh.get("/").await.text;
    let named: Vec<_> = ["src=\"", "href=\""]
        .iter()
        .flat_map(|attribute| shell.split(attribute).skip(1))
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(named.iter().any(|path| path.starts_with("/assets/")), "{named:?}");
    for path in named {
        let call = Call::new(Method::GET, path).header("accept-encoding", "gzip");
        let answer = fresh.send(call).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let is_kept = answer.header("cache-control") == "public, max-age=31536000, immutable";
        assert_eq!(is_kept, path.starts_with("/assets/"), "{path}");
        let known = Call::new(Method::GET, path)
            .header("accept-encoding", "gzip")
            .header("if-none-match", answer.header("etag"));
        assert_eq!(fresh.send(known).await.status, StatusCode::NOT_MODIFIED, "{path}");
    }
}

#[tokio::test]
async fn pages_of_a_directory_are_shown_instead_of_those_built_in() {
    let pages = tempfile::tempdir().unwrap();
    let file = pages.path().join("index.html");
    appliance_common::state_file::replace(&file, b"<!doctype html>mine", 0o644).unwrap();
    let flag = format!("--status-ui-dir={}", pages.path().display());
    let fresh = TestBox::with(&[&flag], Limits::default());
    assert_eq!(fresh.get("/manage").await.text, "<!doctype html>mine");
    assert_eq!(fresh.get("/theme.js").await.status, StatusCode::NOT_FOUND);
    // Read once at the start: what is changed there later is not shown.
    appliance_common::state_file::replace(&file, b"<!doctype html>other", 0o644).unwrap();
    assert_eq!(fresh.get("/").await.text, "<!doctype html>mine");
}
