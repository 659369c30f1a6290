//! Timestamps as every document of ours writes them: UTC, ISO-8601, milliseconds.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::iso_millis;

/// A time on the wire.
///
/// ```
/// use appliance_common::readiness::wire::Moment;
/// let at = Moment::from("2026-01-02T03:04:05.6789Z".parse::<jiff::Timestamp>().unwrap());
/// assert_eq!(serde_json::to_string(&at).unwrap(), "\"2026-01-02T03:04:05.678Z\"");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&iso_millis(self.0))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Self)
    }
}
