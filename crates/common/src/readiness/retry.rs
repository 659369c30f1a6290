//! What happens by itself about a failure, in words (40 §5).

use jiff::Timestamp;

use super::observed::AutoRetry;
use super::wire::AutoRetryNote;

/// A failure of the network that has passed, with nobody to go on.
pub(super) const PASSED: &str = "Try setup again: what stopped it has passed.";

/// What to do about a failure, with what happens by itself.
pub(super) fn next_step(auto: Option<&AutoRetry>, retry_safe: bool, own: &str, at: Timestamp) -> String {
    match auto {
        Some(auto) if auto.will_retry && retry_safe => continuing(auto, at),
        Some(auto) if auto.exhausted => {
            format!("{own} Automatic attempts are used up: start setup again, or make a support bundle.")
                .trim_start()
                .to_owned()
        }
        Some(_) | None => own.to_owned(),
    }
}

/// Nothing is to be done.
fn continuing(auto: &AutoRetry, at: Timestamp) -> String {
    if let Some(waiting_for) = &auto.waiting_for {
        return waiting_for.clone();
    }
    let when = seconds(auto, at)
        .map(|seconds| format!(" in about {seconds} s"))
        .unwrap_or_default();
    format!(
        "Nothing: continuing automatically, attempt {} of {}{when}.",
        auto.attempts.saturating_add(1),
        auto.max_attempts
    )
}

/// The same for a program.
pub(super) fn note(auto: Option<&AutoRetry>, retry_safe: bool, at: Timestamp) -> Option<AutoRetryNote> {
    let auto = auto.filter(|auto| auto.will_retry && retry_safe)?;
    Some(AutoRetryNote {
        attempts: auto.attempts,
        next_attempt_in_seconds: seconds(auto, at),
    })
}

fn seconds(auto: &AutoRetry, at: Timestamp) -> Option<i64> {
    auto.next_attempt_at
        .map(|next| next.as_second().saturating_sub(at.as_second()).max(0))
}
