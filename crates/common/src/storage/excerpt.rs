//! The end of a log, fit to be shown: short, printable, without what looks like a secret.

use crate::redact::Redactor;

/// Longest excerpt, in characters.
const MAX: usize = 2000;

/// The end of `log` on one line.
pub(super) fn excerpt(log: &str) -> String {
    let shown = Redactor::new([]).text(log);
    let lines = shown.as_str().lines().map(str::trim);
    let text = lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" | ");
    let excess = text.chars().count().saturating_sub(MAX);
    text.chars().skip(excess).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_the_end_short_printable_and_without_secrets() {
        assert_eq!(
            excerpt("\u{1b}[31mno space left\n\n PASSWORD=hunter2\nend\r\n"),
            "[31mno space left | PASSWORD=[REDACTED:key] | end"
        );
        assert_eq!(
            excerpt("-----BEGIN PRIVATE KEY-----\nMIIcanary\n-----END PRIVATE KEY-----\n"),
            "[REDACTED:private-key] | [REDACTED:private-key] | [REDACTED:private-key]"
        );
        // What only speaks of secrets is what the reader needs.
        assert_eq!(excerpt("secret msp/db is missing"), "secret msp/db is missing");
        let long = excerpt(&format!("{}end", "ä".repeat(5000)));
        assert!(long.chars().count() == MAX && long.ends_with("end"));
    }
}
