//! The management password's hash, as it is kept (30 §3): read by the control plane, and by the host when the
//! control plane is not there.

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::clock::iso_millis;
use crate::secret::{Secret, ct_eq};

const ALGORITHM: &str = "scrypt";
const CONFIGURED: &str = "configured";

/// The document, as shipped images read and write it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasswordDocument {
    status: String,
    #[serde(default = "scrypt")]
    algorithm: String,
    #[serde(default)]
    params: Params,
    salt: String,
    hash: String,
    #[serde(default)]
    updated_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
struct Params {
    #[serde(rename = "N")]
    n: u64,
    r: u32,
    p: u32,
    keylen: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            n: 16384,
            r: 8,
            p: 1,
            keylen: 64,
        }
    }
}

fn scrypt() -> String {
    ALGORITHM.to_owned()
}

/// How a stored hash was made, within bounds that keep a tampered file from exhausting the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Logarithm of N to the base 2.
    pub log_n: u8,
    /// Size of a block.
    pub r: u32,
    /// How often it is done.
    pub p: u32,
    /// Bytes of the key.
    pub length: usize,
}

impl Cost {
    /// What new hashes are made with: today's guidance, and within the 32 MiB that shipped images
    /// allow themselves when they verify.
    pub const CURRENT: Self = Self {
        log_n: 14,
        r: 8,
        p: 5,
        length: 64,
    };

    /// A cost read from a file, if it is within bounds.
    #[must_use]
    pub fn checked(n: u64, r: u32, p: u32, length: usize) -> Option<Self> {
        let in_bounds = n.is_power_of_two()
            && (2..=1 << 17).contains(&n)
            && (1..=16).contains(&r)
            && (1..=16).contains(&p)
            && (16..=128).contains(&length);
        let log_n = u8::try_from(n.checked_ilog2()?).ok()?;
        in_bounds.then_some(Self { log_n, r, p, length })
    }
}

/// A usable hash.
#[derive(Debug, Clone)]
pub struct StoredPassword {
    cost: Cost,
    salt: Vec<u8>,
    hash: Secret<Vec<u8>>,
    generation: String,
}

impl StoredPassword {
    /// What a document holds; `None` when its algorithm, cost or hash is not one that is used here.
    #[must_use]
    pub fn from_document(document: &PasswordDocument) -> Option<Self> {
        if document.status != CONFIGURED || document.algorithm != ALGORITHM {
            return None;
        }
        let Params { n, r, p, keylen } = document.params;
        let cost = Cost::checked(n, r, p, keylen)?;
        let salt = hex::decode(&document.salt).ok().filter(|salt| !salt.is_empty())?;
        let hash = hex::decode(&document.hash)
            .ok()
            .filter(|hash| hash.len() == cost.length)?;
        let identity = digest(&SHA256, &[salt.as_slice(), &hash].concat());
        Some(Self {
            cost,
            salt,
            generation: hex::encode(&identity.as_ref()[..8]),
            hash: Secret::new(hash),
        })
    }

    /// Changes whenever the password does; tells nothing of it.
    #[must_use]
    pub fn generation(&self) -> &str {
        &self.generation
    }

    /// How the hash was made.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// What was hashed with the password.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// Whether the hash was made with less than today's cost.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.cost.p < Cost::CURRENT.p
    }

    /// Whether a derived key is the one, in constant time.
    #[must_use]
    pub fn is(&self, key: &[u8]) -> bool {
        ct_eq(key, self.hash.expose())
    }
}

impl PasswordDocument {
    /// The document of a key that was derived just now.
    #[must_use]
    pub fn new(cost: Cost, salt: &[u8], key: &[u8], now: Timestamp) -> Self {
        Self {
            status: CONFIGURED.to_owned(),
            algorithm: scrypt(),
            params: Params {
                n: 1 << cost.log_n,
                r: cost.r,
                p: cost.p,
                keylen: cost.length,
            },
            salt: hex::encode(salt),
            hash: hex::encode(key),
            updated_at: iso_millis(now),
        }
    }
}

/// The key of a password: 16 MiB and a fraction of a second at today's cost, so not on a thread that serves.
/// `None` is a defect of ours: a checked cost always derives.
#[must_use]
pub fn derive(password: &[u8], salt: &[u8], cost: Cost) -> Option<Zeroizing<Vec<u8>>> {
    let params = ::scrypt::Params::new(cost.log_n, cost.r, cost.p).ok()?;
    let mut key = Zeroizing::new(vec![0; cost.length]);
    ::scrypt::scrypt(password, salt, &params, &mut key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_bounded() {
        assert_eq!(Cost::checked(16384, 8, 5, 64), Some(Cost::CURRENT));
        assert!(Cost::checked(1 << 17, 16, 16, 128).is_some());
        for (n, r, p, length) in [
            (1 << 30, 8, 1, 64),
            (1 << 18, 8, 1, 64),
            (16383, 8, 1, 64),
            (0, 8, 1, 64),
            (1, 8, 1, 64),
            (16384, 0, 1, 64),
            (16384, 17, 1, 64),
            (16384, 8, 0, 64),
            (16384, 8, 17, 64),
            (16384, 8, 1, 15),
            (16384, 8, 1, 129),
        ] {
            assert_eq!(Cost::checked(n, r, p, length), None, "{n} {r} {p} {length}");
        }
    }

    /// RFC 7914, section 12, the third vector.
    #[test]
    fn the_rfc_vector_is_met() {
        let cost = Cost::checked(16384, 8, 1, 64).unwrap();
        let key = derive(b"pleaseletmein", b"SodiumChloride", cost).unwrap();
        assert_eq!(
            hex::encode(&*key),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2\
             d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        );
    }
}
