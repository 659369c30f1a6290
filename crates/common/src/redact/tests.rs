//! The corpus: secrets in their real surroundings, and what only looks like one.

use proptest::prelude::*;

use super::*;

/// Keys of cases that stand for many, each as an environment, a document and a flag write it.
const KEYS: [[&str; 4]; 11] = [
    ["DB_PASSWORD", "db_password", "dbPassword", "db-password"],
    ["API_KEY", "api_key", "apiKey", "api-key"],
    ["AUTH_TOKEN", "auth_token", "authToken", "auth-token"],
    ["CLIENT_SECRET", "client_secret", "clientSecret", "client-secret"],
    [
        "ENCRYPTION_KEY",
        "encryption_key",
        "encryptionKey",
        "encryption-key",
    ],
    ["INSTALL_CODE", "install_code", "installCode", "install-code"],
    ["LICENSE_KEY", "license_key", "licenseKey", "license-key"],
    ["SESSION_SALT", "session_salt", "sessionSalt", "session-salt"],
    ["USER_PWD", "user_pwd", "userPwd", "user-pwd"],
    ["PROXY_PASS", "proxy_pass", "proxyPass", "proxy-pass"],
    [
        "AWS_SECRET_ACCESS_KEY",
        "secret_access_key",
        "secretAccessKey",
        "secret-access-key",
    ],
];

/// Name and text of each case.
fn corpus() -> Vec<(String, String)> {
    let blocks = include_str!("tests/corpus.txt").split("\n== ").skip(1);
    let cases = blocks.filter_map(|block| block.split_once('\n'));
    let mut all = Vec::new();
    for (name, text) in cases {
        if !text.to_lowercase().contains("%key%") && !text.contains("%flag%") {
            all.push((name.to_owned(), text.to_owned()));
            continue;
        }
        for [env, snake, camel, flag] in KEYS {
            let text = text
                .replace("%KEY%", env)
                .replace("%key%", snake)
                .replace("%Key%", camel);
            all.push((format!("{name}, {env}"), text.replace("%flag%", flag)));
        }
    }
    all
}

/// A secret of its own for each case.
fn canary(case: usize) -> String {
    format!("c4nary{case:04}")
}

