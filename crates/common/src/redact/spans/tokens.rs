//! What is a secret by its form alone: web tokens, tokens of services, the setup token.

use super::{Span, within};
use crate::redact::rule::Rule;

/// How a token begins, how many characters follow at least, and which.
pub(super) type Shape = (&'static str, usize, fn(u8) -> bool);

/// Tokens that services make.
pub(super) const TOKENS: [Shape; 22] = [
    ("AKIA", 16, is_upper),
    ("ASIA", 16, is_upper),
    ("ghp_", 20, is_word),
    ("gho_", 20, is_word),
    ("ghu_", 20, is_word),
    ("ghs_", 20, is_word),
    ("ghr_", 20, is_word),
    ("github_pat_", 20, is_word),
    ("glpat-", 16, is_dashed),
    ("xoxb-", 10, is_dashed),
    ("xoxp-", 10, is_dashed),
    ("xoxa-", 10, is_dashed),
    ("xoxs-", 10, is_dashed),
    ("sk-", 16, is_dashed),
    ("sk_live_", 16, is_word),
    ("rk_live_", 16, is_word),
    ("AIza", 30, is_dashed),
    ("npm_", 30, is_word),
    ("dckr_pat_", 16, is_dashed),
    ("hvs.", 16, is_dashed),
    ("ya29.", 16, is_dashed),
    ("SG.", 30, is_dotted),
];

fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
fn is_dashed(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}
pub(super) fn is_dotted(byte: u8) -> bool {
    is_dashed(byte) || byte == b'.'
}

/// Three parts of base64url, the first of them a JSON object (RFC 7519).
pub(super) fn jwts(line: &str) -> Vec<Span> {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let mut seen = 0;
    for (at, _) in line.match_indices("eyJ") {
        // Within a run of such characters that was looked at.
        if at < seen {
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|byte| is_dotted(**byte)).count();
        seen = end;
        if line[at..end].matches('.').count() >= 2 {
            found.push((at..end, Rule::Jwt));
        }
    }
    found
}

/// Tokens of services, and those that join a k3s cluster (`K10`, a hash, `::`; <https://docs.k3s.io/cli/token>).
pub(super) fn of_services(line: &str) -> Vec<Span> {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    for (prefix, least, is_of_it) in TOKENS {
        let mut seen = 0;
        for (at, _) in line.match_indices(prefix) {
            let is_inside = at
                .checked_sub(1)
                .is_some_and(|before| bytes[before].is_ascii_alphanumeric());
            if is_inside || at < seen {
                continue;
            }
            let start = at + prefix.len();
            let length = bytes[start..].iter().take_while(|byte| is_of_it(**byte)).count();
            seen = start + length;
            if length >= least {
                found.push((at..seen, Rule::Token));
            }
        }
    }
    let mut seen = 0;
    for (at, _) in line.match_indices("K10") {
        if at < seen {
            continue;
        }
        let word = within(line, at);
        let word = &word[..word.find([' ', '\t', '"', '\'', ',']).unwrap_or(word.len())];
        seen = at + word.len();
        if word.contains("::") {
            found.push((at..seen, Rule::Token));
        }
    }
    found
}

/// Five groups of four digits.
pub(super) fn of_setup(line: &str) -> Vec<Span> {
    const LENGTH: usize = 24;
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(dash) = bytes[at..]
        .iter()
        .position(|byte| *byte == b'-')
        .map(|dash| at + dash)
    {
        at = dash + 1;
        let Some(start) = dash.checked_sub(4) else {
            continue;
        };
        let Some(whole) = bytes.get(start..start + LENGTH) else {
            continue;
        };
        let is_it = whole.iter().enumerate().all(|(at, byte)| match at % 5 {
            4 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        let is_edge =
            |byte: Option<&u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'-');
        let before = start.checked_sub(1).and_then(|before| bytes.get(before));
        if is_it && is_edge(before) && is_edge(bytes.get(start + LENGTH)) {
            found.push((start..start + LENGTH, Rule::SetupToken));
            at = start + LENGTH;
        }
    }
    found
}
