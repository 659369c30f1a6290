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

/// Longer forms are taken in pieces, so that a stream is held back by no more than this.
const MAX_FORM: usize = 1024;

#[derive(Default)]
pub(super) struct Literals {
    searcher: Option<AhoCorasick>,
    /// Bytes of the longest form.
    longest: usize,
}

/// Text that is not searched to its end, because a value may begin there.
#[derive(Default)]
pub(super) struct Unsearched(String);

impl Literals {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut all = Vec::new();
        for (key, value) in secrets {
            let lower = key.to_lowercase();
            let is_harmless = HARMLESS.iter().any(|harmless| lower.contains(harmless)) && !is_sensitive(key);
            if !is_harmless {
                all.extend(forms(value).iter().flat_map(|form| pieces(form)));
            }
        }
        all.retain(|form| form.len() >= MIN_BYTES && !form.trim().is_empty());
        all.sort_unstable();
        all.dedup();
        let longest = all.iter().map(String::len).max().unwrap_or(0);
        // A secret that is part of another must not break it up.
        let searcher = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&all);
        Self {
            searcher: searcher.ok().filter(|_| !all.is_empty()),
            longest,
        }
    }

    /// Whether any of the values is in these bytes.
    pub(super) fn are_in(&self, bytes: &[u8]) -> bool {
        self.searcher
            .as_ref()
            .is_some_and(|searcher| searcher.is_match(bytes))
    }

    /// Bytes of the longest value, as it may be written.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Hands on what no value can begin in any more; without a text it was the last.
    pub(super) fn search(
        &self,
        held: &mut Unsearched,
        text: Option<&str>,
        counts: &mut Counts,
        mut hand_on: impl FnMut(&str, &mut Counts),
    ) {
        let Some(searcher) = &self.searcher else {
            return hand_on(text.unwrap_or_default(), counts);
        };
        held.0.push_str(text.unwrap_or_default());
        // A value that begins before this is here as a whole, and so is the longest that begins with it.
        let known = if text.is_none() {
            held.0.len()
        } else {
            held.0.len().saturating_sub(self.longest)
        };
        let mut from = 0;
        for found in searcher.find_iter(&held.0) {
            if found.start() >= known {
                break;
            }
            hand_on(&held.0[from..found.start()], counts);
            counts.note(Rule::Literal);
            hand_on(&Rule::Literal.mask(), counts);
            from = found.end();
        }
        let mut upto = known.max(from);
        while !held.0.is_char_boundary(upto) {
            upto -= 1;
        }
        if upto > from {
            hand_on(&held.0[from..upto], counts);
        }
        held.0.drain(..upto.max(from));
    }
}

/// A form, or what it consists of.
fn pieces(form: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = form;
    while rest.len() > MAX_FORM {
        let at = rest.floor_char_boundary(MAX_FORM);
        pieces.push(rest[..at].to_owned());
        rest = &rest[at..];
    }
    pieces.push(rest.to_owned());
    pieces
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

    fn masked(literals: &Literals, text: &str) -> (String, usize) {
        let (mut out, mut counts) = (String::new(), Counts::default());
        let mut held = Unsearched::default();
        literals.search(&mut held, Some(text), &mut counts, |text, _| out.push_str(text));
        literals.search(&mut held, None, &mut counts, |text, _| out.push_str(text));
        (out, counts.total())
    }

    #[test]
    fn a_long_value_is_taken_in_pieces_to_its_end() {
        let long = "0123456789abcdef".repeat(400);
        let literals = Literals::new([("K", long.as_bytes())]);
        assert!(literals.longest() <= 1024);
        let (masked, found) = masked(&literals, &format!("before {long} after"));
        assert!(found > 1 && !masked.contains("0123456789"), "{masked}");
        assert!(masked.starts_with("before ") && masked.ends_with(" after"));
    }

    #[test]
    fn a_value_is_found_in_base64_wherever_it_begins() {
        let secret = b"s3cr3t-of-the-box";
        let literals = Literals::new([("K", secret.as_slice())]);
        let masked = |text: &str| masked(&literals, text);
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "x", "xy", "xyz"] {
                let whole = [before.as_bytes(), secret, after.as_bytes()].concat();
                let (masked, found) = masked(&STANDARD.encode(&whole));
                assert_eq!(found, 1, "{before:?} {after:?}: {masked}");
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
            let (masked, _) = masked(&literals, written);
            assert_eq!(masked, Rule::Literal.mask(), "{written}");
        }
    }
}
