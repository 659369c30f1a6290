//! How a child ended, or why there was none. Pure.

use std::fmt::Write;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use appliance_common::process::chain;
use nix::sys::signal::Signal;

use crate::lanes::DEPTH;
use crate::start_error::StartError;

/// How it went.
#[derive(Debug)]
pub enum Outcome {
    /// It ended by itself, with this code.
    Exited(i32),
    /// A signal that was not ours ended it.
    Signalled(i32),
    /// It was ended, or never had its turn, because its time was up.
    TimedOut(Duration),
    /// It was ended, or never started, because whoever asked for it did not want it any more.
    Cancelled,
    /// It could not be started.
    NotStarted(StartError),
    /// Its lane was full.
    QueueFull,
    /// It is gone and nobody knows how; the text tells why.
    Unknown(String),
}

impl Outcome {
    /// How a child ended that nobody stopped.
    pub(crate) fn of(status: io::Result<ExitStatus>) -> Self {
        match status {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => Self::Exited(code),
                (None, Some(signal)) => Self::Signalled(signal),
                (None, None) => Self::Unknown(format!("the kernel says {status}")),
            },
            Err(error) => Self::Unknown(format!("the kernel does not say: {error}")),
        }
    }

    /// Whether it ended by itself with exit code 0; nothing else is a success.
    #[must_use]
    pub fn ok(&self) -> bool {
        matches!(self, Self::Exited(0))
    }

    /// The number of 40 §9: the exit code, 124 for a time-out, 499 for a cancellation, 1 for everything else.
    #[must_use]
    pub fn status(&self) -> i32 {
        match self {
            Self::Exited(code) => *code,
            Self::TimedOut(_) => 124,
            Self::Cancelled => 499,
            Self::Signalled(_) | Self::NotStarted(_) | Self::QueueFull | Self::Unknown(_) => 1,
        }
    }

    /// Its name in results.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exited(_) => "exited",
            Self::Signalled(_) => "signalled",
            Self::TimedOut(_) => "timed_out",
            Self::Cancelled => "cancelled",
            Self::NotStarted(_) => "not_started",
            Self::QueueFull => "queue_full",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The exit code that shells give for a program that could not be started.
    pub(crate) fn shell_code(&self) -> Option<u8> {
        match self {
            Self::NotStarted(error) => Some(error.shell_code()),
            _ => None,
        }
    }

    /// The name of the signal that ended it.
    #[must_use]
    pub fn signal(&self) -> Option<String> {
        let Self::Signalled(number) = self else {
            return None;
        };
        let known = Signal::try_from(*number).map(|signal| signal.as_str().to_owned());
        Some(known.unwrap_or_else(|_| format!("signal {number}")))
    }

    /// A sentence about an end that was not the program's own; nothing when the exit code says it all.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        Some(match self {
            Self::Exited(_) => return None,
            Self::Signalled(_) => format!("Command ended by {}", self.signal().unwrap_or_default()),
            // These words are 40 §9's.
            Self::TimedOut(limit) => format!("Command timed out after {}ms", limit.as_millis()),
            Self::Cancelled => "Command cancelled".to_owned(),
            Self::NotStarted(error) => chain(error),
            Self::QueueFull => format!(
                "Queue full: {DEPTH} commands wait in this lane already; try again when some are done"
            ),
            Self::Unknown(why) => format!("Command ended, and nobody knows how: {why}"),
        })
    }

    /// What a child wrote to standard error, and the note on a line of its own.
    pub(crate) fn noted(&self, mut stderr: String) -> String {
        if let Some(note) = self.note() {
            if !stderr.is_empty() && !stderr.ends_with('\n') {
                stderr.push('\n');
            }
            // Writing to a string does not fail.
            let _ = writeln!(stderr, "{note}");
        }
        stderr
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;

    #[test]
    fn only_exit_code_zero_is_a_success() {
        let outcomes = [
            (Outcome::Exited(0), 0, true),
            (Outcome::Exited(3), 3, false),
            (Outcome::of(Ok(ExitStatus::from_raw(9))), 1, false),
            (Outcome::TimedOut(Duration::ZERO), 124, false),
            (Outcome::Cancelled, 499, false),
            (Outcome::NotStarted(StartError::NoPath("x".into())), 1, false),
            (Outcome::QueueFull, 1, false),
            (Outcome::of(Err(Errno::ECHILD.into())), 1, false),
        ];
        for (outcome, status, ok) in outcomes {
            assert_eq!((outcome.status(), outcome.ok()), (status, ok), "{outcome:?}");
            assert_eq!(outcome.note().is_none(), matches!(outcome, Outcome::Exited(_)));
        }
    }

    #[test]
    fn a_signal_has_its_name_or_its_number() {
        assert_eq!(Outcome::Signalled(9).signal().as_deref(), Some("SIGKILL"));
        assert_eq!(Outcome::Signalled(40).signal().as_deref(), Some("signal 40"));
        assert_eq!(Outcome::Exited(9).signal(), None);
    }

    #[test]
    fn the_note_is_a_line_of_its_own() {
        let late = Outcome::TimedOut(Duration::from_millis(1500));
        assert_eq!(
            late.noted("half a line".into()),
            "half a line\nCommand timed out after 1500ms\n"
        );
        assert_eq!(late.noted(String::new()), "Command timed out after 1500ms\n");
        assert_eq!(Outcome::Exited(1).noted("its own".into()), "its own");
    }
}
