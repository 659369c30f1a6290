//! What happens, told to a person on standard error, and how a stop is told.

use std::fmt::{self, Display};
use std::time::{Duration, Instant};

use anyhow::{Error, Result};

/// Tells what happens and when.
#[derive(Debug)]
pub(crate) struct Story {
    began: Instant,
    is_told: bool,
}

impl Story {
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            is_told: true,
        }
    }

    /// Keeps everything to itself.
    pub(crate) fn silent() -> Self {
        Self {
            is_told: false,
            ..Self::begin()
        }
    }

    pub(crate) fn say(&self, what: impl Display) {
        if self.is_told {
            eprintln!("{:>7.1} s  {what}", self.elapsed().as_secs_f64());
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Why it did not go on.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// What it was doing.
    pub(crate) step: String,
    /// Why that failed.
    pub(crate) cause: String,
    /// What to do.
    pub(crate) next: String,
}

impl Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, cause, next } = self;
        write!(f, "stopped at step `{step}`\n  cause: {cause}\n  next:  {next}")
    }
}

impl std::error::Error for Stopped {}

/// Says of an error at which step it came and what to do next, unless it says so itself.
pub(crate) trait At<T> {
    fn at(self, step: &str, next: &str) -> Result<T>;
}

impl<T> At<T> for Result<T> {
    fn at(self, step: &str, next: &str) -> Result<T> {
        self.map_err(|error| {
            if error.is::<Stopped>() {
                return error;
            }
            Error::new(Stopped {
                step: step.to_owned(),
                cause: format!("{error:#}"),
                next: next.to_owned(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn the_innermost_step_and_its_advice_are_what_is_told() {
        let inner: Result<()> = Err(anyhow!("no space").context("writing")).at("build", "make room");
        let told = inner.at("demo", "run it again").unwrap_err().to_string();
        assert_eq!(
            told,
            "stopped at step `build`\n  cause: writing: no space\n  next:  make room"
        );
    }
}
