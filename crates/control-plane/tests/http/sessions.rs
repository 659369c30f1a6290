//! Being signed in, and ceasing to be.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::json;

use super::harness::{Call, PASSWORD, TestBox};

fn post(path: &str, cookie: &str) -> Call {
    Call::new(Method::POST, path).cookie(cookie)
}

#[tokio::test]
async fn a_session_holds_for_its_address_across_a_restart() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let fresh = fresh.restarted();
    assert_eq!(fresh.phase(&cookie).await, "authenticated");
    let replayed = post("/api/auth/logout-all", &cookie).from([192, 0, 2, 66]);
    assert_eq!(fresh.send(replayed).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(fresh.phase(&cookie).await, "authenticated");
}

#[tokio::test]
async fn roaming_clients_can_be_allowed() {
    let fresh = TestBox::with(
        &["--session-bind-ip=0"],
        appliance_control_plane::http::Limits::default(),
    );
    let cookie = fresh.configured().await;
    let call = Call::new(Method::GET, "/api/auth/state")
        .cookie(&cookie)
        .from([192, 0, 2, 66]);
    assert_eq!(fresh.send(call).await.body["phase"], "authenticated");
}

#[tokio::test]
async fn a_cookie_that_is_not_ours_is_nobody_and_makes_no_secret() {
    let fresh = TestBox::new();
    for value in ["x", ".", "x.y", "..", &"x".repeat(7000)] {
        let cookie = format!("alga_appliance_session={value}");
        assert_eq!(fresh.phase(&cookie).await, "needs-token");
    }
    assert!(!fresh.path("session-secret").exists());
    let cookie = fresh.configured().await;
    assert_eq!(
        fresh.phase(&format!("{cookie}; {cookie}")).await,
        "needs-password"
    );
    assert_eq!(
        fresh.phase(&format!("alga_appliance_session=x; {cookie}")).await,
        "authenticated"
    );
}

#[tokio::test]
async fn removing_the_secret_or_the_password_ends_sessions_at_once() {
    for gone in ["session-secret", "admin-ui-credential.json"] {
        let fresh = TestBox::new();
        let cookie = fresh.configured().await;
        std::fs::remove_file(fresh.path(gone)).unwrap();
        assert_ne!(fresh.phase(&cookie).await, "authenticated", "{gone}");
    }
}

#[tokio::test]
async fn signing_out_ends_this_session_only_and_for_good() {
    let fresh = TestBox::new();
    let other = fresh.configured().await;
    let mine = fresh
        .post("/api/auth/login", json!({"password": PASSWORD}))
        .await
        .session();
    let nobody = fresh.send(post("/api/auth/logout", "a=b")).await;
    assert_eq!(nobody.body, json!({"ok": true}));
    assert_eq!(
        nobody.cookie("alga_appliance_session").unwrap(),
        "alga_appliance_session="
    );
    let out = fresh.send(post("/api/auth/logout", &mine)).await;
    assert_eq!(
        out.cookie("alga_appliance_session").unwrap(),
        "alga_appliance_session="
    );
    let fresh = fresh.restarted();
    assert_eq!(fresh.phase(&mine).await, "needs-password");
    assert_eq!(fresh.phase(&other).await, "authenticated");
    let all = fresh.send(post("/api/auth/logout-all", &other)).await;
    assert_eq!(all.status, StatusCode::OK);
    assert_eq!(fresh.phase(&other).await, "needs-password");
}

#[tokio::test]
async fn use_slides_the_idle_time_and_the_cookie_is_written_anew_now_and_then() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    let weak = |cookie: &str| {
        post("/api/auth/change-password", cookie)
            .json(json!({"currentPassword": PASSWORD, "newPassword": "weak"}))
    };
    let soon = fresh.send(weak(&cookie)).await;
    assert_eq!((soon.code(), soon.header("set-cookie")), ("weak_password", ""));
    fresh.pass(Duration::from_hours(11));
    let later = fresh.send(weak(&cookie)).await.session();
    fresh.pass(Duration::from_hours(11));
    assert_eq!(fresh.phase(&cookie).await, "needs-password");
    assert_eq!(fresh.phase(&later).await, "authenticated");
    fresh.pass(Duration::from_hours(2));
    assert_eq!(fresh.phase(&later).await, "needs-password");
}

#[tokio::test]
async fn what_needs_a_session_says_so_and_does_nothing() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    for path in ["/api/auth/logout-all", "/api/auth/change-password"] {
        let answer = fresh.send(Call::new(Method::POST, path).text("{}")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "unauthenticated"),
            "{path}"
        );
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("www-authenticate"), "");
    }
    assert_eq!(fresh.phase(&cookie).await, "authenticated");
}

#[tokio::test]
async fn another_origin_cannot_act_for_somebody_who_is_signed_in() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    for path in [
        "/api/auth/logout",
        "/api/auth/logout-all",
        "/api/auth/change-password",
        "/api/auth/login",
    ] {
        for origin in ["http://evil", "http://192.0.2.10:3000", "null"] {
            let answer = fresh.send(post(path, &cookie).header("origin", origin)).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::FORBIDDEN, "origin_rejected"),
                "{path} {origin}"
            );
        }
    }
    assert_eq!(fresh.phase(&cookie).await, "authenticated");
    let own = post("/api/auth/logout", &cookie).header("origin", "http://192.0.2.10:8080");
    assert_eq!(fresh.send(own).await.status, StatusCode::OK);
}
