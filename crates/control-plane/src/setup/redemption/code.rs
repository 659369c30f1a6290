//! What is remembered of an install code: enough to recognise it by.

use std::fmt;

use appliance_common::secret::Secret;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// SHA-256 of a code in its canonical form, in hex. Codes are short enough to be guessed from it, so it is
/// kept only inside the seal and never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct CodeHash(String);

impl CodeHash {
    /// The hash of a code that was normalised when it was submitted.
    #[must_use]
    pub(super) fn of(code: &Secret<String>) -> Self {
        Self(hex::encode(digest(&SHA256, code.expose().as_bytes())))
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash(…)")
    }
}
