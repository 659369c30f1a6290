//! The host's side: four things only root can look after, asked of the host agent and only on drift.

use crate::agent_api::{AgentClient, ConvergeMode, HostItem};
use crate::process::chain;

use super::error::StorageError;

/// What is known of the host's side of storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostSide {
    /// All is as it should be.
    InPlace,
    /// These differ.
    Drifted(Vec<HostItem>),
    /// These differed and were put right.
    Mended(Vec<HostItem>),
    /// Nobody could tell; why.
    Unknown(String),
}

impl HostSide {
    /// What is to be put right.
    #[must_use]
    pub fn drift(&self) -> &[HostItem] {
        match self {
            Self::Drifted(items) => items,
            Self::InPlace | Self::Mended(_) | Self::Unknown(_) => &[],
        }
    }
}

/// Looks, and changes nothing. An agent that cannot be asked is an answer.
pub(super) async fn look(agent: &AgentClient) -> HostSide {
    match agent.converge_storage(ConvergeMode::Look).await {
        Ok(seen) if seen.drifted.is_empty() => HostSide::InPlace,
        Ok(seen) => HostSide::Drifted(seen.drifted),
        Err(error) => HostSide::Unknown(chain(&error)),
    }
}

/// Looks, and has put right what differs.
pub(super) async fn mend(agent: &AgentClient) -> Result<HostSide, StorageError> {
    match look(agent).await {
        HostSide::Drifted(_) => {}
        known => return Ok(known),
    }
    let mended = agent.converge_storage(ConvergeMode::Mend).await;
    mended
        .map(|done| HostSide::Mended(done.changed))
        .map_err(|source| StorageError::Host { source })
}

/// Items in words.
pub(super) fn list(items: &[HostItem]) -> String {
    let words: Vec<_> = items.iter().map(ToString::to_string).collect();
    words.join(", ")
}
