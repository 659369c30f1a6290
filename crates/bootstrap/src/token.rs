//! The one-time setup token: made once, on the state volume, for the pod to read (50 §5, 30 §2).

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use appliance_common::process::chain;
use appliance_common::random;
use appliance_common::secret::Secret;

use crate::owned::{self, Place};
use crate::settings::Places;
use crate::{command, say};

/// Groups of a token, and digits of a group.
const GROUPS: usize = 5;
const DIGITS: usize = 4;

/// Root's, for the pod's group to read (decision 4).
const MODE: u32 = 0o640;

/// A token file is one line.
const MAX_BYTES: u64 = 256;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// It cannot be read as it is.
    #[error("the setup token {} is not used; remove the file and run this again", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// It could not be written; there is no empty file in its place.
    #[error("writing the setup token {}; make room or mend the disk (df -h), then run this again", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Twenty digits in five groups, joined by dashes.
#[derive(Debug, Clone)]
pub(crate) struct Token(Secret<String>);

impl Token {
    /// A new one: each group uniform in 0000 to 9999.
    pub(crate) fn make() -> Self {
        let groups: Vec<_> = (0..GROUPS)
            .map(|_| format!("{:0DIGITS$}", below_ten_thousand()))
            .collect();
        Self(Secret::new(groups.join("-")))
    }

    /// Exactly in its form, with nothing before or behind but white space.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let groups: Vec<_> = text.split('-').collect();
        let is_group =
            |group: &&str| group.len() == DIGITS && group.bytes().all(|byte| byte.is_ascii_digit());
        let is_token = groups.len() == GROUPS && groups.iter().all(is_group);
        is_token.then(|| Self(Secret::new(text.to_owned())))
    }

    /// For consoles only.
    pub(crate) fn shown(&self) -> &str {
        self.0.expose()
    }

    fn line(&self) -> Secret<String> {
        Secret::new(format!("{}\n", self.shown()))
    }
}

/// Uniform: of 65 536 values those above the last whole ten thousand are drawn again.
fn below_ten_thousand() -> u16 {
    loop {
        let drawn = u16::from_le_bytes(random::bytes::<2>());
        if drawn < 60_000 {
            return drawn % 10_000;
        }
    }
}

/// Runs `init-token`.
pub(crate) fn main(places: &Places) -> ExitCode {
    command::ended("init-token", ensure(places))
}

/// Sees to it that there is a token where one is needed. One that is there stays; a damaged one is made anew,
/// unless a management password was chosen: then none is needed, and what is there says that it was used.
pub(crate) fn ensure(places: &Places) -> Result<(), TokenError> {
    let path = &places.token();
    let unwritable = |source| TokenError::Unwritable {
        path: path.clone(),
        source,
    };
    owned::directory(&owned::parent_of(path)).map_err(unwritable)?;
    let there = owned::read(path, MAX_BYTES).map_err(|source| TokenError::Refused {
        path: path.clone(),
        source,
    })?;
    let fit = |bytes: &[u8]| std::str::from_utf8(bytes).ok().and_then(Token::parse);
    let place = match &there {
        None => Place::Free,
        Some(bytes) if let Some(token) = fit(bytes) => {
            close_to_others(path, &token);
            return Ok(());
        }
        Some(_) if owned::is_there(&places.admin_credential()) => return Ok(()),
        Some(_) => Place::Any,
    };
    match write(path, &Token::make(), place) {
        // Somebody made one at the same moment; theirs is as good.
        Err(error) if place == Place::Free && error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        written => written.map_err(unwritable),
    }
}

/// The shipped product let every local user read it (50 W28): the same token is put in its place as ours. A disk
/// without room for that stops no boot; the next one tries again.
fn close_to_others(path: &Path, token: &Token) {
    let is_open = |meta: &std::fs::Metadata| meta.mode().trailing_zeros() < 3;
    let closed = match std::fs::symlink_metadata(path) {
        Ok(meta) if is_open(&meta) => write(path, token, Place::Any),
        looked => looked.map(drop),
    };
    if let Err(error) = closed {
        let path = path.display();
        say::error(&format!(
            "every local user may read the setup token {path}: {}",
            chain(&error)
        ));
    }
}

/// Puts a new token in the place of whatever is there, and gives it.
pub(crate) fn renew(places: &Places) -> Result<Token, TokenError> {
    let token = Token::make();
    let path = places.token();
    write(&path, &token, Place::Any).map_err(|source| TokenError::Unwritable { path, source })?;
    Ok(token)
}

/// The token that is valid now: none once a management password was chosen, or when the file holds none.
pub(crate) fn current(places: &Places) -> io::Result<Option<Token>> {
    if owned::is_there(&places.admin_credential()) {
        return Ok(None);
    }
    let bytes = owned::read(&places.token(), MAX_BYTES)?;
    let text = bytes.as_deref().map(std::str::from_utf8);
    Ok(text.and_then(Result::ok).and_then(Token::parse))
}

fn write(path: &Path, token: &Token, place: Place) -> io::Result<()> {
    owned::write(path, token.line().expose().as_bytes(), MODE, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case 1.
    #[test]
    fn a_token_is_five_groups_of_four_digits_and_no_two_are_alike() {
        let made: Vec<_> = (0..200).map(|_| Token::make().shown().to_owned()).collect();
        for text in &made {
            assert_eq!(text.len(), 24);
            assert!(Token::parse(text).is_some(), "{text}");
        }
        let different: std::collections::BTreeSet<_> = made.iter().collect();
        assert_eq!(different.len(), made.len());
    }

    #[test]
    fn only_the_exact_form_is_a_token_and_debug_does_not_show_it() {
        for text in [
            "",
            "consumed",
            "1234-5678-9012-3456",
            "1234-5678-9012-3456-789x",
            "12345-678-9012-3456-7890",
            "1234-5678-9012-3456-7890-1234",
            "１２３４-5678-9012-3456-7890",
        ] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
        let token = Token::parse(" 1234-5678-9012-3456-7890\n").unwrap();
        assert!(!format!("{token:?}").contains("1234"));
    }
}
