//! The one-time setup token, as it is compared (30 §2).

use crate::secret::Secret;

/// Digits of a token, without its dashes.
const DIGITS: usize = 20;

/// Twenty digits in the form they are compared in.
#[derive(Debug, Clone)]
pub struct SetupToken(Secret<String>);

impl SetupToken {
    /// Reads what a person typed or a file holds: twenty digits, whatever spaces and dashes are between.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = Secret::new(
            text.chars()
                .filter(|c| !c.is_whitespace() && *c != '-')
                .take(DIGITS + 1)
                .collect::<String>(),
        );
        let well_formed =
            digits.expose().len() == DIGITS && digits.expose().bytes().all(|b| b.is_ascii_digit());
        well_formed.then_some(Self(digits))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.same_as(other.0.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_twenty_digits_whatever_is_between() {
        let token = SetupToken::parse("0123-4567-8901-2345-6789\n").unwrap();
        for same in ["01234567890123456789", "  0123 4567 8901-2345-6789\t"] {
            assert!(SetupToken::parse(same).unwrap().is(&token), "{same}");
        }
        assert!(!SetupToken::parse("0123-4567-8901-2345-6788").unwrap().is(&token));
        for bad in [
            "",
            "nope",
            "consumed",
            "0123-4567-8901-2345-678",
            "0123-4567-8901-2345-67890",
            "٠1234567890123456789",
        ] {
            assert!(SetupToken::parse(bad).is_none(), "{bad}");
        }
    }
}
