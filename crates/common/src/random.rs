//! Random bytes from the kernel.

use ring::rand::{SecureRandom, SystemRandom};

/// `N` bytes nobody can guess.
///
/// # Panics
/// If the kernel's generator fails, which Linux documents as impossible once it is seeded
/// (getrandom(2)); no secret may be made without it.
#[must_use]
#[expect(
    clippy::expect_used,
    reason = "getrandom(2) does not fail once seeded; there is no second source"
)]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the kernel's random generator");
    bytes
}

/// A random id of 128 bits, in lower-case hex.
#[must_use]
pub fn id() -> String {
    hex::encode(bytes::<16>())
}
