//! Values of settings that clap does not know.

use std::num::ParseIntError;
use std::time::Duration;

/// The shipped product refused to start when this one was malformed; a box must come up, so it is
/// taken as the default and `run` warns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerMaxAge {
    /// The age in force.
    pub limit: Duration,
    /// Whether what was given could not be used.
    pub malformed: bool,
}

const DEFAULT_OWNER_MAX_AGE: Duration = Duration::from_hours(6);

pub(crate) fn millis(text: &str) -> Result<Duration, ParseIntError> {
    text.parse().map(Duration::from_millis)
}

pub(crate) fn seconds(text: &str) -> Result<Duration, ParseIntError> {
    text.parse().map(Duration::from_secs)
}

/// `1` and `0`, as the shipped product's variables have it, and what people write instead.
pub(super) fn switch(text: &str) -> Result<bool, &'static str> {
    match text {
        "1" | "true" => Ok(true),
        "0" | "false" | "" => Ok(false),
        _ => Err("must be 1 or 0"),
    }
}

/// The parts of a comma list, trimmed, without empty ones.
#[expect(clippy::unnecessary_wraps, reason = "clap's value parsers return a Result")]
pub(super) fn comma_list(text: &str) -> Result<Vec<String>, std::convert::Infallible> {
    Ok(text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect())
}

#[expect(clippy::unnecessary_wraps, reason = "clap's value parsers return a Result")]
pub(super) fn owner_max_age(text: &str) -> Result<OwnerMaxAge, std::convert::Infallible> {
    let given = text.parse().ok().filter(|ms| *ms > 0).map(Duration::from_millis);
    Ok(OwnerMaxAge {
        limit: given.unwrap_or(DEFAULT_OWNER_MAX_AGE),
        malformed: given.is_none(),
    })
}
