//! Turns between runs of this program: a kernel lock, which the death of its holder frees.

use std::path::Path;
use std::time::Duration;

use appliance_common::state_file::{FileLock, LockError};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::run::RunError;

/// How often a lock that somebody holds is asked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The lock, or nothing when the deadline or the cancellation came first.
pub(super) async fn acquire(
    file: &Path,
    deadline: Instant,
    cancel: &CancellationToken,
) -> Result<Option<FileLock>, RunError> {
    let note = format!("kubectl-queue, pid {}", std::process::id());
    loop {
        match FileLock::try_acquire(file, &note) {
            Ok(lock) => return Ok(Some(lock)),
            Err(LockError::Held { .. }) => {}
            Err(source) => return Err(RunError::Lock { source }),
        }
        tokio::select! {
            () = cancel.cancelled() => return Ok(None),
            () = sleep_until(deadline) => return Ok(None),
            () = sleep(LOOK_EVERY) => {}
        }
    }
}
