//! The rights that setup needs beside those that running needs (decision 17).

use serde::{Deserialize, Serialize};

/// Whether they are wanted; a request without a body wants them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupRights {
    /// `false` gives them back; an appliance that is not installed yet keeps them.
    pub wanted: bool,
}

impl Default for SetupRights {
    fn default() -> Self {
        Self { wanted: true }
    }
}

/// That the cluster has taken it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsConverged {
    /// Always `true`.
    pub ok: bool,
    /// As asked.
    pub wanted: bool,
}
