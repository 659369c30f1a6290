//! Redirects, and who gets to see the token.

use std::sync::{Arc, OnceLock};

use super::*;

const TOKEN: &str = "canary-token";

/// A registry that wants a token and then answers the blob with `blob`.
async fn guarded(blob: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (WebServer, Registry) {
    serving(move |request| {
        if request.target.starts_with("/token") {
            Reply::ok(format!(r#"{{"token":"{TOKEN}"}}"#))
        } else if is_manifest(request) && request.header("authorization").is_none() {
            Reply::status(401)
        } else if is_manifest(request) {
            release().reply(request)
        } else {
            blob(request)
        }
    })
    .await
}

fn authorized(server: &WebServer, part: &str) -> Vec<bool> {
    let to_part = |request: &Request| request.target.contains(part);
    let found = server.requests().into_iter().filter(to_part);
    found
        .map(|request| request.header("Authorization").is_some())
        .collect()
}

#[tokio::test]
async fn a_redirect_on_the_same_host_keeps_the_token() {
    let (server, registry) = guarded(|request| match request.target.as_str() {
        "/elsewhere" => Reply::ok(release().config),
        _ => Reply::redirect("/elsewhere"),
    })
    .await;
    stable(&registry).await.unwrap();
    assert_eq!(authorized(&server, "/elsewhere"), [true]);
}

#[tokio::test]
async fn another_host_never_sees_the_token_and_coming_back_does_not_bring_it_back() {
    let home = Arc::new(OnceLock::<String>::new());
    let way_back = Arc::clone(&home);
    let other =
        WebServer::start(move |_| Reply::redirect(format!("http://{}/back", way_back.get().unwrap()))).await;
    let other = other.unwrap();
    let away = format!("http://{}/away?signature=s3cret", other.address());
    let (server, registry) = guarded(move |request| match request.target.as_str() {
        "/back" => Reply::ok(release().config),
        _ => Reply::redirect(away.clone()),
    })
    .await;
    home.set(server.address().to_string()).unwrap();
    stable(&registry).await.unwrap();
    assert_eq!(authorized(&server, "/blobs/"), [true]);
    assert_eq!(authorized(&other, "/away"), [false]);
    assert_eq!(authorized(&server, "/back"), [false]);
    assert!(other.requests()[0].header("accept").is_some());
}

#[tokio::test]
async fn five_redirects_are_followed_and_the_sixth_is_not() {
    let hops = |count: usize| {
        guarded(move |request| {
            let done = request
                .target
                .strip_prefix("/hop")
                .and_then(|n| n.parse().ok())
                .unwrap_or(0);
            match done {
                done if done == count => Reply::ok(release().config),
                done => Reply::redirect(format!("/hop{}", done + 1)),
            }
        })
    };
    let (_server, registry) = hops(5).await;
    assert!(stable(&registry).await.is_ok());

    let (server, registry) = hops(6).await;
    let error = stable(&registry).await.unwrap_err();
    assert!(error.to_string().contains("too many redirects"), "{error}");
    assert!(targets(&server).iter().all(|target| target != "/hop6"));
}

#[tokio::test]
async fn manifests_are_followed_too_but_tokens_are_not() {
    let (_server, registry) = serving(|request| match request.target.as_str() {
        "/moved" => Reply::ok(release().manifest),
        _ if is_manifest(request) => Reply::redirect("/moved"),
        _ => release().reply(request),
    })
    .await;
    assert!(stable(&registry).await.is_ok());

    let (server, registry) = serving(|request| match request.target.as_str() {
        target if target.starts_with("/token") => Reply::redirect("/moved"),
        _ => Reply::status(401),
    })
    .await;
    assert_eq!(failure(&registry).await, ("token", "protocol"));
    assert!(!targets(&server).contains(&"/moved".to_owned()));
}

#[tokio::test]
async fn targets_in_clear_elsewhere_or_with_user_information_are_refused_unseen() {
    for target in [
        "http://cdn.example/x?sig=s3cret",
        "http://user:s3cret@127.0.0.1:1/",
        "ftp://127.0.0.1/s3cret",
    ] {
        let (_server, registry) = guarded(move |_| Reply::redirect(target)).await;
        let error = stable(&registry).await.unwrap_err();
        assert_eq!(error.category(), Category::Protocol, "{target}");
        assert!(
            !format!("{error:?}{}", chain(&error)).contains("s3cret"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn errors_hold_neither_tokens_nor_signatures() {
    let dead = "http://127.0.0.1:1/blob?signature=s3cret";
    let (_server, registry) = guarded(move |_| Reply::redirect(dead)).await;
    let error = stable(&registry).await.unwrap_err();
    assert_eq!(error.category(), Category::Connect);
    let shown = format!("{error:?} {} {} {registry:?}", chain(&error), error.next_step());
    assert!(!shown.contains("s3cret") && !shown.contains(TOKEN), "{shown}");
}
