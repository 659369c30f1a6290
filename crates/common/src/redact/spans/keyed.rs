//! The values of sensitive keys, as environments, documents, headers and argument lists write them.

use std::ops::Range;

use super::Span;
use super::tokens::is_dotted;
use crate::redact::MASK;
use crate::redact::keys::is_sensitive;
use crate::redact::rule::Rule;

/// More than this is no word of an environment.
const MAX_BEFORE: usize = 256;

/// The braces so far, each counted once however many keys there are.
#[derive(Default)]
struct Flow {
    counted: usize,
    depth: isize,
}

impl Flow {
    /// Whether what stands at `at` is inside braces.
    fn is_open(&mut self, bytes: &[u8], at: usize) -> bool {
        for byte in &bytes[self.counted..at] {
            self.depth += isize::from(*byte == b'{') - isize::from(*byte == b'}');
        }
        self.counted = at;
        self.depth > 0
    }
}

/// Where the value of a key begins, and of what kind its separator is.
struct Separated {
    value: usize,
    is_flag: bool,
    is_colon: bool,
}

/// Values of sensitive keys: `KEY=value`, `key: value`, `"key": "value"`, `--key value`, `Header: value`.
pub(super) fn of(line: &str) -> Vec<Span> {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut flow) = (0, Flow::default());
    while at < bytes.len() {
        if !is_dotted(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_dotted(bytes[at]) {
            at += 1;
        }
        let key = &line[start..at];
        let Some(separated) = separated(line, start, at) else {
            continue;
        };
        if !is_sensitive(key.trim_start_matches('-')) {
            continue;
        }
        let range = value(line, start, &separated, flow.is_open(bytes, start));
        if !is_plain(&line[range.clone()]) {
            at = at.max(range.end);
            found.push((range, Rule::Key));
        }
    }
    found
}

fn separated(line: &str, start: usize, end: usize) -> Option<Separated> {
    let bytes = line.as_bytes();
    let is_flag = line[start..end].starts_with("--");
    let mut at = end;
    let quotes = [b'"', b'\'', b'\\', b']', b'`'];
    while at < bytes.len() && quotes.contains(&bytes[at]) {
        at += 1;
    }
    let blank = |at: usize| line[at..].len() - line[at..].trim_start_matches([' ', '\t']).len();
    let after = at + blank(at);
    match bytes.get(after) {
        Some(b'=') => {
            let next = after + 1 + usize::from(bytes.get(after + 1) == Some(&b'>'));
            Some(Separated {
                value: next + blank(next),
                is_flag,
                is_colon: false,
            })
        }
        Some(b':') if !line[after..].starts_with("://") => {
            let next = after + 1 + usize::from(bytes.get(after + 1) == Some(&b'='));
            Some(Separated {
                value: next + blank(next),
                is_flag,
                is_colon: true,
            })
        }
        _ if is_flag && after > at => Some(Separated {
            value: after,
            is_flag,
            is_colon: false,
        }),
        _ => None,
    }
}

/// How far a value reaches.
fn value(line: &str, key: usize, separated: &Separated, is_in_flow: bool) -> Range<usize> {
    let bytes = line.as_bytes();
    let start = separated.value;
    let rest = &line[start..];
    for quote in ["\\\"", "\\'", "\"", "'", "`"] {
        if let Some(inside) = rest.strip_prefix(quote) {
            let from = start + quote.len();
            return from..from + closing(inside, quote);
        }
    }
    // The key begins inside quotes that it does not end: `-H 'Authorization: Basic …'`.
    let before = key.checked_sub(1).map(|before| bytes[before]);
    if let Some(quote @ (b'"' | b'\'' | b'`')) = before
        && let Some(end) = rest.bytes().position(|byte| byte == quote)
    {
        return start..start + end;
    }
    let to = |ends: &[char]| start..start + rest.find(ends).unwrap_or(rest.len());
    let is_first = is_first(&line[..key]);
    match (separated.is_flag, separated.is_colon) {
        (true, _) => to(&[' ', '\t', '"', '\'']),
        (false, true) if is_in_flow => to(&[',', '}']),
        (false, true) => start..line.len(),
        (false, false) if is_first => start..line.len(),
        (false, false) => to(&[' ', '\t', '&', ';', ',', ')', '"', '\'', '|', '}', ']']),
    }
}

/// A key that nothing but the words of an environment stands before: the rest of the line is its value.
fn is_first(before: &str) -> bool {
    if before.len() > MAX_BEFORE {
        return false;
    }
    let before = before.trim().trim_end_matches("Environment=");
    before.is_empty() || ["export", "-", "env", "set", "declare -x", "ENV", "ARG"].contains(&before.trim())
}

/// Up to the quote that ends it, or the end of the line.
fn closing(inside: &str, quote: &str) -> usize {
    let mut at = 0;
    let bytes = inside.as_bytes();
    while at < bytes.len() {
        if inside[at..].starts_with(quote) {
            return at;
        }
        let is_escape = bytes[at] == b'\\' && quote.len() == 1;
        at += if is_escape { 2 } else { 1 };
        while at < bytes.len() && !inside.is_char_boundary(at) {
            at += 1;
        }
    }
    inside.len()
}

/// A value that says nothing: a switch, nothing at all, a reference to something else, or a mask.
fn is_plain(value: &str) -> bool {
    let value = value.trim().trim_end_matches([',', ';']);
    let is_word = [
        "", "null", "true", "false", "~", "none", "None", "nil", "<none>", "<nil>", "<set>", "<unset>", "[]",
        "{}", "{", "[", "|", ">", "|-", ">-", "|+", ">+",
    ];
    is_word.contains(&value)
        || value.starts_with(MASK)
        || value.starts_with("${")
        || value.starts_with("$(")
        || value.starts_with("{{")
}
