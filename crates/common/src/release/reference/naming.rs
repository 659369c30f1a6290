//! Names that a release manifest gives to itself and its values.

use super::text::checked_text;

checked_text! {
    /// Version of a release: it becomes a label, a `ConfigMap` value and a text in the UI.
    Version, "version", "1 to 128 letters, digits, dots, underscores, pluses and dashes, starting with a letter or digit",
    is_version
}

fn is_version(text: &str) -> bool {
    text.len() <= 128
        && text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
}

checked_text! {
    /// Name of a set of profile values; it is part of `ConfigMap` keys.
    ProfileName, "values profile", "1 to 63 lower-case letters, digits and dashes, dashes only inside",
    is_profile
}

fn is_profile(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
