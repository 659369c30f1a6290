//! The lock of everything that changes this host: the first of the three (decision 15).

use std::time::Duration;

use appliance_common::names::HOST_LOCK;
use appliance_common::state_file::{FileLock, LockError};
use tokio::time::{Instant, sleep};

use crate::say;
use crate::settings::Places;

/// How long somebody else's work on the host is waited for.
const LIMIT: Duration = Duration::from_mins(20);
/// How often the lock is looked at: the kernel tells nobody when it is free.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes it. Whoever has it is named while it is waited for.
///
/// # Errors
/// It cannot be taken at all, or was not free within the limit.
pub(crate) async fn acquire(places: &Places, who: &str) -> Result<FileLock, LockError> {
    let path = places.below_root(HOST_LOCK);
    let note = format!("alga-appliance-bootstrap {who}, process {}", std::process::id());
    let deadline = Instant::now() + LIMIT;
    let mut told = None;
    loop {
        match FileLock::try_acquire(&path, &note) {
            Ok(lock) => return Ok(lock),
            Err(error @ LockError::Unusable { .. }) => return Err(error),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(error) => {
                let text = error.to_string();
                if told.as_ref() != Some(&text) {
                    say::error(&format!("waiting: {text}"));
                    told = Some(text);
                }
                sleep(PAUSE).await;
            }
        }
    }
}
