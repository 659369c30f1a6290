//! scrypt off the async executor, two at once: it costs 16 MiB and a fraction of a second.

use std::sync::Arc;
use std::time::Duration;

use appliance_common::secret::Secret;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Derivations that run at the same time in the whole process.
const AT_ONCE: usize = 2;
/// How long one may wait for its turn.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// How a stored hash was made, within bounds that keep a tampered file from exhausting the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) log_n: u8,
    pub(crate) r: u32,
    pub(crate) p: u32,
    pub(crate) length: usize,
}

impl Cost {
    /// What new hashes are made with: today's guidance, and within the 32 MiB that shipped images
    /// allow themselves when they verify.
    pub(crate) const CURRENT: Self = Self {
        log_n: 14,
        r: 8,
        p: 5,
        length: 64,
    };

    /// A cost read from a file, if it is within bounds.
    pub(crate) fn checked(n: u64, r: u32, p: u32, length: usize) -> Option<Self> {
        let in_bounds = n.is_power_of_two()
            && (2..=1 << 17).contains(&n)
            && (1..=16).contains(&r)
            && (1..=16).contains(&p)
            && (16..=128).contains(&length);
        let log_n = u8::try_from(n.checked_ilog2()?).ok()?;
        in_bounds.then_some(Self { log_n, r, p, length })
    }
}

/// Why nothing was derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HashingError {
    /// Others are waiting already.
    #[error("too many passwords are being checked")]
    Busy,
    /// The derivation itself refused or died; only a defect of ours does that.
    #[error("deriving a key from the password")]
    Failed,
}

/// Derives keys from passwords.
#[derive(Debug, Clone)]
pub(crate) struct Hasher(Arc<Semaphore>);

impl Hasher {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// The key of `password`, when its turn comes.
    pub(crate) async fn derive(
        &self,
        password: Secret<String>,
        salt: Vec<u8>,
        cost: Cost,
    ) -> Result<Zeroizing<Vec<u8>>, HashingError> {
        let turn = tokio::time::timeout(MAX_WAIT, Arc::clone(&self.0).acquire_owned());
        let Ok(Ok(permit)) = turn.await else {
            return Err(HashingError::Busy);
        };
        let derivation = tokio::task::spawn_blocking(move || {
            // Held by the work, not by the request: a client that leaves frees no turn.
            let _permit = permit;
            derive(password.expose().as_bytes(), &salt, cost)
        });
        derivation.await.ok().flatten().ok_or(HashingError::Failed)
    }
}

fn derive(password: &[u8], salt: &[u8], cost: Cost) -> Option<Zeroizing<Vec<u8>>> {
    let params = scrypt::Params::new(cost.log_n, cost.r, cost.p).ok()?;
    let mut key = Zeroizing::new(vec![0; cost.length]);
    scrypt::scrypt(password, salt, &params, &mut key).ok()?;
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
    #[tokio::test]
    async fn the_rfc_vector_is_met() {
        let cost = Cost::checked(16384, 8, 1, 64).unwrap();
        let password = Secret::new("pleaseletmein".to_owned());
        let key = Hasher::new()
            .derive(password, b"SodiumChloride".to_vec(), cost)
            .await
            .unwrap();
        assert_eq!(
            hex::encode(&*key),
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2\
             d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        );
    }
}
