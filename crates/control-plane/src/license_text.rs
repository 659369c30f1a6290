//! What an operator types to license a box: install codes and licence keys, by their shape alone.

use std::borrow::Cow;

use appliance_common::secret::Secret;

/// Longest licence key that is read.
const MAX_KEY_BYTES: usize = 16 * 1024;

/// A sentence for the operator; it never repeats what was typed.
type Complaint = Cow<'static, str>;

/// `installCode` without the spaces and dashes it is printed with; nothing when it was left out.
pub(crate) fn install_code(typed: &str) -> Result<Option<Secret<String>>, Complaint> {
    let code = Secret::new(
        typed
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect::<String>(),
    );
    match code.expose().as_bytes() {
        [] if typed.trim().is_empty() => Ok(None),
        bytes if (4..=64).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric) => {
            Ok(Some(code))
        }
        _ => Err("The install code must be 4 to 64 letters and digits.".into()),
    }
}

/// `licenseKey`: three base64url segments joined by dots; nothing when it was left out.
pub(crate) fn license_key(typed: &str) -> Result<Option<Secret<String>>, Complaint> {
    let key = typed.trim();
    if key.is_empty() {
        return Ok(None);
    }
    let is_segment = |segment: &str| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if key.len() > MAX_KEY_BYTES || key.split('.').count() != 3 || !key.split('.').all(is_segment) {
        return Err(
            "The licence key must be three parts of letters, digits, \"-\" and \"_\", joined by dots.".into(),
        );
    }
    Ok(Some(Secret::new(key.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_normalised_before_it_is_judged() {
        for (typed, code) in [
            ("K7QPM2RX", "K7QPM2RX"),
            (" k7qp-m2rx ", "K7QPM2RX"),
            ("k7 qp\tm2\u{a0}rx", "K7QPM2RX"),
            ("abcd", "ABCD"),
        ] {
            assert_eq!(install_code(typed).unwrap().unwrap().expose(), code, "{typed:?}");
        }
        assert!(install_code("  ").unwrap().is_none());
        for typed in [
            "abc",
            "K7QP_M2RX",
            "K7QPM2RÄ",
            "ßßßß",
            "-",
            "- -",
            &"A".repeat(65),
        ] {
            assert!(install_code(typed).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn a_key_is_three_segments() {
        assert!(license_key("").unwrap().is_none());
        assert_eq!(
            license_key(" a-b.c_d.E9 ").unwrap().unwrap().expose(),
            "a-b.c_d.E9"
        );
        for typed in [
            "a.b", "a.b.c.d", "a..c", ".b.c", "a.b.", "a.b.c=", "a b.c.d", "a.b.c\nd",
        ] {
            assert!(license_key(typed).is_err(), "{typed:?}");
        }
    }
}
