//! Wrong, long, short, slow and odd answers.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A registry whose manifest is `manifest` and whose blob is that of a good release.
async fn with_manifest(manifest: impl Into<Vec<u8>>) -> (WebServer, Registry) {
    let manifest = manifest.into();
    serving(move |request| {
        if is_manifest(request) {
            Reply::ok(manifest.clone())
        } else {
            release().reply(request)
        }
    })
    .await
}

/// A registry whose manifest is that of a good release and whose blob is what `reply` says.
async fn with_blob(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (WebServer, Registry) {
    serving(move |request| {
        if is_blob(request) {
            reply()
        } else {
            release().reply(request)
        }
    })
    .await
}

#[tokio::test]
async fn a_digest_header_that_differs_is_an_integrity_failure() {
    let wrong = Digest::of(b"other").to_string();
    let (server, registry) =
        serving(move |_| Reply::ok(release().manifest).header("Docker-Content-Digest", wrong.clone())).await;
    let error = stable(&registry).await.unwrap_err();
    assert_eq!(error.category(), Category::Integrity);
    assert!(!error.transient() && error.retry_safe());
    assert_eq!(
        server.requests().len(),
        1,
        "neither repeated nor followed by the blob"
    );
}

#[tokio::test]
async fn without_a_digest_header_the_digest_is_computed() {
    let (_server, registry) = with_manifest(release().manifest).await;
    assert_eq!(
        stable(&registry).await.unwrap().manifest_digest,
        Digest::of(&release().manifest)
    );
}

#[tokio::test]
async fn content_that_is_not_what_its_digest_says_is_refused() {
    let (_server, registry) = serving(|request| release().reply(request)).await;
    let asked = Digest::of(b"something else").to_string().parse().unwrap();
    assert_eq!(
        registry.resolve(&asked).await.unwrap_err().category(),
        Category::Integrity
    );

    let mine = Digest::of(&release().manifest).to_string().parse().unwrap();
    assert!(registry.resolve(&mine).await.is_ok());
}

#[tokio::test]
async fn a_blob_of_other_bytes_or_another_size_is_refused() {
    let good = release().config;
    let other = String::from_utf8(good.clone())
        .unwrap()
        .replace("1.0.3", "1.0.4")
        .into_bytes();
    let longer = [good.as_slice(), b" "].concat();
    for bad in [other, longer, good[1..].to_vec(), Vec::new()] {
        let (_server, registry) = with_blob(move || Reply::ok(bad.clone())).await;
        assert_eq!(failure(&registry).await, ("integrity", "integrity"));
    }
}

#[tokio::test]
async fn an_index_has_no_config_descriptor() {
    let (_server, registry) = with_manifest(r#"{"schemaVersion":2,"manifests":[]}"#).await;
    let error = stable(&registry).await.unwrap_err();
    assert!(error.to_string().contains("no config descriptor"), "{error}");
    assert_eq!(error.category(), Category::InvalidManifest);
}

#[tokio::test]
async fn a_config_descriptor_is_checked_before_its_blob_is_asked_for() {
    let digest = Digest::of(b"x");
    for config in [
        r#"{"digest":"sha256:00","size":2}"#.to_owned(),
        r#"{"digest":"../../x","size":2}"#.to_owned(),
        r#"{"digest":5,"size":2}"#.to_owned(),
        format!(r#"{{"digest":"{digest}"}}"#),
        format!(r#"{{"digest":"{digest}","size":1}}"#),
        format!(r#"{{"digest":"{digest}","size":4194305}}"#),
        format!(r#"{{"digest":"{digest}","size":-2}}"#),
        format!(r#"{{"digest":"{digest}","size":2.5}}"#),
        format!(r#"{{"digest":"{digest}","size":"2"}}"#),
    ] {
        let (server, registry) = with_manifest(format!(r#"{{"config":{config}}}"#)).await;
        assert_eq!(
            failure(&registry).await,
            ("validate", "invalid-manifest"),
            "{config}"
        );
        assert_eq!(server.requests().len(), 1, "{config}");
    }
}

#[tokio::test]
async fn json_that_is_too_deep_ambiguous_or_none_is_refused() {
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    for bad in [deep.as_str(), r#"{"a":1,"a":2}"#, "<html>", ""] {
        let (_server, registry) = with_manifest(bad).await;
        assert_eq!(failure(&registry).await, ("parse", "invalid-manifest"), "{bad}");

        let published = Published::new(format!("{bad}  "));
        let (_server, registry) = serving(move |request| published.reply(request)).await;
        assert_eq!(failure(&registry).await, ("parse", "invalid-manifest"), "{bad}");
    }
    let published = Published::new(r#"{"version":"1"}"#);
    let (_server, registry) = serving(move |request| published.reply(request)).await;
    assert_eq!(failure(&registry).await, ("validate", "invalid-manifest"));
}

#[tokio::test]
async fn a_content_encoding_is_refused() {
    let (_server, registry) =
        with_blob(|| Reply::ok(release().config).header("Content-Encoding", "gzip")).await;
    assert_eq!(failure(&registry).await, ("blob", "protocol"));
    let (_server, registry) =
        with_blob(|| Reply::ok(release().config).header("Content-Encoding", "identity")).await;
    assert!(stable(&registry).await.is_ok());
}

#[tokio::test]
async fn response_headers_have_a_limit() {
    for (name, count, size) in [
        ("X-Long", 1, 70_000),
        ("X-Many", 70, 1000),
        ("X-Endless", 1, 1_000_000),
    ] {
        let (_server, registry) = serving(move |request| {
            let reply = release().reply(request);
            (0..count).fold(reply, |reply, _| reply.header(name, "x".repeat(size)))
        })
        .await;
        assert!(stable(&registry).await.is_err(), "{name}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_short_is_asked_for_again_and_then_fails() {
    let (server, registry) = with_blob(|| Reply::cut(release().config)).await;
    let started = Instant::now();
    assert_eq!(failure(&registry).await, ("blob", "connect"));
    assert!(started.elapsed() < PATIENT);
    assert_eq!(
        server.requests().len(),
        4,
        "the manifest, and the blob three times"
    );
}

#[tokio::test]
async fn a_body_that_drips_ends_at_the_deadline() {
    let (_server, registry) = serving_impatiently(|request| {
        if is_blob(request) {
            Reply::dripped(release().config, Duration::from_millis(50))
        } else {
            release().reply(request)
        }
    })
    .await;
    let started = Instant::now();
    assert_eq!(failure(&registry).await.1, "timeout");
    assert!(started.elapsed() < IMPATIENT * 3);
}

#[tokio::test]
async fn a_server_that_says_nothing_ends_at_the_deadline() {
    let (_server, registry) = serving_impatiently(|_| Reply::silence()).await;
    let started = Instant::now();
    assert_eq!(failure(&registry).await, ("manifest", "timeout"));
    assert!(started.elapsed() < IMPATIENT * 3);
}

#[tokio::test]
async fn a_whole_resolve_ends_after_three_deadlines() {
    // Each answer comes in time; the fourth would come too late for the whole.
    let slow = IMPATIENT * 4 / 5;
    let (server, registry) = serving_impatiently(move |request| {
        let answer = match request.header("authorization") {
            None if is_manifest(request) => Reply::status(401),
            None => Reply::ok(r#"{"token":"t"}"#),
            Some(_) => release().reply(request),
        };
        answer.after(slow)
    })
    .await;
    let started = Instant::now();
    assert_eq!(failure(&registry).await.1, "timeout");
    assert!(started.elapsed() < slow * 4 + slow, "{:?}", started.elapsed());
    assert!(server.requests().len() > 1, "no single answer was too late");
}

#[tokio::test]
async fn an_endless_body_is_left_at_the_limit() {
    let (server, registry) = with_blob(Reply::endless).await;
    assert_eq!(failure(&registry).await, ("integrity", "integrity"));
    // What the kernel's socket buffers took beyond what was read.
    assert!(server.sent() < 16 * 1024 * 1024, "{}", server.sent());

    let (server, registry) = serving(|_| Reply::endless()).await;
    assert_eq!(failure(&registry).await, ("manifest", "invalid-manifest"));
    assert!(server.sent() < 20 * 1024 * 1024, "{}", server.sent());
}

/// A registry that answers its first requests with `reply`, and how it then went.
async fn after_failures(count: usize, reply: Reply) -> (usize, Duration, Result<Resolved, RegistryError>) {
    let seen = AtomicUsize::new(0);
    let server = WebServer::start(move |request| match seen.fetch_add(1, Ordering::SeqCst) {
        n if n < count => reply.clone(),
        _ => release().reply(request),
    })
    .await
    .unwrap();
    let registry = registry_at(&server.address().to_string(), PATIENT);
    let started = Instant::now();
    let result = stable(&registry).await;
    (server.requests().len(), started.elapsed(), result)
}

#[tokio::test]
async fn a_registry_that_is_briefly_down_is_asked_again_twice() {
    let (requests, _, result) = after_failures(2, Reply::status(503)).await;
    assert!(result.is_ok(), "{result:?}");
    assert_eq!(requests, 4);

    let (requests, _, result) = after_failures(9, Reply::status(502)).await;
    let error = result.unwrap_err();
    assert_eq!((requests, error.category()), (3, Category::Http5xx));
    assert!(error.transient());
}

#[tokio::test]
async fn a_wait_that_the_registry_asks_for_is_kept() {
    let limited = |seconds: &str| Reply::status(429).header("Retry-After", seconds);
    let (_, took, result) = after_failures(1, limited("1")).await;
    assert!(result.is_ok() && took >= Duration::from_secs(1), "{took:?}");

    let (requests, took, result) = after_failures(1, limited("60")).await;
    let error = result.unwrap_err();
    assert_eq!((requests, error.category()), (1, Category::RateLimited));
    assert_eq!(error.retry_after(), Some(Duration::from_mins(1)));
    assert!(took < Duration::from_secs(1));
}

#[tokio::test]
async fn what_will_not_change_is_not_asked_again() {
    for (status, category) in [
        (404, "not-found"),
        (403, "http-403"),
        (500, "http-5xx"),
        (400, "protocol"),
    ] {
        let (requests, _, result) = after_failures(9, Reply::status(status)).await;
        assert_eq!((requests, result.unwrap_err().category().as_str()), (1, category));
    }
}

#[tokio::test]
async fn a_missing_channel_is_named_with_its_registry() {
    let (server, registry) = serving(|_| Reply::status(404)).await;
    let error = stable(&registry).await.unwrap_err();
    assert_eq!(error.category(), Category::NotFound);
    assert!(!error.transient() && error.retry_safe());
    let text = error.to_string();
    for part in [
        &server.address().to_string(),
        "nine-minds/alga-appliance-release",
        "stable",
        "404",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn unusable_content_of_a_pinned_digest_stays_unusable() {
    let manifest = b"{}".to_vec();
    let pinned: Reference = Digest::of(&manifest).to_string().parse().unwrap();
    let (_server, registry) = with_manifest(manifest).await;
    assert!(!registry.resolve(&pinned).await.unwrap_err().retry_safe());
    assert!(stable(&registry).await.unwrap_err().retry_safe());
}
