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

impl From<Refused> for AuthError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Locked(left) => Self::Locked(left),
            Refused::Busy(left) => Self::Busy(left),
        }
    }
}
