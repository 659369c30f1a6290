//! What a licence token says of itself. Its signature is the application's to check: this is for display.

use appliance_common::clock::iso_millis;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

/// 2100-01-01T00:00:00Z: a licence that ends then or later has no end (30 §9).
const FOR_EVER: i64 = 4_102_444_800;

/// When a licence ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    /// Never.
    Perpetual,
    /// At this time.
    Until(Timestamp),
    /// It does not say.
    Unknown,
}

impl Term {
    /// `active`, `expired` or `unknown`.
    pub(super) fn status(self, now: Timestamp) -> &'static str {
        match self {
            Self::Perpetual => "active",
            Self::Until(end) if end > now => "active",
            Self::Until(_) => "expired",
            Self::Unknown => "unknown",
        }
    }

    /// The date that is shown.
    pub(super) fn expires_at(self) -> Option<String> {
        match self {
            Self::Until(end) => Some(iso_millis(end)),
            Self::Perpetual | Self::Unknown => None,
        }
    }
}

/// What a token says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) term: Term,
    /// `edition`, else `tier`.
    pub(super) edition: Option<String>,
}

/// Reads a token; one that cannot be read says nothing.
pub(super) fn read(token: &str) -> Claims {
    let payload = token.split('.').nth(1).and_then(|payload| {
        let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    });
    let payload = payload.unwrap_or_default();
    let text = |key: &str| {
        payload[key]
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    Claims {
        term: term(&payload["exp"]),
        edition: text("edition").or_else(|| text("tier")),
    }
}

fn term(exp: &Value) -> Term {
    let Some(seconds) = exp.as_f64() else {
        return Term::Unknown;
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fraction of a second does not matter, and beyond the range the cast saturates"
    )]
    let seconds = seconds as i64;
    if seconds >= FOR_EVER {
        return Term::Perpetual;
    }
    Timestamp::from_second(seconds).map_or(Term::Unknown, Term::Until)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(payload: &str) -> Claims {
        read(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)))
    }

    #[test]
    fn a_licence_is_active_until_its_end_for_ever_or_not_known() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let second = now.as_second();
        for (payload, status, expires, perpetual) in [
            (r#"{"exp":9999999999}"#.to_owned(), "active", None, true),
            (r#"{"exp":4102444800}"#.to_owned(), "active", None, true),
            (r#"{"exp":1e300}"#.to_owned(), "active", None, true),
            (
                r#"{"exp":4102444799}"#.to_owned(),
                "active",
                Some("2099-12-31T23:59:59.000Z"),
                false,
            ),
            (
                format!(r#"{{"exp":{}}}"#, second + 1),
                "active",
                Some("2026-06-01T00:00:01.000Z"),
                false,
            ),
            (
                format!(r#"{{"exp":{second}}}"#),
                "expired",
                Some("2026-06-01T00:00:00.000Z"),
                false,
            ),
            (
                r#"{"exp":1}"#.to_owned(),
                "expired",
                Some("1970-01-01T00:00:01.000Z"),
                false,
            ),
            ("{}".to_owned(), "unknown", None, false),
            (r#"{"exp":"9999999999"}"#.to_owned(), "unknown", None, false),
            ("not json".to_owned(), "unknown", None, false),
        ] {
            let term = claims(&payload).term;
            assert_eq!(
                (
                    term.status(now),
                    term.expires_at().as_deref(),
                    term == Term::Perpetual
                ),
                (status, expires, perpetual),
                "{payload}"
            );
        }
        assert_eq!(read("nothing").term, Term::Unknown);
    }

    #[test]
    fn the_edition_is_named_directly_or_by_its_tier() {
        assert_eq!(
            claims(r#"{"edition":"pro","tier":"x"}"#).edition.as_deref(),
            Some("pro")
        );
        assert_eq!(
            claims(r#"{"edition":"","tier":"premium"}"#).edition.as_deref(),
            Some("premium")
        );
        assert_eq!(claims("{}").edition, None);
    }
}
