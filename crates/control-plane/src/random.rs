//! Random values from the system.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

/// The system gave no random bytes; nothing secret may be made without.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system gave no random bytes")]
pub(crate) struct NoRandom;

/// `N` random bytes.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandom> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(bytes)
}

/// `N` random bytes as text that may stand in a cookie.
pub(crate) fn url_safe<const N: usize>() -> Result<String, NoRandom> {
    bytes::<N>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes))
}
