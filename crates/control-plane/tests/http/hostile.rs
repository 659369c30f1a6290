//! Requests that no browser sends.

use axum::http::{Method, StatusCode};
use serde_json::json;

use super::harness::{Call, TestBox, assert_alive, raw};

const HEADERS: [&str; 7] = [
    "x-content-type-options: nosniff\r\n",
    "x-frame-options: DENY\r\n",
    "referrer-policy: no-referrer\r\n",
    "cross-origin-opener-policy: same-origin\r\n",
    "cross-origin-resource-policy: same-origin\r\n",
    "content-security-policy: default-src 'self'; script-src 'self'",
    "content-length: ",
];

#[tokio::test]
async fn malformed_requests_get_an_answer_with_our_headers_and_hurt_nobody() {
    let fresh = TestBox::new();
    let server = fresh.serve().await;
    let long_target = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(9_000));
    let longer_target = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(60_000));
    let long_header = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(17_000));
    let many_headers = format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(200));
    for (request, status) in [
        ("GET // HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 400),
        ("GET /%zz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a b:::\r\nconnection: close\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nconnection: close\r\n\r\n", 400),
        ("GET / HTTP/1.0\r\n\r\n", 400),
        ("GET http://[ HTTP/1.1\r\nhost: x\r\n\r\n", 400),
        (
            "GET http://x/healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            400,
        ),
        ("OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", 400),
        (
            "CONNECT x:80 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            400,
        ),
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/9.9\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n", 400),
        (
            "POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
            400,
        ),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", 400),
        (&long_target, 414),
        (&longer_target, 414),
        (&long_header, 431),
        (&many_headers, 431),
    ] {
        let shown = &request[..request.len().min(60)];
        let answer = raw(server.address(), request.as_bytes()).await.to_lowercase();
        assert!(
            answer.starts_with(&format!("http/1.1 {status} ")) || answer.starts_with("http/1.0 400 "),
            "{shown:?}: {answer}"
        );
        for header in HEADERS {
            assert!(
                answer.contains(&header.to_lowercase()),
                "{shown:?}: {header}: {answer}"
            );
        }
        assert!(answer.contains(r#""code":""#), "{shown:?}: {answer}");
        assert_alive(server.address()).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn nonsense_behind_a_good_request_gets_an_answer_with_our_headers_too() {
    let fresh = TestBox::new();
    let server = fresh.serve().await;
    for good in [
        "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /healthz HTTP/1.0\r\nhost: x\r\nconnection: keep-alive\r\n\r\n",
        "POST /api/auth/redeem-token HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}",
    ] {
        let both = raw(server.address(), format!("{good}non(sense\r\n\r\n").as_bytes()).await;
        let (_, refusal) = both.rsplit_once("HTTP/1.").unwrap();
        let refusal = refusal.to_lowercase();
        assert!(refusal.contains(" 400 bad request\r\n"), "{both}");
        for header in HEADERS {
            assert!(refusal.contains(&header.to_lowercase()), "{header}: {both}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn unknown_addresses_are_not_found_or_the_pages_and_never_anything_else() {
    let fresh = TestBox::new();
    for path in [
        "/api/nope",
        "/api",
        "/api/",
        "/api/auth/state/",
        "/whatever.js",
        "/..%2f..%2fetc/passwd.txt",
    ] {
        let answer = fresh.get(path).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::NOT_FOUND, "not_found"),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let shell = fresh.get("/").await.text;
    for path in ["/whatever", "/..%2f..%2fetc/passwd", "/%2e%2e/x", "/a%00b"] {
        let answer = fresh.get(path).await;
        assert!(answer.text == shell, "{path} shows the pages and nothing else");
    }
    let posted = fresh.post("/whatever", json!({})).await;
    assert_eq!(posted.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones_signed_in_or_not() {
    let fresh = TestBox::new();
    for (method, path, allow) in [
        (Method::DELETE, "/api/auth/state", "GET, HEAD"),
        (Method::POST, "/api/auth/state", "GET, HEAD"),
        (Method::GET, "/api/auth/login", "POST"),
        (Method::GET, "/api/auth/logout", "POST"),
        (Method::OPTIONS, "/api/auth/login", "POST"),
        (Method::GET, "/api/auth/logout-all", "POST"),
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::POST, "/setup", "GET, HEAD"),
        (Method::PUT, "/", "GET, HEAD"),
    ] {
        let answer = fresh.send(Call::new(method.clone(), path)).await;
        assert_eq!(
            (answer.status, answer.header("allow"), answer.code()),
            (StatusCode::METHOD_NOT_ALLOWED, allow, "method_not_allowed"),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn the_setup_route_asks_for_a_session_before_it_looks_at_the_method() {
    let fresh = TestBox::new();
    let stranger = fresh.get("/api/setup").await;
    assert_eq!(
        (stranger.status, stranger.code()),
        (StatusCode::UNAUTHORIZED, "unauthenticated")
    );
    let cookie = fresh.configured().await;
    let operator = fresh
        .send(Call::new(Method::GET, "/api/setup").cookie(&cookie))
        .await;
    assert_eq!(
        (operator.status, operator.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
}

#[tokio::test]
async fn a_submission_that_is_no_json_object_is_told_so() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    for body in ["", "{", "null", "[]", "1"] {
        let call = Call::new(Method::POST, "/api/setup").cookie(&cookie).text(body);
        let answer = fresh.send(call).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, "invalid_json"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let fresh = TestBox::new();
    let server = fresh.serve().await;
    for path in ["/healthz", "/api/auth/state", "/"] {
        let ask = |method| format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let get = raw(server.address(), ask("GET").as_bytes()).await;
        let head = raw(server.address(), ask("HEAD").as_bytes()).await;
        let without_date = |text: &str| {
            let head = text.split("\r\n\r\n").next().unwrap();
            head.lines()
                .filter(|line| !line.starts_with("date:"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(without_date(&get), without_date(&head), "{path}");
        assert!(head.ends_with("\r\n\r\n"), "{path}: {head}");
    }
    server.stop().await;
}

#[tokio::test]
async fn every_answer_has_the_headers_and_the_pages_need_no_session() {
    let fresh = TestBox::new();
    for path in [
        "/",
        "/setup",
        "/setup/",
        "/healthz",
        "/api/auth/state",
        "/api/nope",
        "/nope",
        "//",
    ] {
        let answer = fresh.get(path).await;
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(
            !answer
                .headers
                .keys()
                .any(|name| name.as_str().starts_with("access-control")),
            "{path}"
        );
    }
    for path in ["/", "/setup", "/setup/"] {
        let page = fresh.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(page.text.starts_with("<!doctype html>"), "{path}");
        for script in page.text.split("<script").skip(1) {
            let (tag, content) = script.split_once('>').unwrap();
            assert!(
                tag.contains("src=\"/") && content.starts_with("</script>"),
                "{path}: {tag}"
            );
        }
    }
}

#[tokio::test]
async fn a_damaged_state_file_never_reopens_the_wizard() {
    let fresh = TestBox::new();
    fresh.write("install-state.json", br#"{"status":"installed"}"#);
    assert_eq!(fresh.get("/healthz").await.text, r#"{"ok":true,"mode":"status"}"#);
    let setup = fresh.get("/setup").await;
    assert_eq!(
        (setup.status, setup.header("location")),
        (StatusCode::SEE_OTHER, "/")
    );
    fresh.write("install-state.json", b"{\"status\":\"inst");
    let health = fresh.get("/healthz").await;
    assert_eq!(
        health.body,
        json!({"ok": true, "mode": "status", "stateUnreadable": true})
    );
    let state = fresh.get("/api/auth/state").await;
    assert_eq!(
        (&state.body["mode"], &state.body["stateUnreadable"]),
        (&json!("status"), &json!(true))
    );
    std::fs::remove_file(fresh.path("install-state.json")).unwrap();
    assert_eq!(fresh.get("/healthz").await.body["mode"], "setup");
}

#[tokio::test]
async fn a_state_file_without_a_status_is_damaged_wherever_it_is_shown() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    for text in ["{", "{}", "[]", r#"{"status":""}"#, r#"{"status":7}"#] {
        fresh.write("install-state.json", text.as_bytes());
        let submit = Call::new(Method::POST, "/api/setup")
            .cookie(&cookie)
            .json(json!({}));
        let submit = fresh.send(submit).await;
        assert_eq!(
            (submit.status, submit.code()),
            (StatusCode::CONFLICT, "state_unreadable"),
            "{text}"
        );
        let status = fresh
            .send(Call::new(Method::GET, "/api/status").cookie(&cookie))
            .await;
        assert_eq!(status.body["stateUnreadable"], true, "{text}");
        assert_eq!(status.body["rollup"]["state"], "blocked", "{text}");
    }
}

#[tokio::test]
async fn a_setup_that_the_shipped_product_left_blocked_can_be_edited() {
    let fresh = TestBox::new();
    let blocked = json!({"status": "runtime-values-blocked", "phase": "registry-release-source",
                         "failure": {"step": "redeem-install-code"}});
    fresh.write("install-state.json", blocked.to_string().as_bytes());
    let state = fresh.get("/api/auth/state").await;
    assert_eq!(state.body["setupReEditable"], true);
    assert_eq!(fresh.get("/setup").await.status, StatusCode::OK);
    fresh.write("install-state.json", br#"{"status":"release-config-complete"}"#);
    let state = fresh.get("/api/auth/state").await;
    assert_eq!(state.body["setupReEditable"], false);
    assert_eq!(fresh.get("/setup").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_list_of_names_shuts_others_out_but_not_the_probe() {
    let fresh = TestBox::with(
        &["--allowed-hosts=box.lan"],
        appliance_control_plane::http::Limits::default(),
    );
    let server = fresh.serve().await;
    for (path, host, status) in [
        ("/api/auth/state", "attacker.example", 421),
        ("/", "attacker.example", 421),
        ("/healthz", "attacker.example", 200),
        ("/api/auth/state", "box.lan:8080", 200),
        ("/api/auth/state", "127.0.0.1", 200),
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        let answer = raw(server.address(), request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path} {host}: {answer}"
        );
    }
    server.stop().await;
}
