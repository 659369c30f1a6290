//! Public keys that support receipts are checked with.

use std::collections::BTreeMap;

use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;

/// DER tag of a SEQUENCE (X.690 §8.9).
const SEQUENCE: u8 = 0x30;
/// DER tag of a BIT STRING (X.690 §8.6).
const BIT_STRING: u8 = 0x03;

/// The receipt keys of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptKeys {
    /// PEM texts by key id; empty when the release has none.
    Usable(BTreeMap<String, String>),
    /// Support mode is off: a key could not be read. The release itself can be used.
    Disabled {
        /// Which key, and why.
        reason: String,
    },
}

impl ReceiptKeys {
    pub(super) fn read(keys: &BTreeMap<String, String>) -> Self {
        let unreadable = keys.iter().find(|(_, pem)| !is_public_key(pem));
        match unreadable {
            None => Self::Usable(keys.clone()),
            Some((id, _)) => Self::Disabled {
                reason: format!("supportReceiptKeys.{id} is not a public key (SubjectPublicKeyInfo in PEM)"),
            },
        }
    }
}

/// Whether the text is PEM of a `SubjectPublicKeyInfo`: an algorithm and a bit string, and nothing else
/// (RFC 5280 §4.1). Whether the algorithm is one that can verify is for the code that verifies.
fn is_public_key(pem: &str) -> bool {
    let Ok(der) = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()) else {
        return false;
    };
    let parts = || {
        let (key, after) = element(&der, SEQUENCE)?;
        let (_algorithm, rest) = element(key, SEQUENCE)?;
        let (bits, end) = element(rest, BIT_STRING)?;
        Some(after.is_empty() && end.is_empty() && bits.len() > 1)
    };
    parts().unwrap_or(false)
}

/// Contents of the first DER element, which must have `tag`, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (
            usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?),
            rest.get(2..)?,
        ),
        _ => return None,
    };
    (found == tag).then(|| rest.split_at_checked(length)).flatten()
}
