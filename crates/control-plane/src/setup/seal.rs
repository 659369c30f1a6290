//! The operator's secrets, sealed for one submission.

use appliance_common::secret::Secret;
use serde::{Deserialize, Serialize};

use super::inputs::SetupSecrets;
pub use crate::seal::{SealError, SealKey};

impl SealKey {
    /// Seals `secrets` for one submission.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub fn seal(&self, submission_id: &str, secrets: &SetupSecrets) -> Result<String, SealError> {
        let inside = Inside {
            admin_password: secrets.admin_password.expose(),
            install_code: secrets.install_code.as_ref().map(|code| code.expose().as_str()),
            license_key: secrets.license_key.as_ref().map(|key| key.expose().as_str()),
        };
        let plain = serde_json::to_vec(&inside).map_err(|_| SealError::CannotSeal)?;
        self.seal_bytes(submission_id, plain)
    }

    /// Opens what [`SealKey::seal`] made for the same submission.
    ///
    /// # Errors
    /// [`SealError::UnknownForm`] or [`SealError::DoesNotOpen`].
    pub fn open(&self, submission_id: &str, sealed: &str) -> Result<SetupSecrets, SealError> {
        let plain = self.open_bytes(submission_id, sealed)?;
        let Opened {
            admin_password,
            install_code,
            license_key,
        } = serde_json::from_slice(plain.expose()).map_err(|_| SealError::UnknownForm)?;
        Ok(SetupSecrets {
            admin_password,
            install_code,
            license_key,
        })
    }
}

/// What is inside the seal. The only place where the secrets are serialised.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inside<'a> {
    admin_password: &'a str,
    install_code: Option<&'a str>,
    license_key: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    admin_password: Secret<String>,
    install_code: Option<Secret<String>>,
    license_key: Option<Secret<String>>,
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::seal::VERSION;

    const PASSWORD: &str = r#" Can4ry"\Pass! "#;

    fn secrets(password: &str, code: Option<&str>, key: Option<&str>) -> SetupSecrets {
        let secret = |text: &str| Secret::new(text.to_owned());
        SetupSecrets {
            admin_password: secret(password),
            install_code: code.map(secret),
            license_key: key.map(secret),
        }
    }

    fn revealed(secrets: &SetupSecrets) -> (String, Option<String>, Option<String>) {
        let reveal = |secret: &Option<Secret<String>>| secret.as_ref().map(|secret| secret.expose().clone());
        (
            secrets.admin_password.expose().clone(),
            reveal(&secrets.install_code),
            reveal(&secrets.license_key),
        )
    }

    #[test]
    fn another_key_submission_or_text_does_not_open() {
        let key = SealKey::generate();
        let sealed = key.seal("one", &secrets(PASSWORD, Some("CODE"), None)).unwrap();
        let open = |key: &SealKey, id, text: &str| key.open(id, text).map(|opened| revealed(&opened));
        assert_eq!(
            open(&key, "one", &sealed).unwrap(),
            (PASSWORD.to_owned(), Some("CODE".to_owned()), None)
        );
        assert_eq!(open(&key, "two", &sealed), Err(SealError::DoesNotOpen));
        assert_eq!(
            open(&SealKey::generate(), "one", &sealed),
            Err(SealError::DoesNotOpen)
        );
        for form in [
            "",
            "v1.",
            "v1.AAAA",
            "v2.AAAA",
            "plain",
            &sealed[1..],
            &format!("{sealed}!"),
        ] {
            assert_eq!(open(&key, "one", form), Err(SealError::UnknownForm), "{form:?}");
        }
        assert_eq!(SealKey::from_bytes(&[0; 31]).unwrap_err(), SealError::BadKey);
    }

    #[test]
    fn the_key_survives_its_secret() {
        let key = SealKey::generate();
        let sealed = key.seal("one", &secrets(PASSWORD, None, None)).unwrap();
        let again = SealKey::from_bytes(key.expose()).unwrap();
        assert_eq!(revealed(&again.open("one", &sealed).unwrap()).0, PASSWORD);
    }

    #[test]
    fn nothing_is_shown() {
        let key = SealKey::from_bytes(b"canary-key-canary-key-canary-key").unwrap();
        let sealed = key.seal("one", &secrets(PASSWORD, None, None)).unwrap();
        let shown = format!(
            "{key:?} {sealed} {:?} {:?}",
            key.open("one", &sealed),
            key.open("two", &sealed)
        );
        assert!(
            !shown.contains("anary") && !shown.contains("Can4ry") && !shown.contains("99, 97, 110"),
            "{shown}"
        );
    }

    proptest::proptest! {
        #[test]
        fn what_was_sealed_opens_as_it_was_and_not_when_a_byte_is_flipped(
            id in "\\PC{0,40}",
            password in "\\PC{0,200}",
            code in proptest::option::of("[A-Z0-9]{4,64}"),
            license in proptest::option::of("[a-z.]{5,60}"),
            at: proptest::sample::Index,
            bit in 0u8..8,
        ) {
            let key = SealKey::generate();
            let secrets = secrets(&password, code.as_deref(), license.as_deref());
            let sealed = key.seal(&id, &secrets).unwrap();
            proptest::prop_assert_eq!(revealed(&key.open(&id, &sealed).unwrap()), (password, code, license));
            proptest::prop_assert_ne!(&key.seal(&id, &secrets).unwrap(), &sealed);
            let mut bytes = STANDARD.decode(&sealed[VERSION.len()..]).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let tampered = format!("{VERSION}{}", STANDARD.encode(&bytes));
            proptest::prop_assert_eq!(key.open(&id, &tampered).unwrap_err(), SealError::DoesNotOpen);
        }
    }
}
