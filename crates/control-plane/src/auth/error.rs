//! Why a request about signing in was refused.

use std::time::Duration;

use super::credential::StoreError;
use super::gate::Refused;
use super::hashing::HashingError;
use super::session::SessionError;
use crate::password::WeakPassword;

/// Why an auth request was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("the address is locked out")]
    Locked(Duration),
    #[error("too many attempts at once")]
    Busy(Duration),
    #[error("a password is set already")]
    AlreadyConfigured,
    #[error("no password is set")]
    NotConfigured,
    #[error("the credential file is unusable")]
    Unreadable,
    #[error("wrong token")]
    WrongToken,
    #[error("wrong password")]
    WrongPassword,
    #[error(transparent)]
    Weak(WeakPassword),
    #[error("keeping the password")]
    Store(#[source] StoreError),
    #[error("keeping the session")]
    Session(#[source] SessionError),
    #[error("checking the password")]
    Hashing(#[source] HashingError),
}

/// A check that got no turn says nothing about the password: it may be tried again.
impl From<HashingError> for AuthError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy => Self::Busy(Duration::from_secs(1)),
            HashingError::Failed => Self::Hashing(error),
        }
    }
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Hashing(error) => error.into(),
            StoreError::File(_) => Self::Store(error),
        }
    }
}

impl From<Refused> for AuthError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Locked(left) => Self::Locked(left),
            Refused::Busy(left) => Self::Busy(left),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_could_not_be_hashed_for_lack_of_a_turn_may_be_tried_again() {
        for error in [
            AuthError::from(HashingError::Busy),
            AuthError::from(StoreError::Hashing(HashingError::Busy)),
        ] {
            assert!(matches!(error, AuthError::Busy(_)), "{error:?}");
        }
        let broken = AuthError::from(HashingError::Failed);
        assert!(matches!(broken, AuthError::Hashing(_)), "{broken:?}");
    }
}