#[test]
fn no_secret_of_the_corpus_survives_and_what_is_around_it_does() {
    let corpus = corpus();
    assert!(corpus.len() >= 300, "{} cases", corpus.len());
    let redactor = Redactor::new([]);
    let mut failed = Vec::new();
    for (at, (name, text)) in corpus.iter().enumerate() {
        let secret = canary(at);
        let redacted = redactor.text(&text.replace("@@", &secret));
        let is_kept = redacted.as_str().matches("kept").count() == text.matches("kept").count();
        if redacted.as_str().contains(&secret) || !is_kept || redacted.counts().total() == 0 {
            failed.push(format!("{name}:\n{}", redacted.as_str()));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {}:\n{}",
        failed.len(),
        corpus.len(),
        failed.join("\n")
    );
}

#[test]
fn what_only_looks_like_a_secret_stays_as_it_is() {
    let kept: Vec<_> = include_str!("tests/kept.txt").lines().collect();
    assert!(kept.len() >= 100, "{} lines", kept.len());
    let redactor = Redactor::new([]);
    let changed: Vec<_> = kept
        .iter()
        .map(|line| (line, redactor.text(line).into_string()))
        .filter(|(line, redacted)| line != &redacted)
        .collect();
    assert!(changed.is_empty(), "{changed:#?}");
}

#[test]
fn what_this_box_knows_goes_in_every_form() {
    let password = br#" Can"ary\7!psa "#;
    let redactor = Redactor::new([
        ("INITIAL_ADMIN_PASSWORD", password.as_slice()),
        ("DB_USER", b"postgres"),
    ]);
    let log = format!(
        "starting as postgres\nfull text {} end\nas json {}\nas base64 {} end",
        r#"Can"ary\7!psa"#,
        serde_json::json!({"value": r#"Can"ary\7!psa"#}),
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, password),
    );
    let redacted = redactor.text(&log);
    assert!(redacted.as_str().contains("starting as postgres"), "{redacted:?}");
    for fragment in ["ary", "psa"] {
        assert!(
            !redacted.as_str().contains(fragment),
            "{fragment} in {redacted:?}"
        );
    }
    assert_eq!(redacted.counts().total(), 3);
}

/// Exactly one more case of each rule would be another figure.
#[test]
fn what_was_taken_is_counted_by_its_rule_and_never_shown() {
    let redactor = Redactor::new([]);
    let redacted = redactor
        .text("password: a-b-c\nhttp://u:pw@h\n1111-2222-3333-4444-5555 or 1111-2222-3333-4444-5556\n");
    let counts = serde_json::to_value(redacted.counts()).unwrap();
    assert_eq!(
        counts,
        serde_json::json!({"key": 1, "userinfo": 1, "setup-token": 2})
    );
    assert!(!format!("{redactor:?}").contains("password"));
}

proptest! {
    /// Any text: no panic, and a second look finds nothing more to take.
    #[test]
    fn redacting_twice_is_redacting_once(text in "(?s)[ -~\n\t\"'éß]{0,200}") {
        let redactor = Redactor::new([("k", b"hunter2hunter2".as_slice())]);
        let once = redactor.text(&text);
        let twice = redactor.text(once.as_str());
        prop_assert_eq!(once.as_str(), twice.as_str());
    }

    /// Whatever stands around it on its line, a secret of the corpus does not survive.
    #[test]
    fn words_before_a_secret_do_not_save_it(before in "[a-zA-Z0-9 .,]{0,30}", case in any::<prop::sample::Index>()) {
        // Only where the case is one line of a log: structure begins at the beginning of a line.
        let is_line = |(name, text): &(String, String)| {
            !text.trim_end().contains('\n') && text.contains('=') && !name.contains("blanks")
        };
        let lines: Vec<_> = corpus().into_iter().filter(is_line).collect();
        let (name, text) = case.get(&lines);
        let line = format!("{before} {}", text.replace("@@", "c4nary7"));
        let redacted = Redactor::new([]).text(&line);
        prop_assert!(!redacted.as_str().contains("c4nary7"), "{}: {}", name, redacted.as_str());
    }
}

/// A line that never ends and is full of what begins secrets is looked at once: this would take hours otherwise.
#[test]
fn a_line_of_a_megabyte_is_no_trouble() {
    let redactor = Redactor::new([]);
    for part in [
        "{token:",
        "://a:b",
        "eyJ",
        "sk-",
        "K10",
        "\"pass\":\"",
        "'auth: ",
        "-----BEGIN ",
        "1234-",
        "bearer ",
    ] {
        let line = part.repeat(1024 * 1024 / part.len());
        assert!(!redactor.text(&line).as_str().is_empty());
    }
}

/// Pieces of the corpus, one after the other, with what cuts characters and lines.
fn anything() -> impl Strategy<Value = Vec<u8>> {
    let corpus = corpus();
    let parts: Vec<Vec<u8>> = corpus
        .into_iter()
        .map(|(_, text)| text.replace("@@", "c4naryXYZ-value").into_bytes())
        .chain([
            b"kind: Secret\n".to_vec(),
            b"data:\n  a: b\n".to_vec(),
            b"---\n".to_vec(),
            vec![0xe2, 0x82],
            "\u{20ac}\r\n".into(),
            b"known-value-one".to_vec(),
            b"known-value".to_vec(),
        ])
        .collect();
    prop::collection::vec(prop::sample::select(parts), 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn where_the_pieces_of_a_text_end_changes_nothing(text in anything(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let redactor = Redactor::new([("a", b"known-value-one".as_slice()), ("b", b"known-value")]);
        let streamed = |pieces: Vec<&[u8]>| {
            let (mut stream, mut out) = (redactor.stream(), String::new());
            for piece in pieces { stream.push(piece, &mut out); }
            stream.finish(&mut out);
            (out, stream.into_counts())
        };
        let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        at.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in at {
            pieces.push(&text[from..cut]);
            from = cut;
        }
        pieces.push(&text[from..]);
        prop_assert_eq!(streamed(pieces), streamed(vec![&text]));
    }
}
