//! A log that is followed.

use std::io;

use appliance_common::cluster::LogBytes;
use tokio::sync::OwnedSemaphorePermit;

use super::lines::Lines;

/// A log as it is written. Nothing is read ahead of whoever takes it.
#[derive(Debug)]
pub struct Following {
    bytes: LogBytes,
    lines: Lines,
    _place: OwnedSemaphorePermit,
}

impl Following {
    pub(super) fn new(bytes: LogBytes, place: OwnedSemaphorePermit) -> Self {
        Self {
            bytes,
            lines: Lines::default(),
            _place: place,
        }
    }

    /// The next lines, one at least; `None` when the container has ended. A call that is dropped loses nothing.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> io::Result<Option<Vec<String>>> {
        while let Some(chunk) = self.bytes.next().await? {
            let lines = self.lines.push(&chunk);
            if !lines.is_empty() {
                return Ok(Some(lines));
            }
        }
        Ok(self.lines.ended().map(|line| vec![line]))
    }
}
