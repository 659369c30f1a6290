//! Wording that several rules share.

use jiff::Timestamp;

/// Characters of a foreign message that are shown.
const SHOWN: usize = 300;

/// A time for a sentence: `2026-01-02 14:02 UTC`.
pub(super) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// ` since 2026-01-02 14:02 UTC`, or nothing where that is not known.
pub(super) fn since(at: Option<Timestamp>) -> String {
    at.map(|at| format!(" since {}", minute(at))).unwrap_or_default()
}

/// A size with its unit: `0 B`, `1.5 GB`.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1_000_000_000_000, "TB"),
        (1_000_000_000, "GB"),
        (1_000_000, "MB"),
        (1_000, "kB"),
    ];
    let Some((unit, name)) = UNITS.into_iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} B");
    };
    let (whole, tenth) = (bytes / unit, bytes % unit * 10 / unit);
    if tenth == 0 || whole >= 10 {
        format!("{whole} {name}")
    } else {
        format!("{whole}.{tenth} {name}")
    }
}

/// A foreign message in one line, and not too long.
pub(super) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line,
    }
}

/// A sentence after a colon: `The disk is full` becomes `the disk is full`; names stay as they are.
pub(super) fn after_colon(sentence: &str) -> String {
    let first = sentence.split(' ').next().unwrap_or_default();
    if !["The", "A", "An", "No", "Its", "Setup", "Image"].contains(&first) {
        return sentence.to_owned();
    }
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |letter| {
        letter.to_lowercase().chain(letters).collect()
    })
}

/// Whether `text` contains one of `words`, whatever their case.
pub(super) fn mentions(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_sentences_read_as_a_person_writes_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_500_000_000, "1.5 GB"),
            (50_000_000_000, "50 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(after_colon("The disk is full"), "the disk is full");
        assert_eq!(
            after_colon("Kubernetes API unreachable"),
            "Kubernetes API unreachable"
        );
        assert_eq!(after_colon(""), "");
        assert_eq!(shortened(&"é".repeat(400)).chars().count(), SHOWN + 1);
        assert_eq!(shortened("a\n  b"), "a b");
    }
}
