//! Takes secrets out of what programs wrote: the values this box knows, and whatever looks like one. It
//! would rather mask too much.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What stands where a secret was.
const MASK: &str = "[REDACTED]";
/// Shorter values are words of any log.
const MIN_SECRET: usize = 6;
/// What the keys of secret values have in their names.
const SENSITIVE: [&str; 14] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "credential",
    "apikey",
    "api_key",
    "api-key",
    "auth",
    "cookie",
    "license",
    "private",
    "salt",
    "dsn",
];
/// What the keys of harmless values in Secrets have in their names.
const HARMLESS: [&str; 6] = ["user", "host", "name", "email", "edition", "port"];

/// The secret values of this box, and what looks like one; never shown.
///
/// ```
/// use appliance_common::redact::Masks;
///
/// let masks = Masks::new([("DB_PASSWORD", b"hunter2x".as_slice())]);
/// assert_eq!(masks.mask("trying hunter2x"), "trying [REDACTED]");
/// ```
pub struct Masks(Vec<String>);

impl std::fmt::Debug for Masks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masks").finish_non_exhaustive()
    }
}

impl Masks {
    /// Masks for values under their keys, as they are and as they would be written elsewhere.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut masked = Vec::new();
        for (key, value) in secrets {
            let key = key.to_lowercase();
            if HARMLESS.iter().any(|harmless| key.contains(harmless)) && !is_sensitive(&key) {
                continue;
            }
            masked.push(STANDARD.encode(value));
            if let Ok(text) = std::str::from_utf8(value) {
                masked.push(text.trim().to_owned());
                masked.extend(text.lines().map(|line| line.trim().to_owned()));
                let quoted = serde_json::Value::from(text.trim()).to_string();
                masked.push(quoted.trim_matches('"').to_owned());
            }
        }
        masked.retain(|value| value.len() >= MIN_SECRET);
        // A secret that is part of another must not break it up.
        masked.sort_by_key(|value| std::cmp::Reverse(value.len()));
        masked.dedup();
        Self(masked)
    }

    /// The text without secrets, line by line.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        let mut in_key = false;
        let secret_values = secret_values(&text);
        let lines = text.lines().enumerate().map(|(at, line)| {
            if secret_values.contains(&at) {
                return value_masked(line);
            }
            mask_line(&printable(line), &mut in_key)
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

/// Lines with the values of Secrets in YAML, whichever of `kind` and `data` comes first (50 W7): the lines of the
/// two maps that hold them, in documents that say they are one.
fn secret_values(text: &str) -> BTreeSet<usize> {
    let (mut found, mut held, mut is_secret) = (BTreeSet::new(), Vec::new(), false);
    let mut map: Option<usize> = None;
    for (at, line) in text.lines().enumerate() {
        let bare = line.trim_start_matches([' ', '-']);
        let indent = line.len() - bare.len();
        if line.starts_with("---") || (bare.starts_with("apiVersion:") && indent <= map.unwrap_or(usize::MAX))
        {
            let values = std::mem::take(&mut held);
            found.extend(is_secret.then_some(values).into_iter().flatten());
            (is_secret, map) = (false, None);
        }
        is_secret |= bare.trim_end() == "kind: Secret";
        match map {
            Some(outer) if indent > outer && !bare.is_empty() => held.push(at),
            _ if matches!(bare.trim_end(), "data:" | "stringData:") => map = Some(indent),
            Some(_) if bare.is_empty() => {}
            _ => map = None,
        }
    }
    found.extend(is_secret.then_some(held).into_iter().flatten());
    found
}

/// A line of such a map: its key stays.
fn value_masked(line: &str) -> String {
    match line.split_once(':') {
        Some((key, _)) => format!("{}: {MASK}", printable(key)),
        None => MASK.to_owned(),
    }
}

/// Logs are shown on consoles: no control character gets there.
fn printable(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn mask_line(line: &str, in_key: &mut bool) -> String {
    let begins = line.contains("-----BEGIN") && line.contains("PRIVATE KEY");
    if begins || *in_key {
        *in_key = !line.contains("-----END");
        return MASK.to_owned();
    }
    let line = mask_userinfo(line);
    let cut = [after_key(&line), after_flag(&line), after_scheme(&line)];
    let line = match cut.into_iter().flatten().min() {
        Some(at) => format!("{}{MASK}", &line[..at]),
        None => line,
    };
    let words = line.split(' ');
    words
        .map(|word| if is_token(word) { MASK } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Where the value of a sensitive key begins: `KEY=value`, `key: value`, `"key": "value"`.
fn after_key(line: &str) -> Option<usize> {
    line.char_indices().find_map(|(at, c)| {
        let is_separator = matches!(c, '=' | ':') && !line[at..].starts_with("://");
        let before = line[..at].trim_end().trim_end_matches(['"', '\'', '\\']);
        let start = before.rfind(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)));
        let key = &before[start.map_or(0, |start| start + 1)..];
        (is_separator && is_sensitive(&key.to_lowercase())).then_some(at + 1)
    })
}

/// Where the value of a sensitive flag begins: `--password value`.
fn after_flag(line: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(found) = line[from..].find("--") {
        let at = from + found;
        let end = line[at..].find(' ').map(|end| at + end)?;
        if is_sensitive(&line[at..end].to_lowercase()) {
            return Some(end + 1);
        }
        from = end;
    }
    None
}

/// Where the credentials of an authorization header begin.
fn after_scheme(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    let starts = ["bearer ", "basic "].map(|scheme| lower.find(scheme).map(|at| at + scheme.len()));
    starts.into_iter().flatten().min()
}

/// `scheme://user:password@host` without user and password.
fn mask_userinfo(line: &str) -> String {
    let (mut shown, mut rest) = (String::new(), line);
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        shown.push_str(head);
        let end = tail.find([' ', '"', '\'']).unwrap_or(tail.len());
        rest = match tail[..end].rfind('@') {
            Some(host) => {
                shown.push_str(MASK);
                &tail[host..]
            }
            None => tail,
        };
    }
    shown.push_str(rest);
    shown
}

fn is_sensitive(key: &str) -> bool {
    SENSITIVE.iter().any(|fragment| key.contains(fragment)) || key.ends_with("key")
}

/// A JSON web token (three parts, the first of them a JSON object), or one that joins a k3s cluster (`K10`, a hash,
/// `::`; <https://docs.k3s.io/cli/token>).
fn is_token(word: &str) -> bool {
    let is_signed = word.contains("eyJ") && word.matches('.').count() >= 2;
    is_signed || (word.contains("K10") && word.contains("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_value_is_masked_however_it_is_written() {
        let password = br#" Can"ary\7!psa "#;
        let masks = Masks::new([
            ("INITIAL_ADMIN_PASSWORD", password.as_slice()),
            ("DB_USER", b"postgres"),
        ]);
        let log = format!(
            "starting as postgres\nfull text {} end\nas json {}\nas base64 {} end",
            r#"Can"ary\7!psa"#,
            serde_json::json!({"value": r#"Can"ary\7!psa"#}),
            STANDARD.encode(password),
        );
        let masked = masks.mask(&log);
        assert!(masked.contains("starting as postgres"), "{masked}");
        for fragment in ["ary", "psa", &STANDARD.encode(password)[..6]] {
            assert!(!masked.contains(fragment), "{fragment} in {masked}");
        }
    }

    #[test]
    fn whatever_looks_like_a_secret_is_masked() {
        let masks = Masks::new([]);
        for line in [
            "DB_PASSWORD=s3cr3t-value",
            "password: s3cr3t value",
            r#"{"adminPassword": "s3cr3t", "x": 1}"#,
            "psql --password s3cr3t -h db",
            "connect postgres://app:s3cr3t@db:5432/server",
            "redis://:s3cr3t@redis:6379",
            "Authorization: Basic s3cr3t",
            "sent bearer s3cr3t",
            "got eyJhbGciOi.s3cr3t.sig",
            "NEXTAUTH_SECRET = s3cr3t",
            "Authorization: Bearer s3cr3t",
            r#"{"authorization": "Bearer s3cr3t"}"#,
            r#"token="q s3cr3t""#,
            "join with K10a1b2c3::server:s3cr3t now",
            "\u{1b}[31mtoken=s3cr3t",
        ] {
            let masked = masks.mask(line);
            assert!(!masked.contains("s3cr3t"), "{masked}");
            assert!(masked.contains(MASK), "{masked}");
            assert!(!masked.contains('\u{1b}'), "{masked:?}");
        }
        let key = "a\n-----BEGIN RSA PRIVATE KEY-----\ns3cr3t\n-----END RSA PRIVATE KEY-----\nb";
        assert_eq!(masks.mask(key), format!("a\n{MASK}\n{MASK}\n{MASK}\nb"));
    }

    /// 50, case 45: in either order, and among other documents.
    #[test]
    fn the_values_of_a_secret_are_masked_wherever_its_kind_is_said() {
        let masks = Masks::new([]);
        let before = "apiVersion: v1\ndata:\n  a: czNjcjN0\n  b: |\n    czNjcjN0\nkind: Secret\nmetadata:\n  name: kept";
        let after = "apiVersion: v1\nkind: Secret\nstringData:\n  a: s3cr3t value\nmetadata:\n  name: kept";
        let listed = "items:\n- apiVersion: v1\n  data:\n    a: czNjcjN0\n  kind: Secret\n- apiVersion: v1\n  data:\n    a: shown\n  kind: ConfigMap";
        let config = "apiVersion: v1\ndata:\n  a: shown\nkind: ConfigMap";
        for text in [
            before,
            after,
            listed,
            &format!("{config}\n---\n{before}\n---\n{config}"),
        ] {
            let masked = masks.mask(text);
            assert!(
                !masked.contains("czNjcjN0") && !masked.contains("s3cr3t"),
                "{masked}"
            );
            assert_eq!(
                masked.matches("shown").count(),
                text.matches("shown").count(),
                "{masked}"
            );
            assert_eq!(
                masked.matches("kept").count(),
                text.matches("kept").count(),
                "{masked}"
            );
        }
    }

    #[test]
    fn ordinary_lines_stay() {
        let masks = Masks::new([]);
        for line in [
            "bootstrap_mode=recover server_db=present user_count=0",
            "ERROR Migration failed: relation \"users\" does not exist",
            "connect to http://alga-core.msp.svc.cluster.local:3000 failed",
        ] {
            assert_eq!(masks.mask(line), line);
        }
    }
}
