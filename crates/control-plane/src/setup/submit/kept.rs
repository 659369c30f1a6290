//! Answers that leave the administrator's password out, because the last submission already gave it: it is
//! taken from the seal, for the same administrator only.

use appliance_common::process::chain;
use appliance_common::secret::Secret;

use super::{Setup, SubmitError};
use crate::setup::inputs::{RawInputs, SetupInputs, StoredInputs};
use crate::setup::seal_key::SealKeyError;

const OTHER_ADMINISTRATOR: &str =
    "Type the password again: the one that is kept was typed for another e-mail address.";
const CANNOT_BE_OPENED: &str = "Type the password again: the one that was kept cannot be opened any more.";

/// What a submission gets of the one before it.
enum Kept {
    /// It asks for nothing, or there is nothing.
    Nothing,
    /// The password.
    Password(Secret<String>),
    /// Not the password, and why not.
    Refused(&'static str),
}

impl Setup {
    /// Whether a submission may leave the administrator's password out.
    #[must_use]
    pub fn keeps_password(&self) -> bool {
        self.check_accepts().is_ok() && self.stored_inputs().is_some_and(|stored| stored.sealed.is_some())
    }

    /// Checks answers, with the kept password where theirs is left out.
    pub(super) async fn checked(&self, raw: &RawInputs) -> Result<SetupInputs, SubmitError> {
        let (kept, now) = (self.kept(raw).await?, self.clock.now());
        let checked = match kept {
            Kept::Nothing => SetupInputs::from_submission(raw, now),
            Kept::Password(password) => SetupInputs::from_submission(&raw.with_password(&password), now),
            Kept::Refused(why) => {
                SetupInputs::from_submission(raw, now).map_err(|errors| errors.saying("adminPassword", why))
            }
        };
        checked.map_err(SubmitError::Invalid)
    }

    async fn kept(&self, raw: &RawInputs) -> Result<Kept, SubmitError> {
        if !raw.leaves_password_out() {
            return Ok(Kept::Nothing);
        }
        match self.stored_inputs() {
            Some(StoredInputs { sealed: None, .. }) | None => Ok(Kept::Nothing),
            Some(stored) if !raw.is_of_administrator(&stored) => Ok(Kept::Refused(OTHER_ADMINISTRATOR)),
            Some(stored) => self.opened(&stored).await,
        }
    }

    async fn opened(&self, stored: &StoredInputs) -> Result<Kept, SubmitError> {
        let cause = match self.key().await {
            Ok(key) => match key.open(
                &stored.submission_id,
                stored.sealed.as_deref().unwrap_or_default(),
            ) {
                Ok(secrets) => return Ok(Kept::Password(secrets.admin_password)),
                Err(error) => chain(&error),
            },
            Err(error @ SealKeyError::Cluster(_)) => return Err(SubmitError::NoSeal(error)),
            Err(error @ (SealKeyError::Unusable(_) | SealKeyError::Gone)) => chain(&error),
        };
        tracing::warn!(cause, "the kept password is asked for again");
        Ok(Kept::Refused(CANNOT_BE_OPENED))
    }
}
