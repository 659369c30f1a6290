//! What became of an entry, as its readers get it.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::child::Finished;

/// The result of 40 §9, and what we add to it. There always is one; nothing about a command is an error of ours.
/// `Debug` shows no output.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueResult {
    /// It ended by itself with exit code 0.
    pub ok: bool,
    /// The exit code; 124 when its time was up, 499 when it was cancelled, 1 for every other end.
    pub status: i32,
    /// `exited`, `signalled`, `timed_out`, `cancelled`, `not_started`, `queue_full` or `unknown`.
    pub outcome: &'static str,
    /// The signal that ended it, if one did that was not ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// The command, masked and cut.
    pub command: String,
    /// What it wrote to standard output, within the cap.
    pub stdout: String,
    /// What it wrote to standard error, within the cap, and a line about an end that was not its own.
    pub stderr: String,
    /// Whether the cap cut one of the two.
    pub truncated: bool,
    /// Bytes it wrote to standard output in all.
    pub stdout_bytes: u64,
    /// Bytes it wrote to standard error in all.
    pub stderr_bytes: u64,
    /// How long it waited for its turn.
    pub queued_ms: u64,
    /// From the order to start it until it was gone.
    pub duration_ms: u64,
    /// The queue's name.
    pub queue: String,
    /// Its number in the queue, from 1.
    pub id: u64,
    /// What a shell gives for a program that it cannot start.
    #[serde(skip)]
    pub(crate) shell_code: Option<u8>,
}

/// What is known of an entry from the beginning.
#[derive(Debug, Clone)]
pub(crate) struct Label {
    pub(crate) queue: String,
    pub(crate) id: u64,
    pub(crate) command: String,
}

impl Label {
    pub(crate) fn result(self, queued: Duration, finished: Finished) -> QueueResult {
        let Finished {
            outcome,
            stdout,
            stderr,
            took,
        } = finished;
        QueueResult {
            ok: outcome.ok(),
            status: outcome.status(),
            outcome: outcome.name(),
            signal: outcome.signal(),
            command: self.command,
            stdout: stdout.text(),
            stderr: outcome.noted(stderr.text()),
            truncated: stdout.truncated() || stderr.truncated(),
            stdout_bytes: stdout.seen(),
            stderr_bytes: stderr.seen(),
            queued_ms: millis(queued),
            duration_ms: millis(took),
            queue: self.queue,
            id: self.id,
            shell_code: outcome.shell_code(),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl QueueResult {
    /// The exit code of a program that passes this result on: eight bits, so 130 stands for 499, as after Ctrl-C.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match (self.shell_code, self.status) {
            (Some(code), _) => code,
            (None, 499) => 130,
            (None, status) => u8::try_from(status).unwrap_or(1),
        }
    }
}

impl fmt::Debug for QueueResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueResult")
            .field("id", &self.id)
            .field("command", &self.command)
            .field("outcome", &self.outcome)
            .field("status", &self.status)
            .field("stdout_bytes", &self.stdout_bytes)
            .field("stderr_bytes", &self.stderr_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::outcome::Outcome;
    use crate::start_error::StartError;

    fn result(outcome: Outcome) -> QueueResult {
        let label = Label {
            queue: "kubectl".to_owned(),
            id: 1,
            command: "kubectl get nodes".to_owned(),
        };
        label.result(Duration::from_millis(7), Finished::without_child(outcome))
    }

    #[test]
    fn a_result_has_the_names_of_the_shipped_product() {
        let document = serde_json::to_value(result(Outcome::Exited(0))).unwrap();
        let keys: BTreeSet<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
        let shipped = "ok status command stdout stderr queuedMs durationMs queue id";
        for key in shipped.split(' ') {
            assert!(keys.contains(key), "{key}: {document}");
        }
        assert_eq!(
            (&document["queuedMs"], &document["truncated"]),
            (&7.into(), &false.into())
        );
        assert_eq!(document.get("signal"), None);
    }

    #[test]
    fn each_end_has_an_exit_code_of_eight_bits() {
        for (outcome, code) in [
            (Outcome::Exited(0), 0),
            (Outcome::Exited(255), 255),
            (Outcome::Signalled(9), 1),
            (Outcome::TimedOut(Duration::ZERO), 124),
            (Outcome::Cancelled, 130),
            (Outcome::NotStarted(StartError::NoPath("x".into())), 127),
            (Outcome::NotStarted(StartError::NulByte("x".into())), 126),
            (Outcome::QueueFull, 1),
        ] {
            assert_eq!(result(outcome).exit_code(), code);
        }
    }
}
