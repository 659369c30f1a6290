//! The end of a log, fit to be shown: short, printable, without what looks like a secret.

/// Longest excerpt, in characters.
const MAX: usize = 2000;
/// Words that make a line not fit to be shown.
const SECRET_WORDS: [&str; 6] = [
    "password",
    "token",
    "secret",
    "authorization",
    "client-key",
    "credential",
];
const HIDDEN: &str = "[REDACTED]";

/// The end of `log` on one line.
pub(super) fn excerpt(log: &str) -> String {
    let lines: Vec<_> = log.lines().map(shown).filter(|line| !line.is_empty()).collect();
    let text = lines.join(" | ");
    let excess = text.chars().count().saturating_sub(MAX);
    text.chars().skip(excess).collect()
}

fn shown(line: &str) -> String {
    let lower = line.to_lowercase();
    if SECRET_WORDS.iter().any(|word| lower.contains(word)) {
        return HIDDEN.to_owned();
    }
    let printable = line.chars().map(|c| if c.is_control() { ' ' } else { c });
    printable.collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_the_end_short_printable_and_without_secrets() {
        assert_eq!(
            excerpt("\u{1b}[31mno space left\n\n PASSWORD=hunter2\nend\r\n"),
            "[31mno space left | [REDACTED] | end"
        );
        let long = excerpt(&format!("{}end", "ä".repeat(5000)));
        assert!(long.chars().count() == MAX && long.ends_with("end"));
    }
}
