use std::os::unix::fs::PermissionsExt;

use super::*;

const NOW: i64 = 1_800_000_000;
const WEEK: Duration = Duration::from_hours(168);

struct Fresh {
    dir: tempfile::TempDir,
    sessions: Sessions,
}

fn fresh() -> Fresh {
    let dir = tempfile::tempdir().unwrap();
    let sessions = reopened(&dir, true);
    Fresh { dir, sessions }
}

fn reopened(dir: &tempfile::TempDir, bind_ip: bool) -> Sessions {
    let path = |name: &str| dir.path().join(name);
    Sessions::at(
        path("session-secret"),
        path("session-revocations.json"),
        WEEK,
        bind_ip,
    )
}

fn visit(now: i64) -> Visit<'static> {
    Visit {
        peer: IpAddr::from([192, 0, 2, 1]),
        generation: "one",
        now,
    }
}

fn check(sessions: &Sessions, value: &str, visit: Visit<'_>) -> bool {
    sessions.verify(std::iter::once(value), visit).is_some()
}

#[tokio::test]
async fn a_session_survives_a_restart_and_holds_for_its_address_and_credential_only() {
    let Fresh { dir, sessions } = fresh();
    let (_, cookie) = sessions.open(visit(NOW)).await.unwrap();
    let sessions = reopened(&dir, true);
    assert!(check(&sessions, &cookie.value, visit(NOW)));
    let elsewhere = Visit {
        peer: IpAddr::from([192, 0, 2, 2]),
        ..visit(NOW)
    };
    assert!(!check(&sessions, &cookie.value, elsewhere));
    assert!(check(&reopened(&dir, false), &cookie.value, elsewhere));
    let changed = Visit {
        generation: "two",
        ..visit(NOW)
    };
    assert!(!check(&sessions, &cookie.value, changed));
}

#[tokio::test]
async fn use_keeps_a_session_alive_up_to_its_end() {
    let Fresh { dir: _dir, sessions } = fresh();
    let (session, mut cookie) = sessions.open(visit(NOW)).await.unwrap();
    assert!(!session.is_due(NOW + RENEW_EVERY - 1));
    assert!(session.is_due(NOW + RENEW_EVERY));
    assert!(check(&sessions, &cookie.value, visit(NOW + MAX_IDLE)));
    assert!(!check(&sessions, &cookie.value, visit(NOW + MAX_IDLE + 1)));
    let end = NOW + 7 * 24 * 3600;
    let mut now = NOW;
    while now + MAX_IDLE < end {
        now += MAX_IDLE;
        let seen = sessions
            .verify(std::iter::once(&*cookie.value), visit(now))
            .unwrap();
        cookie = sessions.renew(&seen, now).unwrap();
        assert_eq!(cookie.max_age, end - now);
    }
    assert!(check(&sessions, &cookie.value, visit(end - 1)));
    assert!(!check(&sessions, &cookie.value, visit(end)));
}

#[tokio::test]
async fn what_we_did_not_sign_is_nothing() {
    let Fresh { dir: _dir, sessions } = fresh();
    let (_, cookie) = sessions.open(visit(NOW)).await.unwrap();
    let value = cookie.value;
    for at in 0..value.len() {
        let mut flipped = value.clone().into_bytes();
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        let flipped = String::from_utf8(flipped).unwrap();
        assert!(!check(&sessions, &flipped, visit(NOW)), "{at}");
    }
    let (payload, signature) = value.split_once('.').unwrap();
    for bad in [
        String::new(),
        ".".to_owned(),
        format!(".{signature}"),
        format!("{payload}."),
        format!("{value}."),
        format!("{value}.{signature}"),
        format!(".{value}"),
        "x".repeat(1_000_000),
    ] {
        assert!(!check(&sessions, &bad, visit(NOW)));
    }
}

#[tokio::test]
async fn several_cookies_are_accepted_only_if_exactly_one_is_valid() {
    let Fresh { dir: _dir, sessions } = fresh();
    let (_, one) = sessions.open(visit(NOW)).await.unwrap();
    let (_, two) = sessions.open(visit(NOW)).await.unwrap();
    let verify = |values: &[&str]| sessions.verify(values.iter().copied(), visit(NOW)).is_some();
    assert!(verify(&["junk", &one.value, ""]));
    assert!(!verify(&[&one.value, &two.value]));
    assert!(!verify(&[]));
}

#[tokio::test]
async fn an_ended_session_stays_ended_and_others_go_on() {
    let Fresh { dir, sessions } = fresh();
    let (one, cookie_one) = sessions.open(visit(NOW)).await.unwrap();
    let (_, cookie_two) = sessions.open(visit(NOW)).await.unwrap();
    sessions.revoke(&one, NOW).await.unwrap();
    for sessions in [sessions, reopened(&dir, true)] {
        assert!(!check(&sessions, &cookie_one.value, visit(NOW)));
        assert!(check(&sessions, &cookie_two.value, visit(NOW)));
    }
    let sessions = reopened(&dir, true);
    let (late, _) = sessions.open(visit(NOW + 8 * 24 * 3600)).await.unwrap();
    sessions.revoke(&late, NOW + 8 * 24 * 3600).await.unwrap();
    let list = sessions.revoked.get();
    assert_eq!(
        list.as_ref().as_ref().unwrap().revoked.len(),
        1,
        "what expired is forgotten"
    );
    sessions.revoke_all().await.unwrap();
    assert!(!check(&sessions, &cookie_two.value, visit(NOW)));
}

#[tokio::test]
async fn the_secret_is_made_once_by_a_sign_in_and_its_removal_ends_everything() {
    let Fresh { dir, sessions } = fresh();
    let secret = dir.path().join("session-secret");
    assert!(!check(&sessions, "junk.junk", visit(NOW)));
    assert!(!secret.exists(), "a cookie makes no secret");
    let (_, cookie) = sessions.open(visit(NOW)).await.unwrap();
    let text = std::fs::read_to_string(&secret).unwrap();
    assert_eq!(text.trim_end().len(), 64);
    assert_eq!(
        std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777,
        0o600
    );
    sessions.open(visit(NOW)).await.unwrap();
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), text);
    std::fs::remove_file(&secret).unwrap();
    assert!(!check(&sessions, &cookie.value, visit(NOW)));
    appliance_common::state_file::replace(&secret, b"\n", 0o600).unwrap();
    assert!(!check(&sessions, &cookie.value, visit(NOW)));
}

#[tokio::test]
async fn a_damaged_list_of_revocations_signs_everybody_out_until_somebody_signs_in() {
    let Fresh { dir, sessions } = fresh();
    let (_, before) = sessions.open(visit(NOW)).await.unwrap();
    appliance_common::state_file::replace(&dir.path().join("session-revocations.json"), b"{", 0o600).unwrap();
    assert!(!check(&sessions, &before.value, visit(NOW)));
    let (_, after) = sessions.open(visit(NOW)).await.unwrap();
    assert!(check(&sessions, &after.value, visit(NOW)));
    assert!(!check(&sessions, &before.value, visit(NOW)));
}
