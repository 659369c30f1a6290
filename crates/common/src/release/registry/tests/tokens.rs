//! Getting, using, keeping and losing tokens.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const OURS: &str = "service={host}&scope=repository%3Anine-minds%2Falga-appliance-release%3Apull";

/// A registry that wants `Bearer good`, with `challenge`, and answers other requests with `token`.
async fn wanting(challenge: Option<&'static str>, token: fn(&Request) -> Reply) -> (WebServer, Registry) {
    serving(move |request| match request.header("authorization") {
        Some("Bearer good") => release().reply(request),
        _ if request.target.starts_with("/v2/") => match challenge {
            Some(challenge) => Reply::status(401).header("WWW-Authenticate", challenge),
            None => Reply::status(401),
        },
        _ => token(request),
    })
    .await
}

#[tokio::test]
async fn without_a_usable_challenge_the_token_is_where_it_always_was() {
    for challenge in [
        None,
        Some("Basic realm=\"x\""),
        Some("Bearer nonsense"),
        Some("Bearer realm=\"not a url\""),
        Some("Bearer realm=\"http://auth.example/token\""),
        Some("Bearer realm=\"http://user@127.0.0.1:1/token\""),
    ] {
        let (server, registry) = wanting(challenge, |_| Reply::ok(r#"{"token":"good"}"#)).await;
        stable(&registry).await.unwrap();
        let host = server.address().to_string().replace(':', "%3A");
        assert_eq!(
            targets(&server)[1],
            format!("/token?{}", OURS.replace("{host}", &host)),
            "{challenge:?}"
        );
        assert_eq!(server.requests()[1].header("authorization"), None);
    }
}

#[tokio::test]
async fn a_challenge_says_where_but_not_what_for() {
    let auth = WebServer::start(|_| Reply::ok(r#"{"access_token":"good"}"#))
        .await
        .unwrap();
    let challenge = format!(
        r#"Bearer scope="repository:other/secret:push",realm="http://{}/auth?account=x",SERVICE="reg, one""#,
        auth.address()
    );
    let (server, registry) = serving(move |request| match request.header("authorization") {
        Some("Bearer good") => release().reply(request),
        _ => Reply::status(401).header("WWW-Authenticate", challenge.clone()),
    })
    .await;
    stable(&registry).await.unwrap();
    let asked = OURS.replace("{host}", "reg%2C+one");
    assert_eq!(targets(&auth), [format!("/auth?account=x&{asked}")]);
    assert_eq!(auth.requests()[0].header("authorization"), None);
    assert_eq!(server.requests().len(), 3, "refused, manifest, blob");
}

#[tokio::test]
async fn a_token_comes_under_either_name_and_nothing_else_is_one() {
    let outcome = |reply: fn(&Request) -> Reply| async move {
        let (_server, registry) = wanting(None, reply).await;
        stable(&registry)
            .await
            .map_err(|error| (error.operation().as_str(), error.category().as_str()))
    };
    assert!(outcome(|_| Reply::ok(r#"{"access_token":"good"}"#)).await.is_ok());
    assert!(
        outcome(|_| Reply::ok(r#"{"token":"","access_token":"good"}"#))
            .await
            .is_ok()
    );
    for bad in [
        |_: &Request| Reply::ok("{}"),
        |_: &Request| Reply::ok("[]"),
        |_: &Request| Reply::ok(r#"{"token":""}"#),
        |_: &Request| Reply::ok(r#"{"token":5}"#),
        |_: &Request| Reply::ok(r#"{"token":"a\nb"}"#),
        |_: &Request| Reply::ok("<html>sign in</html>"),
        |_: &Request| Reply::ok("x".repeat(70_000)),
        |_: &Request| Reply::endless(),
        |_: &Request| Reply::status(204),
        |_: &Request| Reply::status(404),
    ] {
        assert_eq!(outcome(bad).await.unwrap_err(), ("token", "protocol"));
    }
    assert_eq!(
        outcome(|_| Reply::status(403)).await.unwrap_err(),
        ("token", "http-403")
    );
    assert_eq!(
        outcome(|_| Reply::ok(r#"{"token":"bad"}"#)).await.unwrap_err(),
        ("manifest", "http-401")
    );
}

#[tokio::test]
async fn a_token_is_kept_until_the_registry_refuses_it() {
    let issued = AtomicUsize::new(0);
    let refused = AtomicUsize::new(0);
    let (server, registry) = serving(move |request| {
        let newest = || format!("Bearer t{}", issued.load(Ordering::SeqCst));
        if request.target.starts_with("/token") {
            let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
            return Reply::ok(format!(r#"{{"token":"t{number}"}}"#));
        }
        // The fifth request with a token finds it expired.
        let used = request.header("authorization").is_some_and(|it| it == newest());
        if used && refused.fetch_add(1, Ordering::SeqCst) != 4 {
            release().reply(request)
        } else {
            Reply::status(401)
        }
    })
    .await;
    let tokens = || {
        targets(&server)
            .iter()
            .filter(|target| target.starts_with("/token"))
            .count()
    };
    stable(&registry).await.unwrap();
    stable(&registry).await.unwrap();
    assert_eq!(tokens(), 1);
    stable(&registry).await.unwrap();
    assert_eq!(tokens(), 2);
}

#[tokio::test]
async fn a_token_ends_when_it_says_and_a_registry_without_tokens_gets_none() {
    let (server, registry) = wanting(None, |_| Reply::ok(r#"{"token":"good","expires_in":0}"#)).await;
    stable(&registry).await.unwrap();
    let tokens = targets(&server)
        .iter()
        .filter(|target| target.starts_with("/token"))
        .count();
    assert_eq!(tokens, 2, "one for the manifest, one for the blob");

    let (server, registry) = serving(|request| release().reply(request)).await;
    stable(&registry).await.unwrap();
    assert!(
        targets(&server)
            .iter()
            .all(|target| !target.starts_with("/token"))
    );
}
