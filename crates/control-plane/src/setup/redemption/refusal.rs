//! What the licence service says when it does not redeem a code, and which kind of no that is.

use std::time::Duration;

use appliance_common::secret::Secret;
use serde_json::Value;

use super::answer::is_unprintable;

/// Most characters of the service's own words that are shown.
const MAX_WORDS: usize = 300;
/// Longest code of a refusal.
const MAX_CODE: usize = 64;

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// Its status.
    pub(super) status: u16,
    /// Its stable code, if it gave one.
    pub(super) code: Option<String>,
    /// What it says to people, safe to be shown.
    pub(super) words: Option<String>,
    /// How long it asks to be left alone.
    pub(super) retry_after: Option<Duration>,
}

/// Which kind of no it is (20 §15, W9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Another code must be entered.
    Correctable(CodeTrouble),
    /// It passes by itself. Behind a failing gateway the service may have taken the code all the same.
    Passing {
        /// Whether the code may have been taken.
        may_be_spent: bool,
    },
    /// Somebody must mend something first.
    Permanent,
}

/// What is the matter with the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodeTrouble {
    Invalid,
    Expired,
    Consumed,
    Superseded,
    TenantMismatch,
}

impl CodeTrouble {
    fn parse(code: &str) -> Option<Self> {
        match code {
            "invalid_claim_code" => Some(Self::Invalid),
            "expired_claim_code" => Some(Self::Expired),
            "consumed_claim_code" => Some(Self::Consumed),
            "superseded_claim_code" => Some(Self::Superseded),
            "tenant_mismatch" => Some(Self::TenantMismatch),
            _ => None,
        }
    }
}

impl Refusal {
    /// Reads an answer whose body may be anything.
    pub(super) fn read(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let is_code = |code: &&str| {
            (1..=MAX_CODE).contains(&code.len())
                && code
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        Self {
            status,
            code: body["code"].as_str().filter(is_code).map(str::to_owned),
            words: body["error"].as_str().and_then(shown),
            retry_after,
        }
    }

    /// Which kind of no it is.
    pub(super) fn kind(&self) -> Kind {
        match (self.status, self.code.as_deref().and_then(CodeTrouble::parse)) {
            (425 | 429, _) => Kind::Passing { may_be_spent: false },
            (408 | 500..=599, _) => Kind::Passing { may_be_spent: true },
            (400..=499, Some(trouble)) => Kind::Correctable(trouble),
            _ => Kind::Permanent,
        }
    }

    /// The service's words without the code, should it repeat it.
    pub(super) fn words_without(&self, code: &Secret<String>) -> Option<String> {
        self.words.as_deref().map(|words| without(words, code.expose()))
    }
}

/// One line of at most [`MAX_WORDS`] characters.
fn shown(words: &str) -> Option<String> {
    let plain: String = words
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_unprintable(*c))
        .collect();
    let mut words = plain
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    if let Some((cut, _)) = words.char_indices().nth(MAX_WORDS) {
        words.truncate(cut);
        words.push('…');
    }
    Some(words).filter(|words| !words.is_empty())
}

/// `text` without the code, however it is grouped: codes are printed with dashes and spaces.
fn without(text: &str, code: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut kept, mut at) = (String::new(), 0);
    while let Some(c) = chars.get(at) {
        if let Some(len) = match_end(&chars[at..], code) {
            kept.push_str("(the code)");
            at += len;
        } else {
            kept.push(*c);
            at += 1;
        }
    }
    kept
}

/// How many characters at the beginning are the code, if they are.
fn match_end(chars: &[char], code: &str) -> Option<usize> {
    let mut wanted = code.chars().peekable();
    for (at, c) in chars.iter().enumerate() {
        let is_gap = at > 0 && matches!(c, '-' | ' ');
        if wanted.peek().is_some_and(|wanted| wanted.eq_ignore_ascii_case(c)) {
            wanted.next();
            if wanted.peek().is_none() {
                return Some(at + 1);
            }
        } else if !is_gap {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &str) -> Kind {
        Refusal::read(status, None, body.as_bytes()).kind()
    }

    #[test]
    fn each_answer_is_of_one_kind() {
        let passing = |may_be_spent| Kind::Passing { may_be_spent };
        for (status, body, expected) in [
            (
                404,
                r#"{"code":"invalid_claim_code"}"#,
                Kind::Correctable(CodeTrouble::Invalid),
            ),
            (
                410,
                r#"{"code":"expired_claim_code"}"#,
                Kind::Correctable(CodeTrouble::Expired),
            ),
            (
                409,
                r#"{"code":"consumed_claim_code"}"#,
                Kind::Correctable(CodeTrouble::Consumed),
            ),
            (
                409,
                r#"{"code":"superseded_claim_code"}"#,
                Kind::Correctable(CodeTrouble::Superseded),
            ),
            (
                403,
                r#"{"code":"tenant_mismatch"}"#,
                Kind::Correctable(CodeTrouble::TenantMismatch),
            ),
            (400, r#"{"code":"bad_request"}"#, Kind::Permanent),
            (401, "", Kind::Permanent),
            (404, "<html>not here</html>", Kind::Permanent),
            (409, r#"{"code":7}"#, Kind::Permanent),
            (408, "", passing(true)),
            (425, "", passing(false)),
            (429, r#"{"code":"rate_limited"}"#, passing(false)),
            (429, r#"{"code":"consumed_claim_code"}"#, passing(false)),
            (500, "", passing(true)),
            (503, r#"{"code":"invalid_claim_code"}"#, passing(true)),
            (599, "", passing(true)),
            (304, "", Kind::Permanent),
        ] {
            assert_eq!(kind(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_services_words_are_one_printable_line() {
        let words = |error: &str| {
            Refusal::read(
                400,
                None,
                serde_json::json!({"error": error}).to_string().as_bytes(),
            )
            .words
        };
        assert_eq!(
            words(" Code\nis \t used\u{1b}[2J ").as_deref(),
            Some("Code is used[2J")
        );
        assert_eq!(words("\u{202e}\u{0}").as_deref(), None);
        assert_eq!(words(&"ä".repeat(500)).unwrap().chars().count(), MAX_WORDS + 1);
        assert_eq!(Refusal::read(400, None, br#"{"error":{"a":1}}"#).words, None);
    }

    #[test]
    fn a_code_in_the_services_words_is_taken_out() {
        let code = Secret::new("K7QPM2RX".to_owned());
        for words in [
            "Code K7QPM2RX is used",
            "Code k7qp-m2rx is used",
            "Code K7QP M2RX is used",
        ] {
            let refusal = Refusal::read(
                409,
                None,
                serde_json::json!({"error": words}).to_string().as_bytes(),
            );
            assert_eq!(refusal.words_without(&code).unwrap(), "Code (the code) is used");
        }
        assert_eq!(without("K7QPM2R", "K7QPM2RX"), "K7QPM2R");
        assert_eq!(without("K7QK7QPM2RX!", "K7QPM2RX"), "K7Q(the code)!");
    }
}
