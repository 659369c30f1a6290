use appliance_common::testing::{Reply, Request, WebServer};
use serde_json::Value;

use super::*;

const CODE: &str = "K7QPM2RX";
const TENANT: &str = "5c3f3a52-90ab-4cde-8f01-23456789abcd";

fn essentials() -> Reply {
    Reply::ok(format!(r#"{{"tenant_id":"{TENANT}"}}"#))
}

fn service(server: &WebServer) -> LicenseService {
    at(&format!("http://{}/api/", server.address()))
}

fn at(url: &str) -> LicenseService {
    let service = LicenseService::open(url.parse().unwrap(), &OutboundSettings::default()).unwrap();
    LicenseService {
        total: Duration::from_millis(700),
        ..service
    }
}

async fn ask(service: &LicenseService) -> Result<Redemption, RegisterError> {
    service
        .register(&Secret::new(CODE.to_owned()), "appliance-1")
        .await
}

async fn asked(
    script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> Result<Redemption, RegisterError> {
    ask(&service(&WebServer::start(script).await.unwrap())).await
}

/// The kind of failure, and whether the code may be spent.
fn kind(result: Result<Redemption, RegisterError>) -> (&'static str, bool) {
    let error = result.unwrap_err();
    let name = match &error {
        RegisterError::NotSent { .. } => "not sent",
        RegisterError::Unheard { .. } => "unheard",
        RegisterError::Refused(_) => "refused",
        RegisterError::Redirect(_) => "redirect",
        RegisterError::Unusable { .. } => "unusable",
    };
    assert!(!format!("{error:?} {error}").contains(CODE), "{error:?}");
    (name, error.may_be_spent())
}

#[tokio::test]
async fn the_question_is_one_json_post_without_credentials() {
    let server = WebServer::start(|_| essentials()).await.unwrap();
    assert_eq!(ask(&service(&server)).await.unwrap().tenant_id, TENANT);
    let requests = server.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("POST", "/api/register")
    );
    assert_eq!(request.header("content-type"), Some("application/json"));
    for header in ["authorization", "cookie", "referer"] {
        assert_eq!(request.header(header), None, "{header}");
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body, json!({"claim_code": CODE, "appliance_id": "appliance-1"}));
}

#[tokio::test]
async fn a_redirect_that_keeps_the_question_is_followed_and_no_other() {
    for status in [307, 308] {
        let server = WebServer::start(move |request| match request.target.as_str() {
            "/elsewhere" => essentials(),
            _ => Reply::status(status).header("Location", "/elsewhere"),
        });
        let server = server.await.unwrap();
        ask(&service(&server)).await.unwrap();
        let requests = server.requests();
        assert_eq!((requests.len(), requests[1].method.as_str()), (2, "POST"));
        assert_eq!(requests[0].body, requests[1].body);
    }
    for status in [300, 301, 302, 303, 304] {
        let result = asked(move |_| Reply::status(status).header("Location", "/elsewhere")).await;
        assert_eq!(kind(result), ("redirect", false), "{status}");
    }
    for location in [
        "http://192.0.2.1/register",
        "ftp://127.0.0.1/",
        "https://u:p@127.0.0.1/",
    ] {
        let result = asked(move |_| Reply::redirect(location)).await;
        assert_eq!(kind(result), ("redirect", false), "{location}");
    }
    assert_eq!(kind(asked(|_| Reply::status(307)).await), ("redirect", false));
    let server = WebServer::start(|_| Reply::redirect("/again")).await.unwrap();
    assert_eq!(kind(ask(&service(&server)).await), ("redirect", false));
    assert_eq!(server.requests().len(), MAX_HOPS + 1);
}

#[tokio::test]
async fn what_was_not_sent_is_told_from_what_was_not_heard() {
    let gone = WebServer::start(|_| essentials()).await.unwrap().address();
    tokio::task::yield_now().await;
    assert_eq!(
        kind(ask(&at(&format!("http://{gone}"))).await),
        ("not sent", false)
    );
    let server = WebServer::start(|_| essentials()).await.unwrap();
    let tls = at(&format!("https://{}", server.address()));
    assert_eq!(kind(ask(&tls).await), ("not sent", false));
    assert_eq!(kind(asked(|_| Reply::silence()).await), ("unheard", true));
    let body = format!(r#"{{"tenant_id":"{TENANT}"}}"#);
    let cut = body.clone();
    assert_eq!(
        kind(asked(move |_| Reply::cut(cut.clone())).await),
        ("unheard", true)
    );
    let every = Duration::from_millis(100);
    let dripped = asked(move |_| Reply::dripped(body.clone(), every)).await;
    assert_eq!(kind(dripped), ("unheard", true));
}

#[tokio::test]
async fn a_success_without_a_usable_answer_is_kept_for_support() {
    for (reply, begin) in [
        (Reply::ok("<html>Sign in</html>"), "<html>Sign in"),
        (Reply::ok(r#"{"edition":"pro"}"#), r#"{"edition":"#),
        (Reply::status(204), ""),
    ] {
        let error = asked(move |_| reply.clone()).await.unwrap_err();
        assert!(error.may_be_spent());
        let RegisterError::Unusable { answer, .. } = error else {
            panic!("{error:?}")
        };
        assert!(answer.expose().starts_with(begin));
    }
    let packed = asked(|_| essentials().header("Content-Encoding", "gzip")).await;
    assert_eq!(kind(packed), ("unusable", true));
    let server = WebServer::start(|_| Reply::endless()).await.unwrap();
    let error = ask(&service(&server)).await.unwrap_err();
    let RegisterError::Unusable { source, answer } = error else {
        panic!("{error:?}")
    };
    assert_eq!(source, Unusable::TooLong { limit: MAX_BODY });
    assert_eq!(answer.expose().len(), MAX_KEPT);
    assert!(server.sent() < 16 * MAX_BODY as u64, "{}", server.sent());
}

#[tokio::test]
async fn a_refusal_is_read_whatever_its_body_is() {
    let refusal = |status, body: &str| {
        let reply = Reply::ok(body).with_status(status).header("Retry-After", "9");
        asked(move |_| reply.clone())
    };
    let consumed = refusal(409, r#"{"code":"consumed_claim_code","error":"Used."}"#).await;
    let error = consumed.unwrap_err();
    assert!(error.is_used_up() && !error.may_be_spent());
    let RegisterError::Refused(read) = error else {
        panic!("{error:?}")
    };
    assert_eq!(
        (read.words.as_deref(), read.retry_after),
        (Some("Used."), Some(Duration::from_secs(9)))
    );
    assert_eq!(kind(refusal(503, "<html>").await), ("refused", true));
    assert_eq!(kind(refusal(429, "").await), ("refused", false));
    assert_eq!(kind(refusal(404, "{").await), ("refused", false));
    assert_eq!(
        kind(asked(|_| Reply::endless().with_status(500)).await),
        ("refused", true)
    );
}
