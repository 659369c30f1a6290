//! `/api/status/stream` over real sockets.

use std::time::Duration;

use appliance_control_plane::Running;
use appliance_control_plane::http::Limits;
use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::harness::{Call, TestBox};

/// Longest time anything that must come is waited for.
const LIMIT: Duration = Duration::from_secs(30);

/// An event as it was sent.
#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

/// A stream that is read event by event.
struct Stream {
    lines: BufReader<TcpStream>,
    head: String,
}

impl Stream {
    async fn open(running: &Running, cookie: &str, more: &str) -> Self {
        let stream = TcpStream::connect(running.address()).await.unwrap();
        Self::begin(stream, cookie, more).await
    }

    async fn begin(mut stream: TcpStream, cookie: &str, more: &str) -> Self {
        let host = stream.peer_addr().unwrap();
        // HTTP/1.0 has no chunks, so what is read is what was sent.
        let request =
            format!("GET /api/status/stream HTTP/1.0\r\nhost: {host}\r\ncookie: {cookie}\r\n{more}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = timeout(LIMIT, lines.read_line(&mut head)).await.expect("a head");
            assert!(read.unwrap() > 0, "the connection ended in the head: {head}");
        }
        Self { lines, head }
    }

    /// The next paragraph: an event or a comment; `None` at the end.
    async fn paragraph(&mut self) -> Option<String> {
        let mut text = String::new();
        while !text.ends_with("\n\n") {
            let read = timeout(LIMIT, self.lines.read_line(&mut text))
                .await
                .expect("something comes");
            if read.ok()? == 0 {
                return None;
            }
        }
        Some(text)
    }

    /// The next event, comments passed over.
    async fn event(&mut self) -> Option<Event> {
        loop {
            let text = self.paragraph().await?;
            let field = |name: &str| {
                text.lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::to_owned)
            };
            if let Some(name) = field("event: ") {
                return Some(Event {
                    name,
                    id: field("id: ").unwrap_or_default(),
                    data: serde_json::from_str(&field("data: ").unwrap()).unwrap(),
                });
            }
        }
    }
}

fn quick() -> Limits {
    Limits {
        stream_alive: Duration::from_millis(100),
        stream_check: Duration::from_millis(100),
        stream_stall: Duration::from_millis(500),
        keep_alive: Duration::from_millis(200),
        ..Limits::default()
    }
}

/// Changes the document: the release that is followed is named otherwise.
fn select(fresh: &TestBox, version: &str) {
    let selection = json!({"selectedChannel": "stable", "selectedReleaseVersion": version});
    fresh.write("release-selection.json", selection.to_string().as_bytes());
}

