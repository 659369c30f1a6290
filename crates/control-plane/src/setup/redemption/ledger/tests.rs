use std::fs;
use std::os::unix::fs::PermissionsExt;

use appliance_common::secret::Secret;
use appliance_common::state_file::replace;
use serde_json::json;
use tempfile::TempDir;

use super::super::answer::Redemption;
use super::super::book::{Held, Next, State};
use super::super::code::CodeHash;
use super::*;

const CODE: &str = "K7QPM2RX";

fn redemption() -> Redemption {
    let answer = json!({
        "tenant_id": "5c3f3a52-90ab-4cde-8f01-23456789abcd", "edition": "pro", "company_name": "Acme",
        "first_jwt": "canary.token.sig", "appliance_credential": "canary-credential-0123456789",
        "check_in_url": "https://license.example/check-in",
    });
    Redemption::read(answer.to_string().as_bytes()).unwrap()
}

fn entry(state: State) -> Entry {
    Entry {
        code: CodeHash::of(&Secret::new(CODE.to_owned())),
        submission: "one".to_owned(),
        service: "https://license.example/".to_owned(),
        at: "2026-06-01T00:00:00.000Z".to_owned(),
        state,
    }
}

struct Place {
    dir: TempDir,
    key: SealKey,
}

impl Place {
    fn new() -> Self {
        let (dir, key) = (tempfile::tempdir().unwrap(), SealKey::generate());
        Self { dir, key }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("redemption.json")
    }

    async fn open(&self, submission: &str) -> Result<Ledger, LedgerError> {
        let now = (submission.to_owned(), "now".to_owned());
        Ledger::open(self.path(), self.key.clone(), now).await
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

fn next(ledger: &Ledger, submission: &str) -> Next {
    let code = CodeHash::of(&Secret::new(CODE.to_owned()));
    let held = Held {
        has_license: true,
        ..Held::default()
    };
    ledger.book.next(&code, submission, &held)
}

#[tokio::test]
async fn each_state_is_read_back_and_shows_nothing_that_is_secret() {
    let hash = hex::encode(ring::digest::digest(&ring::digest::SHA256, CODE.as_bytes()));
    for (name, state) in [
        ("intent", State::Intent { may_be_spent: true }),
        (
            "answered-unusable",
            State::Unusable {
                cause: "no id".into(),
                answer: Secret::new("canary {}".into()),
            },
        ),
        ("redeemed", State::Redeemed(redemption())),
        ("settled", State::Settled(redemption().without_license())),
    ] {
        let place = Place::new();
        let mut ledger = place.open("one").await.unwrap();
        ledger.record("appliance-1", entry(state)).await.unwrap();
        let document: Value = serde_json::from_str(&place.text()).unwrap();
        assert_eq!(
            (&document["state"], &document["applianceId"]),
            (&json!(name), &json!("appliance-1"))
        );
        assert_eq!(
            fs::metadata(place.path()).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let shown = format!("{} {ledger:?}", place.text());
        for secret in [CODE, &hash, "canary"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        let again = place.open("one").await.unwrap();
        assert_eq!(again.book.appliance_id.as_deref(), Some("appliance-1"));
        let same = |ledger: &Ledger| format!("{:?}", ledger.book);
        assert_eq!(same(&again), same(&ledger));
    }
}

#[tokio::test]
async fn what_was_redeemed_comes_back_whole_and_what_is_settled_without_the_licence() {
    let place = Place::new();
    let mut ledger = place.open("one").await.unwrap();
    ledger
        .record("appliance-1", entry(State::Redeemed(redemption())))
        .await
        .unwrap();
    let ledger = place.open("two").await.unwrap();
    let Next::Use(read) = next(&ledger, "two") else {
        panic!()
    };
    assert_eq!(read.license_token.unwrap().expose(), "canary.token.sig");
    assert_eq!(read.credential.unwrap().expose(), "canary-credential-0123456789");

    let mut ledger = ledger;
    ledger
        .record(
            "appliance-1",
            entry(State::Settled(redemption().without_license())),
        )
        .await
        .unwrap();
    let document: Document = serde_json::from_str(&place.text()).unwrap();
    let plain = place
        .key
        .open_bytes(&document.head.bound().unwrap(), &document.sealed)
        .unwrap();
    let plain = String::from_utf8(plain.expose().clone()).unwrap();
    assert!(!plain.contains("canary") && plain.contains("5c3f3a52"), "{plain}");
}

#[tokio::test]
async fn a_damaged_ledger_is_kept_beside_and_says_under_which_answers_it_was_found() {
    let good = Place::new();
    let mut ledger = good.open("one").await.unwrap();
    ledger
        .record("appliance-1", entry(State::Redeemed(redemption())))
        .await
        .unwrap();
    let text = good.text();
    let other_tenant = text.replace("5c3f3a52", "6c3f3a52");
    let newer = text.replace("\"schemaVersion\": 1", "\"schemaVersion\": 2");
    for damaged in [
        &text[..text.len() / 2],
        "",
        "null",
        "[]",
        other_tenant.as_str(),
        newer.as_str(),
    ] {
        replace(&good.path(), damaged.as_bytes(), 0o600).unwrap();
        let ledger = good.open("two").await.unwrap();
        assert!(matches!(next(&ledger, "two"), Next::Stop(_)), "{damaged}");
        assert_eq!(
            fs::read_to_string(good.dir.path().join("redemption.json.damaged")).unwrap(),
            damaged
        );
        let again = good.open("two").await.unwrap();
        assert!(
            matches!(next(&again, "two"), Next::Stop(_)),
            "found again after a crash"
        );
        assert!(
            matches!(next(&again, "three"), Next::Ask { may_be_spent: true }),
            "{damaged}"
        );
        let knows = damaged.contains("applianceId");
        assert_eq!(
            ledger.book.appliance_id.is_some(),
            knows && damaged.len() > text.len() / 2,
            "{damaged}"
        );
    }
}

#[tokio::test]
async fn another_key_does_not_open_it_and_the_identity_stays() {
    let mut place = Place::new();
    let mut ledger = place.open("one").await.unwrap();
    ledger
        .record("appliance-1", entry(State::Redeemed(redemption())))
        .await
        .unwrap();
    place.key = SealKey::generate();
    let ledger = place.open("two").await.unwrap();
    assert!(matches!(next(&ledger, "two"), Next::Stop(_)));
    assert_eq!(ledger.book.appliance_id.as_deref(), Some("appliance-1"));
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_or_written_is_an_error_and_stays() {
    let place = Place::new();
    fs::create_dir(place.path()).unwrap();
    assert!(matches!(place.open("one").await, Err(LedgerError::Read(_))));
    fs::remove_dir(place.path()).unwrap();
    let mut ledger = place.open("one").await.unwrap();
    fs::create_dir(place.path()).unwrap();
    let written = ledger
        .record("appliance-1", entry(State::Intent { may_be_spent: true }))
        .await;
    assert!(matches!(written, Err(LedgerError::Write(_))));
    assert!(ledger.book.entries.is_empty());
}
