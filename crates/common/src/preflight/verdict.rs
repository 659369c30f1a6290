//! What a judge says.

/// A judgement, or why there is none. An unreadable fact travels up with `?`, so it can never pass.
pub(super) type Judged = Result<Verdict, Gap>;

/// A judgement with what it rests on.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) level: Level,
    pub(super) measured: String,
}

/// How it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Good,
    /// Unusual, but it works.
    Odd,
    Bad,
}

/// Why there is no judgement.
#[derive(Debug)]
pub(super) enum Gap {
    Unknown(String),
    Skipped(String),
}

impl From<String> for Gap {
    fn from(reason: String) -> Self {
        Self::Unknown(reason)
    }
}

pub(super) fn good(measured: impl Into<String>) -> Judged {
    verdict(Level::Good, measured)
}

pub(super) fn odd(measured: impl Into<String>) -> Judged {
    verdict(Level::Odd, measured)
}

pub(super) fn bad(measured: impl Into<String>) -> Judged {
    verdict(Level::Bad, measured)
}

pub(super) fn skipped(reason: impl Into<String>) -> Judged {
    Err(Gap::Skipped(reason.into()))
}

/// Bad under the first bound, odd under the second.
pub(super) fn at_least<T: PartialOrd>(value: &T, needed: &T, wanted: &T, measured: String) -> Judged {
    let level = if value < needed {
        Level::Bad
    } else if value < wanted {
        Level::Odd
    } else {
        Level::Good
    };
    verdict(level, measured)
}

/// Good without a finding, bad with one.
pub(super) fn none_of(found: &[String], clean: &str, what: &str) -> Judged {
    if found.is_empty() {
        good(clean)
    } else {
        bad(format!("{what}: {}", found.join(", ")))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "judges return it as it is")]
fn verdict(level: Level, measured: impl Into<String>) -> Judged {
    Ok(Verdict {
        level,
        measured: measured.into(),
    })
}
