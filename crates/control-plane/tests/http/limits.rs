//! Bodies without end, connections without requests, and the end of the server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use appliance_control_plane::http::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::harness::{TestBox, assert_alive, raw, read_to_end};
use super::program::Program;

fn short() -> Limits {
    Limits {
        head_read: Duration::from_millis(600),
        body_read: Duration::from_millis(300),
        keep_alive: Duration::from_millis(300),
        ..Limits::default()
    }
}

/// Sends chunks until the server has had enough; returns what it answered and how much it took.
async fn pour(server: SocketAddr, head: &str, chunk: &[u8], most: usize) -> (String, usize) {
    let stream = TcpStream::connect(server).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let reading = tokio::spawn(async move {
        let mut answer = Vec::new();
        let _ = reader.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    });
    writer.write_all(head.as_bytes()).await.unwrap();
    let mut sent = 0;
    while sent < most && !reading.is_finished() && writer.write_all(chunk).await.is_ok() {
        sent += chunk.len();
    }
    (reading.await.unwrap(), sent)
}

#[tokio::test]
async fn huge_bodies_are_refused_early_in_bounded_memory() {
    let fresh = TestBox::new();
    fresh.configured().await;
    let server = Program::start(&fresh, &[]);
    assert_alive(server.address).await;
    let plain = vec![b'x'; 64 * 1024];
    let chunk = [b"10000\r\n".as_slice(), &plain, b"\r\n"].concat();
    let before = server.resident();
    for size in [64 << 20, 700 << 20] {
        for (framing, part) in [
            (format!("content-length: {size}"), &plain),
            ("transfer-encoding: chunked".to_owned(), &chunk),
        ] {
            let head = format!(
                "POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{framing}\r\n\r\n"
            );
            let start = Instant::now();
            let (answer, _) = pour(server.address, &head, part, size).await;
            assert!(answer.starts_with("HTTP/1.1 413 "), "{framing}: {answer}");
            assert!(answer.contains("connection: close\r\n"), "{framing}: {answer}");
            assert!(
                start.elapsed() < Duration::from_secs(5),
                "{framing}: {:?}",
                start.elapsed()
            );
            assert_alive(server.address).await;
        }
    }
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 5 * 1024, "grown by {grown} KiB");
}

#[tokio::test]
async fn an_answer_before_the_body_says_that_the_connection_ends() {
    let fresh = TestBox::new();
    let server = fresh.serve().await;
    for path in ["/api/setup", "/api/auth/login", "/api/auth/logout", "/api/nope"] {
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n");
        let answer = raw(server.address(), head.as_bytes()).await;
        assert!(answer.contains("connection: close\r\n"), "{path}: {answer}");
    }
    let kept = "POST /api/auth/redeem-token HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
    let last = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let both = raw(server.address(), format!("{kept}{last}").as_bytes()).await;
    assert_eq!(both.matches("HTTP/1.1 ").count(), 2, "{both}");
    assert_eq!(both.matches("connection: close\r\n").count(), 1, "{both}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_stops_arriving_times_out() {
    let fresh = TestBox::with(&[], short());
    fresh.configured().await;
    let server = fresh.serve().await;
    let request = b"POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let start = Instant::now();
    let answer = raw(server.address(), request).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains(r#""code":"request_timeout""#), "{answer}");
    assert!(start.elapsed() < Duration::from_secs(5));
    server.stop().await;
}

#[tokio::test]
async fn slow_headers_and_idle_connections_are_closed_on_time() {
    let fresh = TestBox::with(&[], short());
    let server = fresh.serve().await;

    let start = Instant::now();
    let mut silent = TcpStream::connect(server.address()).await.unwrap();
    assert_eq!(read_to_end(&mut silent).await, "");
    assert!(
        (600..4000).contains(&start.elapsed().as_millis()),
        "{:?}",
        start.elapsed()
    );

    let mut kept = TcpStream::connect(server.address()).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let start = Instant::now();
    let answer = read_to_end(&mut kept).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        (250..4000).contains(&start.elapsed().as_millis()),
        "{:?}",
        start.elapsed()
    );

    // One byte now and then must not win time.
    let start = Instant::now();
    let (mut reader, mut writer) = TcpStream::connect(server.address()).await.unwrap().into_split();
    let dripping = tokio::spawn(async move {
        // Time is what is tested here: the client is slow on purpose.
        let mut drops = tokio::time::interval(Duration::from_millis(50));
        for byte in b"GET /healthz HTTP/1.1\r\nx-slow: loris-loris-loris-loris"
            .iter()
            .cycle()
        {
            drops.tick().await;
            if writer.write_all(&[*byte]).await.is_err() {
                break;
            }
        }
    });
    let mut answer = Vec::new();
    let _ = reader.read_to_end(&mut answer).await;
    assert!(
        (600..4000).contains(&start.elapsed().as_millis()),
        "{:?}",
        start.elapsed()
    );
    dripping.abort();
    server.stop().await;
}

#[tokio::test]
async fn a_flood_from_one_address_leaves_room_for_others_and_for_the_probe() {
    let limits = Limits {
        connections: 20,
        per_peer: 8,
        reserved: 4,
        ..Limits::default()
    };
    let fresh = TestBox::with(&[], limits);
    let server = fresh.serve().await;
    // Loopback is the node itself: it may take all places, and then even it has to wait.
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let mut one_more = TcpStream::connect(server.address()).await.unwrap();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(2), one_more.read_to_end(&mut answer));
    assert!(closed.await.is_ok(), "closed at once");
    assert!(answer.is_empty());
    drop(idle);
    until_alive(server.address()).await;
    server.stop().await;
}

/// The server notices closed connections in its own time.
async fn until_alive(server: SocketAddr) {
    let probe = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answered = async {
        while !raw(server, probe).await.starts_with("HTTP/1.1 200 ") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), answered)
        .await
        .unwrap();
}

#[tokio::test]
async fn requests_in_flight_are_answered_and_new_connections_are_not_taken_at_the_end() {
    let fresh = TestBox::new();
    fresh.configured().await;
    let server = fresh.serve().await;
    let address = server.address();
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(b"POST /api/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        .await
        .unwrap();
    // The request is with its handler once its body is asked for.
    let mut continued = [0; 25];
    busy.read_exact(&mut continued).await.unwrap();
    assert_eq!(&continued, b"HTTP/1.1 100 Continue\r\n\r\n");
    let stopping = tokio::spawn(server.stop());
    assert_eq!(read_to_end(&mut idle).await, "");
    let refused = TcpSocket::new_v4().unwrap().connect(address).await;
    assert!(refused.is_err());
    assert!(!stopping.is_finished());
    busy.write_all(b"{}").await.unwrap();
    let answer = read_to_end(&mut busy).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("missing_field"),
        "{answer}"
    );
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_up_the_end() {
    let limits = Limits {
        drain: Duration::from_millis(300),
        ..Limits::default()
    };
    let fresh = TestBox::with(&[], limits);
    fresh.configured().await;
    let server = fresh.serve().await;
    let mut busy = TcpStream::connect(server.address()).await.unwrap();
    busy.write_all(
        b"POST /api/auth/login HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n",
    )
    .await
    .unwrap();
    busy.read_u8().await.unwrap();
    tokio::time::timeout(Duration::from_secs(3), server.stop())
        .await
        .unwrap();
}
