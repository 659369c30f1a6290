//! Random values from the kernel.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};

/// `N` bytes nobody can guess.
///
/// # Panics
/// If the kernel's generator fails, which getrandom(2) rules out once it is seeded; nothing secret may
/// be made without it.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "getrandom(2) does not fail once seeded, and there is no second source"
)]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("random bytes of the kernel");
    bytes
}

/// `N` random bytes as text that may stand in a cookie.
#[must_use]
pub fn url_safe<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<N>())
}

/// A random id of 128 bits, in lower-case hex.
#[must_use]
pub fn id() -> String {
    hex::encode(bytes::<16>())
}
