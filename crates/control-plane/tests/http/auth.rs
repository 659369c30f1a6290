//! Setting, giving and changing the management password.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Call, PASSWORD, PEER, TOKEN, TestBox, answer};

#[tokio::test]
async fn a_fresh_box_asks_for_its_token() {
    let fresh = TestBox::new();
    let health = fresh.get("/healthz").await;
    assert_eq!(health.text, r#"{"ok":true,"mode":"setup"}"#);
    let state = fresh.get("/api/auth/state").await;
    assert_eq!(
        state.body,
        json!({"phase": "needs-token", "mode": "setup", "setupReEditable": false, "tokenRedeemed": false})
    );
    assert_eq!(state.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_token_is_taken_however_it_was_typed() {
    let fresh = TestBox::new();
    for typed in [
        TOKEN.to_owned(),
        format!("  {TOKEN}\n"),
        TOKEN.replace('-', ""),
        TOKEN.replace('-', " "),
    ] {
        let answer = fresh
            .post("/api/auth/redeem-token", json!({"token": typed}))
            .await;
        assert_eq!(
            answer.body,
            json!({"ok": true, "next": "set-password"}),
            "{typed}"
        );
        assert_eq!(answer.cookie("alga_appliance_session"), None);
    }
}

#[tokio::test]
async fn anything_else_is_no_token() {
    for (given, status) in [
        (json!("nope"), StatusCode::UNAUTHORIZED),
        (json!(""), StatusCode::UNAUTHORIZED),
        (json!("consumed"), StatusCode::UNAUTHORIZED),
        (json!(null), StatusCode::BAD_REQUEST),
        (json!(4821), StatusCode::BAD_REQUEST),
        (json!([TOKEN]), StatusCode::BAD_REQUEST),
        (json!({}), StatusCode::BAD_REQUEST),
    ] {
        let fresh = TestBox::new();
        let answer = fresh
            .post("/api/auth/redeem-token", json!({"token": given}))
            .await;
        assert_eq!(answer.status, status, "{given}");
    }
    for content in ["", "consumed\n", "\n"] {
        let fresh = TestBox::new();
        fresh.write("setup-token", content.as_bytes());
        for given in ["", "consumed", TOKEN] {
            let answer = fresh
                .post("/api/auth/redeem-token", json!({"token": given}))
                .await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{content:?} {given:?}");
        }
    }
}

#[tokio::test]
async fn a_weak_password_is_told_why_and_counts_as_nothing() {
    let fresh = TestBox::new();
    for _ in 0..10 {
        let body = json!({"token": TOKEN, "password": "short"});
        let answer = fresh.post("/api/auth/set-password", body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, "weak_password")
        );
    }
    let differing = json!({"token": TOKEN, "password": PASSWORD, "passwordConfirm": "other"});
    let answer = fresh.post("/api/auth/set-password", differing).await;
    assert_eq!(answer.code(), "password_mismatch");
    assert_eq!(fresh.phase("").await, "needs-token");
    assert!(!fresh.path("auth-lockout.json").exists());
}

#[tokio::test]
async fn setting_the_password_signs_in_and_uses_the_token_up() {
    let fresh = TestBox::new();
    let cookie = fresh.configured().await;
    assert_eq!(fresh.phase(&cookie).await, "authenticated");
    assert_eq!(fresh.phase("").await, "needs-password");
    assert_eq!(fresh.read("setup-token"), "consumed\n");
    let again = json!({"token": TOKEN, "password": "0ther!Pass"});
    for path in ["/api/auth/redeem-token", "/api/auth/set-password"] {
        let answer = fresh.post(path, again.clone()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::CONFLICT, "already_configured"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn of_two_who_set_a_password_at_once_one_wins() {
    for peers in [[[192, 0, 2, 1], [192, 0, 2, 1]], [[192, 0, 2, 1], [192, 0, 2, 2]]] {
        let fresh = TestBox::new();
        let set = |password: &str, peer| {
            let call = Call::new(Method::POST, "/api/auth/set-password")
                .json(json!({"token": TOKEN, "password": password}))
                .from(peer);
            fresh.send(call)
        };
        let (one, two) = tokio::join!(set("First!Pass1", peers[0]), set("Second!Pass2", peers[1]));
        let mut statuses = [one.status, two.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
        let winner = if one.status == StatusCode::OK {
            "First!Pass1"
        } else {
            "Second!Pass2"
        };
        let login = fresh.post("/api/auth/login", json!({"password": winner})).await;
        assert_eq!(login.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_ticket_stands_for_the_token_once() {
    let fresh = TestBox::new();
    let redeemed = fresh
        .post("/api/auth/redeem-token", json!({"token": TOKEN}))
        .await;
    let set_cookie = redeemed.header("set-cookie");
    assert!(
        set_cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/; Max-Age=600"),
        "{set_cookie}"
    );
    let ticket = redeemed.cookie("alga_appliance_setup").unwrap();
    let state = fresh
        .send(Call::new(Method::GET, "/api/auth/state").cookie(&ticket))
        .await;
    assert_eq!(state.body["tokenRedeemed"], true);
    let set = |cookie: &str, peer| {
        Call::new(Method::POST, "/api/auth/set-password")
            .json(json!({"password": PASSWORD}))
            .cookie(cookie)
            .from(peer)
    };
    let stolen = fresh.send(set(&ticket, [192, 0, 2, 99])).await;
    assert_eq!(stolen.status, StatusCode::UNAUTHORIZED);
    let without = fresh.send(set("a=b", [192, 0, 2, 50])).await;
    assert_eq!(
        (without.status, without.code()),
        (StatusCode::BAD_REQUEST, "missing_field")
    );
    let answer = fresh.send(set(&ticket, [192, 0, 2, 50])).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(
        answer.cookie("alga_appliance_setup").unwrap(),
        "alga_appliance_setup="
    );
    fresh.reset_admin("1111-2222-3333-4444-5555");
    let burnt = fresh.send(set(&ticket, [192, 0, 2, 50])).await;
    assert_eq!(burnt.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_printed_setup_address_redeems_the_token_and_forgets_it() {
    let fresh = TestBox::new();
    let answer = fresh.get(&format!("/setup?token={TOKEN}")).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (StatusCode::SEE_OTHER, "/setup")
    );
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let ticket = answer.cookie("alga_appliance_setup").unwrap();
    let state = fresh
        .send(Call::new(Method::GET, "/api/auth/state").cookie(&ticket))
        .await;
    assert_eq!(state.body["tokenRedeemed"], true);

    let wrong = fresh.get("/setup?token=0000-0000-0000-0000-0000").await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(
        wrong.text.starts_with("<!doctype html>") && !wrong.text.contains("0000"),
        "{}",
        wrong.text
    );
    for _ in 0..4 {
        fresh.get("/setup?token=0000-0000-0000-0000-0000").await;
    }
    assert_eq!(wrong.header("cache-control"), "no-store");
    let locked = fresh.get(&format!("/setup?token={TOKEN}")).await;
    assert_eq!(
        (locked.status, locked.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, "60")
    );
    assert_eq!(fresh.get("/setup").await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_the_password_signs_in() {
    let fresh = TestBox::new();
    let early = fresh.post("/api/auth/login", json!({"password": PASSWORD})).await;
    assert_eq!(
        (early.status, early.code()),
        (StatusCode::CONFLICT, "not_configured")
    );
    fresh.configured().await;
    let wrong = fresh
        .post("/api/auth/login", json!({"password": "Wr0ng!Pass"}))
        .await;
    assert_eq!(
        (wrong.status, wrong.code()),
        (StatusCode::UNAUTHORIZED, "wrong_password")
    );
    let right = fresh.post("/api/auth/login", json!({"password": PASSWORD})).await;
    assert_eq!(right.body, json!({"ok": true}));
    assert_eq!(fresh.phase(&right.session()).await, "authenticated");
}

#[tokio::test]
async fn bodies_that_are_no_json_object_are_refused_and_count_as_nothing() {
    let fresh = TestBox::new();
    fresh.configured().await;
    for body in [
        "",
        "null",
        "[]",
        "\"x\"",
        "1",
        "{",
        r#"{"password":1}"#,
        r#"{"password":{}}"#,
    ] {
        let answer = fresh
            .send(Call::new(Method::POST, "/api/auth/login").text(body))
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, "invalid_json"),
            "{body}"
        );
    }
    let form = Call::new(Method::POST, "/api/auth/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .text("password=x");
    assert_eq!(fresh.send(form).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let login = fresh.post("/api/auth/login", json!({"password": PASSWORD})).await;
    assert_eq!(login.status, StatusCode::OK);
}

#[tokio::test]
async fn a_password_of_a_shipped_image_signs_in_and_is_hashed_anew() {
    let fresh = TestBox::new();
    // Made by the shipped program's own call: crypto.scryptSync(password, salt, 64, {N: 16384, r: 8, p: 1}).
    fresh.write("admin-ui-credential.json", shipped().to_string().as_bytes());
    let login = fresh.post("/api/auth/login", json!({"password": PASSWORD})).await;
    assert_eq!(login.status, StatusCode::OK, "{}", login.text);
    let document: Value = serde_json::from_str(&fresh.read("admin-ui-credential.json")).unwrap();
    assert_eq!(document["params"]["p"], 5);
    assert_eq!(fresh.phase(&login.session()).await, "authenticated");
    let again = fresh.post("/api/auth/login", json!({"password": PASSWORD})).await;
    assert_eq!(again.status, StatusCode::OK);
}

fn shipped() -> Value {
    let salt = [7_u8; 16];
    let mut hash = [0_u8; 64];
    let params = scrypt::Params::new(14, 8, 1).unwrap();
    scrypt::scrypt(PASSWORD.as_bytes(), &salt, &params, &mut hash).unwrap();
    json!({
        "status": "configured", "algorithm": "scrypt",
        "params": {"N": 16384, "r": 8, "p": 1, "keylen": 64},
        "salt": hex::encode(salt), "hash": hex::encode(hash), "updatedAt": "2026-01-02T03:04:05.678Z",
    })
}

#[tokio::test]
async fn a_damaged_credential_closes_everything() {
    let mut huge = shipped();
    huge["params"]["N"] = json!(1_u64 << 30);
    for content in ["{".to_owned(), String::new(), huge.to_string()] {
        let fresh = TestBox::new();
        let cookie = fresh.configured().await;
        fresh.write("setup-token", TOKEN.as_bytes());
        fresh.write("admin-ui-credential.json", content.as_bytes());
        for (path, body) in [
            ("/api/auth/redeem-token", json!({"token": TOKEN})),
            (
                "/api/auth/set-password",
                json!({"token": TOKEN, "password": PASSWORD}),
            ),
            ("/api/auth/login", json!({"password": PASSWORD})),
        ] {
            let answer = fresh.post(path, body).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::SERVICE_UNAVAILABLE, "credential_unreadable"),
                "{path} {content}"
            );
        }
        assert_eq!(fresh.phase(&cookie).await, "credential-error");
    }
}

#[tokio::test]
async fn a_changed_password_ends_every_session_but_the_callers() {
    let fresh = TestBox::new();
    let other = fresh.configured().await;
    let mine = fresh
        .post("/api/auth/login", json!({"password": PASSWORD}))
        .await
        .session();
    let change = |current: &str, new: &str| {
        Call::new(Method::POST, "/api/auth/change-password")
            .cookie(&mine)
            .json(json!({"currentPassword": current, "newPassword": new}))
    };
    let wrong = fresh.send(change("Wr0ng!Pass", "N3w-Password")).await;
    assert_eq!(
        (wrong.status, wrong.code()),
        (StatusCode::UNAUTHORIZED, "wrong_password")
    );
    let weak = fresh.send(change(PASSWORD, "weak")).await;
    assert_eq!(
        (weak.status, weak.code()),
        (StatusCode::BAD_REQUEST, "weak_password")
    );
    let changed = fresh.send(change(PASSWORD, "N3w-Password")).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_eq!(fresh.phase(&changed.session()).await, "authenticated");
    for old in [&other, &mine] {
        assert_eq!(fresh.phase(old).await, "needs-password");
    }
    for (password, status) in [
        (PASSWORD, StatusCode::UNAUTHORIZED),
        ("N3w-Password", StatusCode::OK),
    ] {
        let login = fresh.post("/api/auth/login", json!({"password": password})).await;
        assert_eq!(login.status, status);
    }
}

#[tokio::test]
async fn every_event_is_audited() {
    let fresh = TestBox::new();
    fresh
        .post("/api/auth/redeem-token", json!({"token": "nope"}))
        .await;
    fresh
        .post("/api/auth/redeem-token", json!({"token": TOKEN}))
        .await;
    fresh.configured().await;
    fresh.post("/api/auth/login", json!({"password": "x"})).await;
    let cookie = fresh
        .post("/api/auth/login", json!({"password": PASSWORD}))
        .await
        .session();
    let out = Call::new(Method::POST, "/api/auth/logout").cookie(&cookie);
    answer(&fresh.front, out).await;
    let lines: Vec<Value> = fresh
        .read("audit.log")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(
        events,
        [
            "auth.token_failed",
            "auth.token_redeemed",
            "auth.password_set",
            "auth.login_failed",
            "auth.login",
            "auth.logout"
        ]
    );
    assert!(lines.iter().all(|line| line["ip"] == PEER.to_string()));
    assert_eq!(lines[4]["sid"], lines[5]["sid"]);
    assert_eq!(lines[4]["sid"].as_str().unwrap().len(), 8);
}
