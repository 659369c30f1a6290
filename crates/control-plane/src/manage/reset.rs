//! A new password for the application's first administrator (30 §11, W25).
//!
//! Only the application may hash it, so a Job of its own image does. The order is what makes a kill at any
//! point harmless: the Job, which has a fixed name and is the lock, suspended; the Secret with the password,
//! owned by the Job; then the Job is let go. Whatever is left over is swept.

mod board;
mod objects;
mod run;
mod sweep;

use std::time::Duration;

use appliance_common::cluster::ClusterError;
use appliance_common::secret::Secret;
use appliance_common::state_file::LockError;

pub(super) use board::Board;
pub use board::{ResetState, ResetView};
pub use run::Started;

use crate::password::{WeakPassword, check_psa};

/// A password that was checked.
#[derive(Debug, Clone)]
pub struct NewPassword(Secret<String>);

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It breaks a rule.
    #[error(transparent)]
    Weak(WeakPassword),
    /// The application cuts off spaces at the ends, so it would be another password.
    #[error("The password must not begin or end with a space.")]
    Surrounded,
    /// The two are not the same.
    #[error("The two passwords are not the same.")]
    Mismatch,
}

impl NewPassword {
    /// Checks what was typed twice; nothing else is looked at.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(password: Secret<String>, again: &Secret<String>) -> Result<Self, PasswordError> {
        check_psa(password.expose()).map_err(PasswordError::Weak)?;
        if password.expose().trim() != password.expose() {
            return Err(PasswordError::Surrounded);
        }
        if !password.same_as(again.expose()) {
            return Err(PasswordError::Mismatch);
        }
        Ok(Self(password))
    }
}

/// Why a reset was not begun. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
pub enum ResetError {
    /// Another one is under way.
    #[error("a reset is under way")]
    Running,
    /// Too many were begun.
    #[error("too many resets; again in {} s", .0.as_secs())]
    TooMany(Duration),
    /// Setup, an update or another change is under way.
    #[error("something else is changing this appliance")]
    Busy(#[source] LockError),
    /// It is not known whose password it would be; what is missing.
    #[error("{0} is not recorded")]
    NoAdministrator(&'static str),
    /// The application is not installed.
    #[error("the application is not there")]
    NoApplication,
    /// The cluster did not do what was asked.
    #[error("beginning a reset")]
    Cluster(#[source] ClusterError),
    /// The process is ending.
    #[error("the process is ending")]
    Ending,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_checked_before_anything_is_asked() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let checked =
            |password: &str, again: &str| NewPassword::check(secret(password), &secret(again)).map(drop);
        assert_eq!(checked("Str0ng!Pass", "Str0ng!Pass"), Ok(()));
        assert_eq!(checked("Str0ng! Pass", "Str0ng! Pass"), Ok(()));
        assert_eq!(
            checked("short", "short"),
            Err(PasswordError::Weak(WeakPassword::TooShort))
        );
        assert_eq!(
            checked("Str0ng-Pass", "Str0ng-Pass"),
            Err(PasswordError::Weak(WeakPassword::NoPsaSpecial))
        );
        for surrounded in [
            " Str0ng!Pass",
            "Str0ng!Pass ",
            "Str0ng!Pass\n",
            "\u{a0}Str0ng!Pass",
        ] {
            assert_eq!(
                checked(surrounded, surrounded),
                Err(PasswordError::Surrounded),
                "{surrounded:?}"
            );
        }
        assert_eq!(
            checked("Str0ng!Pass", "Str0ng!Pasz"),
            Err(PasswordError::Mismatch)
        );
    }
}
