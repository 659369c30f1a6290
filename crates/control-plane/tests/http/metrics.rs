//! `/metrics`: who may read it where, and what clients can and cannot put into it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use appliance_control_plane::http::Limits;
use axum::http::{Method, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::harness::{Answer, Call, TestBox};

const METRICS_TOKEN: &str = "q3N8kZ0bS1x7vT5d";

async fn read(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream
        .write_all(format!("{request}\r\nhost: x\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn with_token(text: &str) -> TestBox {
    let dir = tempfile::tempdir().unwrap().keep();
    let path = dir.join("token");
    appliance_common::state_file::replace(&path, text.as_bytes(), 0o600).unwrap();
    let mut on = TestBox::with(
        &["--metrics-token-file", path.to_str().unwrap()],
        Limits::default(),
    );
    on.keep(dir);
    on
}

async fn ask(on: &TestBox, method: Method, authorization: &str) -> Answer {
    on.send(Call::new(method, "/metrics").header("authorization", authorization))
        .await
}

#[tokio::test]
async fn the_socket_answers_to_owner_and_group_and_goes_with_the_server() {
    let on = TestBox::new();
    let socket = on.path("metrics.sock");
    // What a process that was killed leaves behind.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let running = on.serve().await;
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let answer = read(&socket, "GET /metrics HTTP/1.1").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    for series in [
        "alga_build_info{version=\"",
        "alga_setup_run{state=\"empty\"} 1.0",
        "alga_setup_step{step=\"preflight\",state=\"pending\"} 1.0",
        "alga_rollup{state=\"installing\"} ",
        "alga_tier{tier=\"loginReady\",signal=\"ready\"} 0.0",
        "alga_blockers{severity=\"critical\"} ",
        "alga_watch_current{kind=\"pods\"} ",
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
        "process_open_fds ",
        "alga_uptime_seconds ",
        "# EOF",
    ] {
        assert!(answer.contains(series), "{series}\n{answer}");
    }
    assert!(
        read(&socket, "GET /api/status HTTP/1.1")
            .await
            .starts_with("HTTP/1.1 404 ")
    );
    assert!(
        read(&socket, "POST /metrics HTTP/1.1")
            .await
            .starts_with("HTTP/1.1 405 ")
    );
    running.stop().await;
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_box_without_the_directory_serves_all_the_same() {
    let on = TestBox::with(
        &["--metrics-socket", "/nonexistent/metrics.sock"],
        Limits::default(),
    );
    let running = on.serve().await;
    super::harness::assert_alive(running.address()).await;
    running.stop().await;
}

#[tokio::test]
async fn on_the_port_there_is_nothing_without_the_token() {
    let bare = TestBox::new();
    let unknown = bare.get("/api/nope").await;
    let right = format!("Bearer {METRICS_TOKEN}");
    let short = with_token("short");
    let on = with_token(&format!("{METRICS_TOKEN}\n"));
    for (on, authorization) in [
        (&bare, right.as_str()),
        (&bare, "Bearer "),
        (&short, "Bearer short"),
        (&on, "Bearer q3N8kZ0bS1x7vT5D"),
        (&on, "Bearer "),
        (&on, METRICS_TOKEN),
        (&on, "Basic q3N8kZ0bS1x7vT5d"),
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = ask(on, method, authorization).await;
            assert_eq!(
                (answer.status, &answer.text),
                (StatusCode::NOT_FOUND, &unknown.text),
                "{authorization}"
            );
            assert_eq!(answer.header("allow"), "");
        }
    }
    let answer = ask(&on, Method::GET, &right).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    assert!(answer.text.contains("alga_setup_run"));
    assert_eq!(
        ask(&on, Method::POST, &right).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn requests_are_counted_by_route_and_nobody_can_make_a_series() {
    let on = with_token(METRICS_TOKEN);
    let cookie = on.configured().await;
    for at in 0..50 {
        on.get(&format!("/api/nope/{at}")).await;
        on.send(Call::new(Method::GET, &format!("/api/status?x={at}")).cookie(&cookie))
            .await;
    }
    on.get("/api/status").await;
    on.get("/healthz").await;
    let text = ask(&on, Method::GET, &format!("Bearer {METRICS_TOKEN}"))
        .await
        .text;
    let counts: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("alga_http_request_duration_seconds_count"))
        .collect();
    for expected in [
        "{route=\"/api/status\",status=\"2xx\"} 50",
        "{route=\"/api/status\",status=\"4xx\"} 1",
        "{route=\"/api/auth/set-password\",status=\"2xx\"} 1",
        "{route=\"/healthz\",status=\"2xx\"} 1",
        "{route=\"none\",status=\"4xx\"} 50",
    ] {
        assert!(counts.contains(&expected), "{expected} {counts:?}");
    }
    assert_eq!(counts.len(), 5, "{counts:?}");
}
