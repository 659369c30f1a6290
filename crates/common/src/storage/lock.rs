//! The storage lock: a kernel lock on a regular file, and the two forms in which the shipped product
//! left one (a symbolic link whose target is a process id; an empty directory).

mod legacy;

use std::fs::File;
use std::io;
use std::os::unix::fs::chown;
use std::path::Path;
use std::time::Duration;

use nix::unistd::Uid;

use super::error::StorageError;
use super::settings::StorageSettings;
use crate::names::CONTROL_PLANE_UID;
use crate::state_file::{FileLock, LockError};

/// Held while storage is reconciled; the kernel frees it when the holder dies.
#[derive(Debug)]
pub struct StorageLock {
    _kernel: FileLock,
}

enum Refusal {
    Held(String),
    Unusable(io::Error),
}

impl StorageLock {
    /// Takes the lock, waiting for a live holder as long as the settings say. `say` is told who has it.
    ///
    /// # Errors
    /// [`StorageError::LockHeld`], with the holder's lock left as it is; [`StorageError::LockUnusable`].
    pub async fn acquire(
        settings: &StorageSettings,
        note: &str,
        say: impl Fn(String),
    ) -> Result<Self, StorageError> {
        let path = &settings.lock;
        let mut waited = Duration::ZERO;
        let mut attempt = 1;
        loop {
            match try_acquire(path, note) {
                Ok(lock) => return Ok(lock),
                Err(Refusal::Unusable(source)) => {
                    let path = path.clone();
                    return Err(StorageError::LockUnusable { path, source });
                }
                Err(Refusal::Held(holder)) if attempt >= settings.lock_attempts.max(1) => {
                    let path = path.clone();
                    return Err(StorageError::LockHeld { path, holder, waited });
                }
                Err(Refusal::Held(holder)) => say(format!("waiting until {holder} is done with storage")),
            }
            // Only the holder can end this, and it tells nobody.
            tokio::time::sleep(settings.lock_pause).await;
            waited += settings.lock_pause;
            attempt += 1;
        }
    }
}

fn try_acquire(path: &Path, note: &str) -> Result<StorageLock, Refusal> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    let dir = File::open(dir.unwrap_or(Path::new("."))).map_err(Refusal::Unusable)?;
    // Two of us must not both take an old form for what the other has just put in its place.
    dir.lock().map_err(Refusal::Unusable)?;
    if let Some(pid) = legacy::clear(path).map_err(Refusal::Unusable)? {
        return Err(Refusal::Held(format!("process {pid} of the earlier appliance")));
    }
    match FileLock::try_acquire(path, note) {
        Ok(kernel) => {
            share_with_the_pod(path);
            Ok(StorageLock { _kernel: kernel })
        }
        Err(LockError::Held { holder, .. }) => Err(Refusal::Held(holder)),
        Err(LockError::Unusable { source, .. }) => Err(Refusal::Unusable(source)),
    }
}

/// A lock file that root made must be open to the pod too.
fn share_with_the_pod(path: &Path) {
    if Uid::effective().is_root()
        && let Err(error) = chown(path, None, Some(CONTROL_PLANE_UID))
    {
        tracing::debug!(%error, path = %path.display(), "the lock file's group stays");
    }
}

#[cfg(test)]
mod tests;
