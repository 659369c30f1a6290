//! The operator's answers: checked once, here, and from then on of types that cannot hold anything else.
//!
//! Answers come from the HTTP body ([`RawInputs`]) or from `setup-inputs.json` ([`StoredInputs`]) and
//! become [`SetupInputs`]. What leaves the process is built field by field: [`AcceptedInputs`],
//! [`SetupDefaults`], and the stored form itself.

mod check;
mod dns;
mod license;
mod network;
mod public;
mod raw;
mod stored;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use appliance_common::clock::iso_millis;
use appliance_common::findings::FindingId;
use appliance_common::release::reference::{Channel, Reference};
use appliance_common::secret::Secret;
use jiff::Timestamp;
use serde::Serialize;

pub use crate::app_url::{AppUrl, AppUrlError};
pub use dns::{CUSTOM_COVERS, Dns};
pub use license::{Edition, LicenseChoice};
pub use network::NetworkAnswers;
pub use public::{AcceptedInputs, SetupDefaults};
pub use raw::RawInputs;
pub(super) use stored::SECRET_NAMES;
pub use stored::{StoredInputs, StoredTenant};

/// A sentence for the operator about one answer; it never repeats a secret.
type Complaint = Cow<'static, str>;

/// Company and first administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Company name.
    pub name: String,
    /// The administrator's first name.
    pub first_name: String,
    /// The administrator's last name.
    pub last_name: String,
    /// The administrator's e-mail address, lower-case.
    pub email: String,
}

/// What the operator wants installed.
#[derive(Debug, Clone)]
pub struct SetupInputs {
    /// Channel to follow.
    pub channel: Channel,
    /// The application's address; absent only in a record of the shipped product that left it empty.
    pub app_url: Option<AppUrl>,
    /// DNS servers.
    pub dns: Dns,
    /// What the installation is pinned to, instead of the channel's head.
    pub release_ref: Option<Reference>,
    /// Company and first administrator.
    pub tenant: Tenant,
    /// The first administrator's password, byte for byte as typed.
    pub admin_password: Secret<String>,
    /// How it is licensed.
    pub license: LicenseChoice,
    /// Checks of preflight that shall not stop the install.
    pub waived_checks: Vec<FindingId>,
    /// When it was submitted: ISO-8601, UTC, milliseconds.
    pub submitted_at: String,
}

/// The operator's secrets, apart from the answers they came with.
#[derive(Debug, Clone)]
pub struct SetupSecrets {
    /// The first administrator's password.
    pub admin_password: Secret<String>,
    /// The install code, normalised.
    pub install_code: Option<Secret<String>>,
    /// The licence key of a manual licence.
    pub license_key: Option<Secret<String>>,
}

/// Everything that is wrong with a submission, at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{error}")]
pub struct InputErrors {
    /// The first problem, in the order the contract checks them.
    pub error: String,
    /// A sentence per field.
    pub fields: BTreeMap<&'static str, String>,
}

impl InputErrors {
    /// The same, with another sentence where this field is complained about.
    #[must_use]
    pub(super) fn saying(mut self, field: &str, sentence: &str) -> Self {
        if let Some(said) = self.fields.get_mut(field) {
            if self.error == *said {
                sentence.clone_into(&mut self.error);
            }
            sentence.clone_into(said);
        }
        self
    }
}

impl SetupInputs {
    /// Checks what came over HTTP.
    ///
    /// # Errors
    /// All that is wrong with it, together.
    pub fn from_submission(raw: &RawInputs, now: Timestamp) -> Result<Self, InputErrors> {
        check::check(&raw.answers(), &check::Origin::Submission(now), iso_millis(now))
    }

    /// Checks a stored submission again. Its `secrets` come from the seal, or from
    /// [`StoredInputs::plain_secrets`] of a file that the shipped product wrote. It needs no
    /// confirmation, its application address may be empty, and no code means a manual licence.
    ///
    /// # Errors
    /// All that is wrong with it, together.
    pub fn from_stored(stored: &StoredInputs, secrets: &SetupSecrets) -> Result<Self, InputErrors> {
        check::check(
            &stored.answers(secrets),
            &check::Origin::Stored,
            stored.submitted_at.clone(),
        )
    }

    /// The secrets, to be sealed.
    #[must_use]
    pub fn secrets(&self) -> SetupSecrets {
        let (install_code, license_key) = match &self.license {
            LicenseChoice::Code(code) => (Some(code.clone()), None),
            LicenseChoice::Manual { key, .. } => (None, key.clone()),
        };
        SetupSecrets {
            admin_password: self.admin_password.clone(),
            install_code,
            license_key,
        }
    }

    /// The release that is asked for: the pin, else whatever the channel points at.
    #[must_use]
    pub fn reference(&self) -> Reference {
        self.release_ref
            .clone()
            .unwrap_or(Reference::Channel(self.channel))
    }

    /// The release pin as it is stored; empty when there is none.
    #[must_use]
    pub fn release_ref_text(&self) -> String {
        self.release_ref
            .as_ref()
            .map(Reference::to_string)
            .unwrap_or_default()
    }

    /// The waived checks as they are stored.
    #[must_use]
    pub fn waived_texts(&self) -> Vec<String> {
        self.waived_checks.iter().map(FindingId::to_string).collect()
    }

    /// The application's address as it is stored; empty when there is none.
    #[must_use]
    pub fn app_hostname(&self) -> &str {
        self.app_url.as_ref().map_or("", AppUrl::as_str)
    }
}
