//! How the installation is licensed: by an install code, or by hand.

use appliance_common::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;

use super::Complaint;
pub(super) use crate::license_text::{install_code, license_key};

/// Edition of a manually licensed installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// `ee`
    Enterprise,
    /// `ce`
    Community,
}

impl Edition {
    /// `ee` or `ce`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enterprise => "ee",
            Self::Community => "ce",
        }
    }

    pub(super) fn parse(typed: &str) -> Result<Self, Complaint> {
        match typed.trim() {
            "" | "ee" => Ok(Self::Enterprise),
            "ce" => Ok(Self::Community),
            _ => Err("Edition must be \"ee\" or \"ce\".".into()),
        }
    }
}

/// How the installation is licensed.
#[derive(Debug, Clone)]
pub enum LicenseChoice {
    /// An install code, redeemed at the licence service.
    Code(Secret<String>),
    /// No code: an edition, and perhaps a licence key.
    Manual {
        /// Which edition.
        edition: Edition,
        /// The key, if the operator has one.
        key: Option<Secret<String>>,
    },
}

impl LicenseChoice {
    /// `code` or `manual`.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        match self {
            Self::Code(_) => "code",
            Self::Manual { .. } => "manual",
        }
    }

    /// The edition as the contract spells it; a code stands for `ee`.
    #[must_use]
    pub fn edition(&self) -> Edition {
        match self {
            Self::Code(_) => Edition::Enterprise,
            Self::Manual { edition, .. } => *edition,
        }
    }
}

/// `licenseMode` as given: true for `manual`, nothing when it was left out.
pub(super) fn is_manual(mode: &str) -> Result<Option<bool>, Complaint> {
    match mode.trim() {
        "" => Ok(None),
        "code" => Ok(Some(false)),
        "manual" => Ok(Some(true)),
        _ => Err("Licence mode must be \"code\" or \"manual\".".into()),
    }
}

/// Refuses a key that says of itself that it has expired. Its signature is the application's to check.
pub(super) fn not_expired(key: &Secret<String>, now: Timestamp) -> Result<(), Complaint> {
    match expiry(key.expose()) {
        Some(expiry) if expiry <= now => Err(format!(
            "The licence key expired on {}. Enter a current key.",
            expiry.strftime("%Y-%m-%d")
        )
        .into()),
        _ => Ok(()),
    }
}

#[derive(Deserialize)]
struct Claims {
    exp: f64,
}

fn expiry(key: &str) -> Option<Timestamp> {
    let payload = URL_SAFE_NO_PAD.decode(key.split('.').nth(1)?).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    // Seconds since 1970; a date beyond what a timestamp holds is no expiry (the cast saturates).
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fraction of a second does not matter"
    )]
    Timestamp::from_second(claims.exp as i64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_with_payload(payload: &str) -> Secret<String> {
        Secret::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload)))
    }

    #[test]
    fn a_key_past_its_own_expiry_is_refused() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let second = now.as_second();
        for (payload, ok) in [
            (format!(r#"{{"exp":{}}}"#, second + 1), true),
            (format!(r#"{{"exp":{second}}}"#), false),
            (format!(r#"{{"exp":{}.5}}"#, second - 9), false),
            (r#"{"exp":1e300}"#.to_owned(), true),
            (r#"{"exp":"soon"}"#.to_owned(), true),
            ("{}".to_owned(), true),
            ("not json".to_owned(), true),
        ] {
            assert_eq!(
                not_expired(&key_with_payload(&payload), now).is_ok(),
                ok,
                "{payload}"
            );
        }
    }
}
