//! The query of a request: strict about what it knows, silent about what it does not.

use std::borrow::Cow;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use super::error::{ApiError, ApiResult};

/// Names and values, decoded. Of a name that comes twice the first counts; an empty value is none.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    fn of(text: &str) -> Self {
        Self(
            url::form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Whether a switch is on: 1 or 0.
    pub(super) fn switch(&self, name: &'static str) -> ApiResult<bool> {
        match self.get(name) {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(_) => Err(invalid(format!("“{name}” must be 1 or 0."))),
        }
    }

    /// A whole number of at least 1; one that is larger than `most` counts as that.
    pub(super) fn count(&self, name: &'static str, default: u32, most: u32) -> ApiResult<u32> {
        let Some(text) = self.get(name) else {
            return Ok(default);
        };
        let digits = text.trim_start_matches('0');
        if text.bytes().any(|byte| !byte.is_ascii_digit()) || digits.is_empty() {
            return Err(invalid(format!(
                "“{name}” must be a whole number from 1 to {most}."
            )));
        }
        // Only too large a number does not parse.
        Ok(digits.parse().map_or(most, |number: u32| number.min(most)))
    }
}

/// A query that the route does not take.
pub(super) fn invalid(sentence: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_strict_and_clamped_at_the_top_only() {
        let count = |text: &str| Query::of(text).count("tail", 200, 10_000);
        for (text, expected) in [
            ("", 200),
            ("tail=", 200),
            ("tail=1", 1),
            ("tail=007", 7),
            ("tail=10000", 10_000),
            ("tail=99999", 10_000),
            ("tail=99999999999999999999999999", 10_000),
        ] {
            assert_eq!(count(text).unwrap(), expected, "{text}");
        }
        for text in ["abc", "0", "00", "-5", "1.5", "+5", " 5", "5x", "٣"] {
            let error = count(&format!("tail={text}")).unwrap_err();
            assert_eq!(
                (error.status(), error.code()),
                (StatusCode::BAD_REQUEST, "invalid_query")
            );
        }
    }

    #[test]
    fn the_first_of_two_values_counts_and_a_switch_is_on_or_off() {
        let query = Query::of("a=1&a=2&b=yes&c=%61");
        assert_eq!(query.get("a"), Some("1"));
        assert_eq!(query.get("c"), Some("a"));
        assert!(query.switch("a").unwrap());
        assert!(!query.switch("missing").unwrap());
        assert!(query.switch("b").is_err());
    }
}
