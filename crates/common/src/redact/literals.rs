//! The values that this box knows to be secret, in every form in which they are written elsewhere.

use std::fmt::Write;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::keys::is_sensitive;
use super::rule::{Counts, Rule};

/// Shorter values are words of any log.
const MIN_BYTES: usize = 6;
/// What the keys of harmless values in Secrets have in their names.
const HARMLESS: [&str; 6] = ["user", "host", "name", "email", "edition", "port"];

pub(super) struct Literals(Option<AhoCorasick>);

impl Literals {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut all = Vec::new();
        for (key, value) in secrets {
            let lower = key.to_lowercase();
            let is_harmless = HARMLESS.iter().any(|harmless| lower.contains(harmless)) && !is_sensitive(key);
            if !is_harmless {
                all.extend(forms(value));
            }
        }
        all.retain(|form| form.len() >= MIN_BYTES);
        all.sort_unstable();
        all.dedup();
        // A secret that is part of another must not break it up.
        let searcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&all);
        Self(searcher.ok().filter(|_| !all.is_empty()))
    }

    pub(super) fn masked(&self, text: &str, counts: &mut Counts) -> String {
        let Some(searcher) = &self.0 else {
            return text.to_owned();
        };
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for found in searcher.find_iter(text) {
            out.push_str(&text[from..found.start()]);
            out.push_str(&Rule::Literal.mask());
            counts.note(Rule::Literal);
            from = found.end();
        }
        out.push_str(&text[from..]);
        out
    }
}

/// As it is, line by line, quoted, in an address, and in base64 wherever it begins.
fn forms(value: &[u8]) -> Vec<String> {
    let mut forms = in_base64(value);
    let Ok(text) = std::str::from_utf8(value) else {
        return forms;
    };
    for line in std::iter::once(text).chain(text.lines()).map(str::trim) {
        let quoted = serde_json::Value::from(line).to_string();
        forms.push(quoted.trim_matches('"').to_owned());
        forms.push(in_address(line));
        forms.push(line.to_owned());
    }
    forms
}

/// What of its base64 does not depend on what stands around it, for each of the three places where it can begin in a
/// group of three bytes.
fn in_base64(value: &[u8]) -> Vec<String> {
    let at = |before: usize| {
        let mut bytes = vec![0; before];
        bytes.extend(value);
        let whole = STANDARD_NO_PAD.encode(&bytes);
        // Characters that the bytes before have a part in, and at the end those that what follows has.
        let start = [0, 2, 3][before];
        let end = if bytes.len().is_multiple_of(3) {
            whole.len()
        } else {
            whole.len() - 1
        };
        whole.get(start..end).unwrap_or_default().to_owned()
    };
    let plain = (0..3).map(at);
    plain
        .flat_map(|form| [form.replace('+', "-").replace('/', "_"), form])
        .collect()
}

/// Percent-encoded, as in an address (RFC 3986).
fn in_address(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_value_is_found_in_base64_wherever_it_begins() {
        let secret = b"s3cr3t-of-the-box";
        let literals = Literals::new([("K", secret.as_slice())]);
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let whole = [before.as_bytes(), secret, after.as_bytes()].concat();
                let mut counts = Counts::default();
                let masked = literals.masked(&STANDARD.encode(&whole), &mut counts);
                assert_eq!(counts.total(), 1, "{before:?} {after:?}: {masked}");
            }
        }
    }

    #[test]
    fn a_value_is_found_in_an_address_and_in_quotes() {
        let literals = Literals::new([("K", br#"p@ss "word"/1"#.as_slice())]);
        for written in [
            r#"p@ss "word"/1"#,
            r#"p@ss \"word\"/1"#,
            "p%40ss%20%22word%22%2F1",
        ] {
            let masked = literals.masked(written, &mut Counts::default());
            assert_eq!(masked, Rule::Literal.mask(), "{written}");
        }
    }
}
