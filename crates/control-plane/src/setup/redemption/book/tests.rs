use serde_json::json;

use super::*;

const TENANT: &str = "5c3f3a52-90ab-4cde-8f01-23456789abcd";

fn hash(code: &str) -> CodeHash {
    CodeHash::of(&Secret::new(code.to_owned()))
}

fn redemption(edition: &str) -> Redemption {
    let answer = json!({"tenant_id": TENANT, "edition": edition, "first_jwt": "a.b.c",
                        "appliance_credential": "credential-0123456789"});
    Redemption::read(answer.to_string().as_bytes()).unwrap()
}

fn entry(code: &str, state: State) -> Entry {
    Entry {
        code: hash(code),
        submission: "one".to_owned(),
        service: "https://license.example".to_owned(),
        at: "t".to_owned(),
        state,
    }
}

fn book(state: State) -> Book {
    let mut book = Book::default();
    book.note(entry("CODE", state));
    book
}

/// The decision in a word.
fn next(book: &Book, code: &str, submission: &str, held: &Held) -> String {
    match book.next(&hash(code), submission, held) {
        Next::Use(redemption) => format!("use {}", redemption.edition.as_str()),
        Next::Ask { may_be_spent } => format!("ask {may_be_spent}"),
        Next::Stop(stop) => format!("stop {stop:?}"),
    }
}

#[test]
fn a_code_is_asked_for_until_its_answer_is_known() {
    let (nothing, license) = (
        Held::default(),
        Held {
            has_license: true,
            ..Held::default()
        },
    );
    let unusable = || State::Unusable {
        cause: "why".into(),
        answer: Secret::new(String::new()),
    };
    for (state, submission, held, expected) in [
        (
            State::Intent { may_be_spent: false },
            "one",
            &nothing,
            "ask false",
        ),
        (State::Intent { may_be_spent: true }, "two", &nothing, "ask true"),
        (unusable(), "one", &nothing, "stop Unusable(\"why\")"),
        (unusable(), "two", &nothing, "ask true"),
        (State::Redeemed(redemption("pro")), "two", &nothing, "use pro"),
        (State::Settled(redemption("pro")), "two", &license, "use pro"),
        (
            State::Settled(redemption("pro")),
            "two",
            &nothing,
            "stop LicenseGone",
        ),
        (
            State::Settled(redemption("essentials")),
            "two",
            &nothing,
            "use essentials",
        ),
    ] {
        let book = book(state);
        assert_eq!(next(&book, "CODE", submission, held), expected, "{book:?}");
        assert_eq!(next(&book, "OTHER", submission, held), "ask false", "{book:?}");
    }
}

#[test]
fn a_lost_record_stops_the_answers_it_was_found_under_and_no_later_ones() {
    let lost = SetAside {
        submission: "one".into(),
        cause: "torn".into(),
        at: "t".into(),
    };
    let book = Book {
        set_aside: Some(lost),
        ..Book::default()
    };
    assert_eq!(
        next(&book, "CODE", "one", &Held::default()),
        "stop RecordLost(\"torn\")"
    );
    assert_eq!(next(&book, "CODE", "two", &Held::default()), "ask true");
}

#[test]
fn the_cluster_alone_tells_of_a_redemption_of_this_box_only() {
    let held = |appliance: &str, tenant: &str, edition: &str, has_license| Held {
        appliance_id: Some(appliance.to_owned()),
        tenant_id: Some(tenant.to_owned()),
        edition: Some(edition.to_owned()),
        has_license,
    };
    let empty = Book::default();
    for (held, ours) in [
        (held("us", TENANT, "essentials", false), true),
        (held("us", TENANT, "pro", true), true),
        (held("us", TENANT, "pro", false), false),
        (held("them", TENANT, "essentials", false), false),
        (held("us", "x", "essentials", false), false),
        (held("us", TENANT, "", true), false),
        (Held::default(), false),
    ] {
        assert_eq!(empty.recovered(&held, "us").is_some(), ours, "{held:?}");
    }
    let known = book(State::Settled(redemption("pro")));
    assert!(known.recovered(&held("us", TENANT, "pro", true), "us").is_none());
}

#[test]
fn what_was_bought_is_forgotten_last() {
    let mut book = book(State::Redeemed(redemption("pro")));
    for number in 0..3 * MAX_ENTRIES {
        book.note(entry(&number.to_string(), State::Intent { may_be_spent: true }));
    }
    assert_eq!(book.entries.len(), MAX_ENTRIES);
    assert_eq!(next(&book, "CODE", "two", &Held::default()), "use pro");
    let last = (3 * MAX_ENTRIES - 1).to_string();
    assert_eq!(next(&book, &last, "two", &Held::default()), "ask true");
}