#[tokio::test]
async fn a_reader_gets_the_document_and_then_what_changes_in_it() {
    let fresh = TestBox::with(&[], quick());
    let cookie = fresh.loopback_session().await;
    let running = fresh.serve().await;
    let mut stream = Stream::open(&running, &cookie, "").await;
    assert!(
        stream.head.contains("content-type: text/event-stream\r\n"),
        "{}",
        stream.head
    );
    assert!(
        stream.head.contains("cache-control: no-store\r\n"),
        "{}",
        stream.head
    );
    assert_eq!(stream.paragraph().await.as_deref(), Some("retry: 2000\n\n"));
    let snapshot = stream.event().await.unwrap();
    assert_eq!(snapshot.name, "snapshot");
    assert_eq!(snapshot.data["schemaVersion"], 2);
    assert!(snapshot.data["ageSeconds"].is_number());
    select(&fresh, "9.9.9");
    let change = loop {
        let event = stream.event().await.unwrap();
        assert_eq!(event.name, "change");
        if event.data["set"]["release"]["selectedReleaseVersion"] == "9.9.9" {
            break event;
        }
    };
    assert_ne!(change.id, snapshot.id);
    assert!(change.data["set"].get("ageSeconds").is_none() && change.data["removed"].is_array());
    assert!(
        change.data["set"].get("kubeconfigPath").is_none(),
        "what did not change is not sent"
    );
    // A stream outlives the time that an idle connection has, and shows that it lives.
    for _ in 0..5 {
        assert_eq!(stream.paragraph().await.as_deref(), Some(": alive\n\n"));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_reader_that_comes_back_gets_no_second_copy_of_what_it_has() {
    let fresh = TestBox::with(&["--kubeconfig", "/nonexistent/kubeconfig"], quick());
    let cookie = fresh.loopback_session().await;
    let running = fresh.serve().await;
    // The observers settle first: then there is one document, and it stays.
    let mut first = Stream::open(&running, &cookie, "").await;
    let mut id = first.event().await.unwrap().id;
    loop {
        let mut alive = 0;
        let changed = loop {
            let text = first.paragraph().await.unwrap();
            match text.lines().find_map(|line| line.strip_prefix("id: ")) {
                Some(newer) => break Some(newer.to_owned()),
                None if alive < 20 => alive += 1,
                None => break None,
            }
        };
        match changed {
            Some(newer) => id = newer,
            None => break,
        }
    }
    let mut again = Stream::open(&running, &cookie, &format!("last-event-id: {id}\r\n")).await;
    assert_eq!(again.paragraph().await.as_deref(), Some("retry: 2000\n\n"));
    assert_eq!(
        again.paragraph().await.as_deref(),
        Some(": alive\n\n"),
        "no snapshot"
    );
    let mut stranger = Stream::open(&running, &cookie, "last-event-id: other-1\r\n").await;
    assert_eq!(stranger.event().await.unwrap().name, "snapshot");
    running.stop().await;
}

/// After any changes the stream says why it ends, and ends.
async fn is_ended(stream: &mut Stream, reason: &str) {
    let end = loop {
        let event = stream.event().await.unwrap();
        if event.name != "change" {
            break event;
        }
    };
    assert_eq!((end.name.as_str(), &end.data["reason"]), ("end", &json!(reason)));
    assert_eq!(stream.event().await, None);
}

#[tokio::test]
async fn a_reader_that_signs_out_is_told_and_let_go() {
    let fresh = TestBox::with(&[], quick());
    let cookie = fresh.loopback_session().await;
    let running = fresh.serve().await;
    let mut stream = Stream::open(&running, &cookie, "").await;
    assert_eq!(stream.event().await.unwrap().name, "snapshot");
    let logout = Call::new(Method::POST, "/api/auth/logout")
        .cookie(&cookie)
        .from([127, 0, 0, 1]);
    assert!(fresh.send(logout).await.status.is_success());
    is_ended(&mut stream, "signed_out").await;
    running.stop().await;
}

#[tokio::test]
async fn a_stop_tells_every_reader_and_waits_for_none() {
    let fresh = TestBox::with(&[], Limits::default());
    let cookie = fresh.loopback_session().await;
    let running = fresh.serve().await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut stream = Stream::open(&running, &cookie, "").await;
        assert_eq!(stream.event().await.unwrap().name, "snapshot");
        streams.push(stream);
    }
    running.stop().await;
    for mut stream in streams {
        is_ended(&mut stream, "stopping").await;
    }
}

#[tokio::test]
async fn one_session_has_sixteen_streams_and_gets_a_place_back() {
    let fresh = TestBox::with(&[], quick());
    let cookie = fresh.loopback_session().await;
    let running = fresh.serve().await;
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(Stream::open(&running, &cookie, "").await);
    }
    let refused = Stream::open(&running, &cookie, "").await;
    assert!(refused.head.starts_with("HTTP/1.0 503 "), "{}", refused.head);
    assert!(refused.head.contains("retry-after: 10\r\n"), "{}", refused.head);
    streams.pop();
    let free = async {
        while !Stream::open(&running, &cookie, "")
            .await
            .head
            .starts_with("HTTP/1.0 200 ")
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, free).await.expect("a place comes free");
    running.stop().await;
}

/// A reader whose kernel holds little for it.
async fn slow(running: &Running, cookie: &str) -> Stream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(running.address()).await.unwrap();
    Stream::begin(stream, cookie, "").await
}

/// Makes a change that is larger than what kernels hold for a slow reader, and waits until `fast` has it.
async fn large_change(fresh: &TestBox, fast: &mut Stream, version: u32) {
    let text = format!("{version}{}", "x".repeat(1_000_000));
    select(fresh, &text);
    while fast.event().await.unwrap().data["set"]["release"]["selectedReleaseVersion"] != text.as_str() {}
}

#[tokio::test]
async fn a_reader_that_is_slow_skips_what_came_between() {
    let fresh = TestBox::with(&[], Limits::default());
    let cookie = fresh.loopback_session().await;
    let running = fresh.serve().await;
    let mut slow = slow(&running, &cookie).await;
    let mut fast = Stream::open(&running, &cookie, "").await;
    for version in 1..=4 {
        large_change(&fresh, &mut fast, version).await;
    }
    let mut versions = Vec::new();
    while versions.last().is_none_or(|last| *last != '4') {
        let event = slow.event().await.unwrap();
        let version = event.data["set"]["release"]["selectedReleaseVersion"].as_str();
        versions.extend(version.and_then(|version| version.chars().next()));
    }
    assert_eq!(versions, ['1', '4']);
    running.stop().await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_dropped() {
    let fresh = TestBox::with(&[], quick());
    let cookie = fresh.loopback_session().await;
    let running = fresh.serve().await;
    let slow = slow(&running, &cookie).await;
    let mut fast = Stream::open(&running, &cookie, "").await;
    large_change(&fresh, &mut fast, 1).await;
    // It has read nothing of it yet: its connection ends before it could.
    let gone = async { while open_streams(&running, &cookie).await > 1 {} };
    timeout(LIMIT, gone).await.expect("its place comes free");
    let mut rest = Vec::new();
    let mut raw = slow.lines.into_inner();
    let _ = timeout(LIMIT, raw.read_to_end(&mut rest))
        .await
        .expect("the connection is over");
    assert!(
        rest.len() < 1_000_000,
        "all {} bytes of the change came",
        rest.len()
    );
    running.stop().await;
}

/// How many streams the session has, found out by taking all places that are left.
async fn open_streams(running: &Running, cookie: &str) -> usize {
    let mut mine = Vec::new();
    loop {
        let stream = Stream::open(running, cookie, "").await;
        if !stream.head.starts_with("HTTP/1.0 200 ") {
            return 16 - mine.len();
        }
        mine.push(stream);
    }
}
