//! Guessing.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::harness::{Answer, Call, PASSWORD, TOKEN, TestBox, assert_alive, read_to_end};

async fn guess(at: &TestBox) -> Answer {
    at.post("/api/auth/login", json!({"password": "Wr0ng!Pass"}))
        .await
}

async fn locked_out() -> TestBox {
    let fresh = TestBox::new();
    fresh.configured().await;
    for _ in 0..5 {
        assert_eq!(guess(&fresh).await.status, StatusCode::UNAUTHORIZED);
    }
    fresh
}

#[tokio::test]
async fn five_wrong_passwords_lock_the_address_out_of_everything_it_could_guess_at() {
    let locked = locked_out().await;
    let right = json!({"password": PASSWORD});
    let answer = locked.post("/api/auth/login", right.clone()).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::TOO_MANY_REQUESTS, "locked_out")
    );
    assert_eq!(answer.header("retry-after"), "60");
    assert_eq!(answer.body["retryAfterSeconds"], 60);
    for path in ["/api/auth/redeem-token", "/api/auth/set-password"] {
        let answer = locked.send(Call::new(Method::POST, path).text("junk")).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{path}");
    }
    let elsewhere = Call::new(Method::POST, "/api/auth/login")
        .json(right.clone())
        .from([192, 0, 2, 7]);
    assert_eq!(locked.send(elsewhere).await.status, StatusCode::OK);
    locked.pass(Duration::from_mins(1));
    assert_eq!(guess(&locked).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(guess(&locked).await.header("retry-after"), "120");
    locked.pass(Duration::from_mins(2));
    assert_eq!(locked.post("/api/auth/login", right).await.status, StatusCode::OK);
    assert_eq!(guess(&locked).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        guess(&locked).await.status,
        StatusCode::UNAUTHORIZED,
        "a success starts anew"
    );
}

#[tokio::test]
async fn a_lockout_outlives_the_process() {
    let locked = locked_out().await.restarted();
    assert_eq!(guess(&locked).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn who_resets_the_password_is_let_in_with_the_new_token() {
    let locked = locked_out().await;
    let new = "1111-2222-3333-4444-5555";
    locked.reset_admin(new);
    let old = locked
        .post("/api/auth/redeem-token", json!({"token": TOKEN}))
        .await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    let redeemed = locked.post("/api/auth/redeem-token", json!({"token": new})).await;
    assert_eq!(redeemed.status, StatusCode::OK);

    let fresh = TestBox::new();
    for _ in 0..5 {
        fresh
            .post("/api/auth/redeem-token", json!({"token": "nope"}))
            .await;
    }
    let locked = fresh
        .post("/api/auth/redeem-token", json!({"token": TOKEN}))
        .await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    fresh.write("setup-token", format!("{new}\n").as_bytes());
    let redeemed = fresh.post("/api/auth/redeem-token", json!({"token": new})).await;
    assert_eq!(
        redeemed.status,
        StatusCode::OK,
        "a token written anew counts anew"
    );
}

#[tokio::test]
async fn sixty_slow_guesses_in_parallel_are_no_more_than_five() {
    let fresh = TestBox::new();
    fresh.configured().await;
    let server = fresh.serve().await;
    let body = json!({"password": "Wr0ng!Pass"}).to_string();
    let (first, rest) = body.split_at(5);
    let mut guesses = Vec::new();
    for _ in 0..60 {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let head = format!(
            "POST /api/auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{first}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        guesses.push(stream);
    }
    for stream in &mut guesses {
        stream.write_all(rest.as_bytes()).await.unwrap();
    }
    assert_alive(server.address()).await;
    let mut wrong = 0;
    for stream in &mut guesses {
        let answer = read_to_end(stream).await;
        if answer.starts_with("HTTP/1.1 401 ") {
            wrong += 1;
        } else {
            assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
        }
    }
    assert!((1..=5).contains(&wrong), "{wrong}");
    server.stop().await;
}
