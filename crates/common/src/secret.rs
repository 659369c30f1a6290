//! Values that must not be shown: no `Display`, no `Serialize`, a masked `Debug`, wiped when dropped.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

/// A value that only [`Secret::expose`] reveals.
///
/// ```
/// let password = appliance_common::secret::Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{password:?}"), "Secret(…)");
/// ```
///
/// It cannot be written into a document:
///
/// ```compile_fail
/// let password = appliance_common::secret::Secret::new("hunter2".to_owned());
/// serde_json::to_string(&password).unwrap();
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the one place that uses it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize + AsRef<[u8]>> Secret<T> {
    /// Whether `other` is the same, in a time that depends on the lengths only.
    pub fn same_as(&self, other: impl AsRef<[u8]>) -> bool {
        ct_eq(self.0.as_ref(), other.as_ref())
    }
}

/// Compares two byte strings in a time that depends on the lengths only.
#[must_use]
pub fn ct_eq(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && std::hint::black_box(a.iter().zip(b).fold(0u8, |acc, (x, y)| acc | (x ^ y))) == 0
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_only_when_every_byte_is() {
        let secret = Secret::new("abc".to_owned());
        assert!(secret.same_as("abc"));
        for other in ["abd", "ab", "abcd", ""] {
            assert!(!secret.same_as(other), "{other}");
        }
    }
}
