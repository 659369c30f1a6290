//! No secret ever leaves by a way it should not.

use std::fmt::Write;
use std::io;
use std::sync::{Arc, Mutex};

use axum::http::Method;
use serde_json::{Value, json};

use super::harness::{Call, TestBox};

const TOKEN: &str = "9090-1212-7373-4545-6868";
const PASSWORD: &str = r#"C4nary!"\Passwort"#;
const NEW_PASSWORD: &str = r#"N3w-C4nary"\Passwort"#;
const TYPO: &str = "Typ0-C4nary-Passwort";

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Everything that was answered or left behind, as text.
struct Seen(String);

impl Seen {
    fn assert_clean(&self) {
        for secret in [TOKEN, PASSWORD, NEW_PASSWORD, TYPO] {
            let escaped = serde_json::to_string(secret).unwrap();
            for form in [secret, escaped.trim_matches('"'), &secret.replace('-', "")] {
                assert!(!self.0.contains(form), "{form} is in {}", self.0);
            }
        }
    }
}

/// Every way in which a secret comes in, rightly and wrongly.
fn calls() -> Vec<(Method, String, Value)> {
    vec![
        (Method::GET, format!("/setup?token={TOKEN}"), json!(null)),
        (Method::GET, format!("/setup?token={TYPO}"), json!(null)),
        (
            Method::POST,
            "/api/auth/redeem-token".to_owned(),
            json!({"token": TYPO}),
        ),
        (
            Method::POST,
            "/api/auth/redeem-token".to_owned(),
            json!({"token": TOKEN}),
        ),
        (
            Method::POST,
            "/api/auth/set-password".to_owned(),
            json!({"token": TOKEN, "password": 7, "x": PASSWORD}),
        ),
        (
            Method::POST,
            "/api/auth/set-password".to_owned(),
            json!({"token": TOKEN, "password": PASSWORD}),
        ),
        (
            Method::POST,
            "/api/auth/login".to_owned(),
            json!({"password": TYPO}),
        ),
        (Method::POST, "/api/auth/login".to_owned(), json!([PASSWORD])),
        (
            Method::POST,
            "/api/auth/login".to_owned(),
            json!({"password": PASSWORD}),
        ),
        (
            Method::POST,
            "/api/auth/change-password".to_owned(),
            json!({"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}),
        ),
        (Method::GET, "/api/auth/state".to_owned(), json!(null)),
    ]
}

#[tokio::test]
async fn passwords_and_tokens_are_in_no_answer_log_file_or_audit_line() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::NEW)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole test program: whether a place in the code logs at all is decided once for all
    // threads, so a subscriber of this thread alone would miss lines while other tests run.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let fresh = TestBox::new();
    fresh.write("setup-token", TOKEN.as_bytes());
    let mut seen = Seen(String::new());

    let mut cookie = String::new();
    for (method, path, body) in calls() {
        let answer = fresh
            .send(Call::new(method, &path).cookie(&cookie).json(body))
            .await;
        if let Some(session) = answer.cookie("alga_appliance_session") {
            cookie = session;
        }
        write!(seen.0, "{:?}\n{}\n", answer.headers, answer.text).unwrap();
    }
    for entry in std::fs::read_dir(fresh.path("")).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        seen.0.push_str(&String::from_utf8(text).unwrap());
    }
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("path=\"/setup\""),
        "the log was captured: {logged}"
    );
    let signature = cookie.rsplit('.').next().unwrap();
    assert!(!logged.contains(signature), "{logged}");
    seen.0.push_str(&logged);
    seen.assert_clean();
}
