//! The one-time setup token on the shared state volume (30 §2).

use std::io;
use std::path::PathBuf;

use appliance_common::secret::Secret;
use appliance_common::state_file;

use crate::watched::Stamp;

/// Digits of a token, without its dashes.
const DIGITS: usize = 20;
/// A token file is one line; more is not a token.
const MAX_FILE: usize = 256;
/// What stands in the file once the token was used: shipped host scripts insist that it exists.
const TOMBSTONE: &[u8] = b"consumed\n";
/// Root writes the file for the pod's group to read.
const FILE_MODE: u32 = 0o640;

/// Twenty digits in the form they are compared in.
#[derive(Debug, Clone)]
pub(crate) struct Token(Secret<String>);

impl Token {
    /// Reads what a person typed or a file holds: twenty digits, whatever spaces and dashes are between.
    pub(crate) fn parse(text: &str) -> Option<Self> {
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
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.0.same_as(other.0.expose())
    }
}

/// The file that holds the token.
#[derive(Debug)]
pub(crate) struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// The token that is valid now; none when the file is absent, unreadable or holds a tombstone.
    pub(crate) fn current(&self) -> Option<Token> {
        match std::fs::read_to_string(&self.path).map(Secret::new) {
            Ok(text) if text.expose().len() <= MAX_FILE => Token::parse(text.expose()),
            Ok(_) => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::error!(%error, path = %self.path.display(), "the setup token cannot be read");
                None
            }
        }
    }

    /// Puts the tombstone in the token's place.
    pub(crate) fn retire(&self) -> io::Result<()> {
        state_file::replace(&self.path, TOMBSTONE, FILE_MODE)
    }

    /// A name for the token that is there, which tells nothing of it.
    pub(crate) fn id(&self) -> String {
        match Stamp::of(&self.path) {
            Ok(Some(stamp)) => stamp.content_id(),
            Ok(None) | Err(_) => "none".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_twenty_digits_whatever_is_between() {
        let token = Token::parse("0123-4567-8901-2345-6789\n").unwrap();
        for same in ["01234567890123456789", "  0123 4567 8901-2345-6789\t"] {
            assert!(Token::parse(same).unwrap().is(&token), "{same}");
        }
        assert!(!Token::parse("0123-4567-8901-2345-6788").unwrap().is(&token));
        for bad in [
            "",
            "nope",
            "consumed",
            "0123-4567-8901-2345-678",
            "0123-4567-8901-2345-67890",
            "٠1234567890123456789",
        ] {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_retired_token_matches_nothing_and_its_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("setup-token");
        state_file::replace(&path, b"0123-4567-8901-2345-6789\n", 0o640).unwrap();
        let file = TokenFile::at(path.clone());
        let before = file.id();
        assert!(file.current().is_some());
        file.retire().unwrap();
        assert!(file.current().is_none());
        assert_ne!(file.id(), before);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "consumed\n");
    }
}
