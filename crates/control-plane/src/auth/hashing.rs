//! scrypt off the async executor, two at once: it costs 16 MiB and a fraction of a second.

use std::sync::Arc;
use std::time::Duration;

use appliance_common::password::{Cost, derive};
use appliance_common::secret::Secret;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Derivations that run at the same time in the whole process.
const AT_ONCE: usize = 2;
/// How long one may wait for its turn.
const MAX_WAIT: Duration = Duration::from_secs(10);

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
