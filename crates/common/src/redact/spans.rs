//! What of one line is secret, and why. Pure: bytes in, ranges out.

mod keyed;
mod tokens;

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::MASK;
use super::rule::Rule;

/// A part of a line.
pub(super) type Span = (Range<usize>, Rule);

/// What a line must have for anything in it to be secret, but the setup token's digits.
static TRIGGERS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let all = KEY_STEMS
        .iter()
        .chain(&SCHEMES)
        .chain(&OTHERS)
        .chain(tokens::TOKENS.iter().map(|(prefix, ..)| prefix));
    let builder = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .kind(Some(AhoCorasickKind::DFA))
        .build(all);
    builder.ok()
});

/// Parts of the names of sensitive keys.
const KEY_STEMS: [&str; 22] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "credential",
    "key",
    "auth",
    "cookie",
    "session",
    "salt",
    "pepper",
    "dsn",
    "code",
    "connectionstring",
    "connection_string",
    "connection-string",
    "connection string",
    "keydata",
    "key_data",
    "key-data",
    "passwort",
    "apikey",
];
const SCHEMES: [&str; 2] = ["bearer ", "basic "];
const OTHERS: [&str; 4] = ["://", "eyj", "-----begin", "k10"];

/// What of a line is secret, in order and without overlaps.
pub(super) fn of(line: &str) -> Vec<Span> {
    let mut found = tokens::of_setup(line);
    if TRIGGERS.as_ref().is_none_or(|triggers| triggers.is_match(line)) {
        found.extend(keyed::of(line));
        found.extend(schemes(line));
        found.extend(userinfo(line));
        found.extend(private_keys(line));
        found.extend(tokens::jwts(line));
        found.extend(tokens::of_services(line));
    }
    in_order(found)
}

/// The widest of those that overlap stays.
fn in_order(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|(range, _)| !range.is_empty());
    spans.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
    let mut kept: Vec<Span> = Vec::new();
    for (range, rule) in spans {
        match kept.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => kept.push((range, rule)),
        }
    }
    kept
}

/// What follows `Bearer` and `Basic`, where it is no word.
fn schemes(line: &str) -> Vec<Span> {
    let lower = line.to_ascii_lowercase();
    let mut found = Vec::new();
    for scheme in SCHEMES {
        for (at, _) in lower.match_indices(scheme) {
            let start = at + scheme.len();
            let rest = &line[start..];
            let end = rest
                .find([' ', '\t', '"', '\'', ',', ';', '\\'])
                .unwrap_or(rest.len());
            let word = &rest[..end];
            let is_random = word.len() >= 5
                && word
                    .bytes()
                    .any(|byte| byte.is_ascii_digit() || b"=+/_.".contains(&byte));
            if (is_random || word.len() >= 20) && !word.starts_with(MASK) {
                found.push((start..start + end, Rule::Scheme));
            }
        }
    }
    found
}

/// A token is not longer.
const MAX_WORD: usize = 4096;

/// The line from `start` on, as far as a word can reach.
fn within(line: &str, start: usize) -> &str {
    let end = (start + MAX_WORD).min(line.len());
    let end = (start..=end).rev().find(|end| line.is_char_boundary(*end));
    &line[start..end.unwrap_or(start)]
}

/// `scheme://user:password@host`.
fn userinfo(line: &str) -> Vec<Span> {
    let starts: Vec<_> = line.match_indices("://").map(|(at, _)| at + 3).collect();
    let mut found = Vec::new();
    for (at, &start) in starts.iter().enumerate() {
        // Up to where the next one begins: addresses stand in lists, and inside one another.
        let end = starts.get(at + 1).map_or(line.len(), |next| next - 3);
        let rest = &line[start..end];
        let word = &rest[..rest
            .find([' ', '\t', '"', '\'', '<', '>', '`'])
            .unwrap_or(rest.len())];
        let authority = &word[..word.find(['/', '?', '#']).unwrap_or(word.len())];
        // A password may have what ends an address, where somebody did not encode it.
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let is_open =
            port.is_some_and(|port| port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()));
        let end = authority
            .rfind('@')
            .or_else(|| word.rfind('@').filter(|_| is_open));
        if let Some(end) = end.filter(|end| !word[..*end].starts_with(MASK)) {
            found.push((start..start + end, Rule::Userinfo));
        }
    }
    found
}

/// A private key in one line, as JSON and variables have it.
fn private_keys(line: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(begin) = line[from..].find("-----BEGIN").map(|at| from + at) {
        let head = &line[begin..];
        let end = head.find("-----END").map_or(line.len(), |end| {
            let after = begin + end + "-----END".len();
            line[after..]
                .find("-----")
                .map_or(line.len(), |close| after + close + 5)
        });
        if line[begin..end].contains("PRIVATE KEY") {
            found.push((begin..end, Rule::PrivateKey));
        }
        from = end.max(begin + 1);
    }
    found
}
