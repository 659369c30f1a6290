//! Time as an argument: nothing below the edge reads the clock of the machine.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// A source of the current time; cheap to clone and hand down.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Timestamp::now))
    }

    /// A clock that tests drive.
    #[must_use]
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// UTC ISO-8601 with milliseconds and `Z`, the form of every timestamp we write.
///
/// ```
/// let at = "2026-01-02T03:04:05.6789Z".parse().unwrap();
/// assert_eq!(appliance_common::clock::iso_millis(at), "2026-01-02T03:04:05.678Z");
/// ```
#[must_use]
pub fn iso_millis(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
