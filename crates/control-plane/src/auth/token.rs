//! The one-time setup token on the shared state volume (30 §2).

use std::io;
use std::path::PathBuf;

use appliance_common::secret::Secret;
pub(crate) use appliance_common::setup_token::SetupToken as Token;
use appliance_common::state_file;

use crate::watched::Stamp;

/// A token file is one line; more is not a token.
const MAX_FILE: usize = 256;
/// What stands in the file once the token was used: shipped host scripts insist that it exists.
const TOMBSTONE: &[u8] = b"consumed\n";
/// Root writes the file for the pod's group to read.
const FILE_MODE: u32 = 0o640;

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
