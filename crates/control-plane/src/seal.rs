//! Secrets on the state volume: sealed with a key that lies in the cluster.
//!
//! A sealed text is `v1.` and the base64 of a nonce and the ciphertext. It is bound to what it is about, so
//! that one from an older file does not open as part of a newer one.

use std::fmt;

use appliance_common::random;
use appliance_common::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Names the format and the algorithm.
pub(crate) const VERSION: &str = "v1.";

/// Bytes of a key.
const KEY_LEN: usize = 32;

/// Why something could not be sealed or opened. None of these passes by waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The stored key has another length.
    #[error("the seal key is not {KEY_LEN} bytes long")]
    BadKey,
    /// The cipher took the secrets or the key for unusable; not seen with what this program makes.
    #[error("the secrets cannot be sealed")]
    CannotSeal,
    /// The text is not in a form this program writes.
    #[error("the sealed secrets are in an unknown form")]
    UnknownForm,
    /// Another key, bound to something else, or a changed text.
    #[error("the sealed secrets do not open: wrong key, bound to something else, or damaged")]
    DoesNotOpen,
}

/// The key of the seal: 32 random bytes, made at the first submission.
#[derive(Clone)]
pub struct SealKey(Secret<Vec<u8>>);

impl SealKey {
    /// A new key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Secret::new(random::bytes::<KEY_LEN>().to_vec()))
    }

    /// A key as it lies in the Secret.
    ///
    /// # Errors
    /// [`SealError::BadKey`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        if bytes.len() != KEY_LEN {
            return Err(SealError::BadKey);
        }
        Ok(Self(Secret::new(bytes.to_vec())))
    }

    /// The bytes, for the Secret.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// Seals any bytes so that they open only together with `bound_to`.
    ///
    /// # Errors
    /// [`SealError::CannotSeal`].
    pub(crate) fn seal_bytes(&self, bound_to: &str, plain: Vec<u8>) -> Result<String, SealError> {
        let nonce = random::bytes::<NONCE_LEN>();
        let mut sealed = plain;
        self.cipher()?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound_to.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| SealError::CannotSeal)?;
        Ok(format!(
            "{VERSION}{}",
            STANDARD.encode([&nonce, sealed.as_slice()].concat())
        ))
    }

    /// Opens what [`SealKey::seal_bytes`] made.
    ///
    /// # Errors
    /// [`SealError::UnknownForm`] or [`SealError::DoesNotOpen`].
    pub(crate) fn open_bytes(&self, bound_to: &str, sealed: &str) -> Result<Secret<Vec<u8>>, SealError> {
        let encoded = sealed.strip_prefix(VERSION).ok_or(SealError::UnknownForm)?;
        let mut bytes = STANDARD.decode(encoded).map_err(|_| SealError::UnknownForm)?;
        let (nonce, ciphertext) = bytes
            .split_at_mut_checked(NONCE_LEN)
            .ok_or(SealError::UnknownForm)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::UnknownForm)?;
        let plain = self
            .cipher()?
            .open_in_place(nonce, Aad::from(bound_to.as_bytes()), ciphertext)
            .map(|plain| Secret::new(plain.to_vec()))
            .map_err(|_| SealError::DoesNotOpen);
        zeroize::Zeroize::zeroize(&mut bytes);
        plain
    }

    fn cipher(&self) -> Result<LessSafeKey, SealError> {
        UnboundKey::new(&CHACHA20_POLY1305, self.expose())
            .map(LessSafeKey::new)
            .map_err(|_| SealError::BadKey)
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(…)")
    }
}
