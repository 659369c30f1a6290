//! The host agent's API, one definition for both ends: what is asked, what is answered, and a client.
//!
//! HTTP/1.1 over the Unix socket, JSON bodies (50 §8, decision 19). A failure is
//! `{"ok": false, "error": "…"}` with a status that is not 2xx; 404 with `not found` is an agent that is
//! too old for the route.

mod captures;
#[cfg(feature = "agent")]
mod client;
mod facts;
mod operations;
mod reset;
mod rights;
mod storage;

use serde::{Deserialize, Serialize};

pub use captures::{CapturedFile, SupportCaptures};
#[cfg(feature = "agent")]
pub use client::{AgentClient, AgentError};
pub use facts::{DiskFacts, HostFacts, OsRelease};
pub use operations::{Operations, UpgradeStarted};
pub use reset::{ResetAnswer, ResetEnd, ResetReply, ResetRequest, ResetStep};
pub use rights::{RightsConverged, SetupRights};
pub use storage::{ConvergeMode, ConvergeStorage, HostItem, StorageConverged};

/// Routes, by their paths.
pub mod route {
    /// `GET`: that the agent is there, its version, and what it can do.
    pub const HEALTH: &str = "/v1/health";
    /// `POST`, no body: diagnostics of the host ([`super::SupportCaptures`]).
    pub const SUPPORT_BUNDLE: &str = "/v1/support-bundle";
    /// `GET`: what the host is and how it is doing ([`super::HostFacts`]).
    pub const HOST_FACTS: &str = "/v1/host-facts";
    /// `POST` [`super::ConvergeStorage`]: the host's side of storage ([`super::StorageConverged`]).
    ///
    /// The agent takes the host lock for it without waiting and answers 409 when somebody else has it:
    /// the caller already holds locks that come later in the order of decision 15.
    pub const STORAGE_CONVERGE: &str = "/v1/storage/converge";
    /// `POST`, no body: takes the channel's image of the control plane ([`super::UpgradeStarted`], 202); 409 while
    /// another operation changes the appliance.
    pub const CONTROL_PLANE_UPGRADE: &str = "/v1/control-plane/upgrade";
    /// `POST`, no body: lets go of the control plane's port, on which the rescue page is (decision 18).
    pub const PORT_RELEASE: &str = "/v1/port/release";
    /// `POST` [`super::SetupRights`]: the control plane gets the rights that setup needs, or gives them back
    /// ([`super::RightsConverged`]); answered once the cluster has them.
    pub const SETUP_RIGHTS: &str = "/v1/setup-rights";
    /// `POST` [`super::ResetRequest`]: shows what a reset takes away, or takes it away ([`super::ResetReply`]); 409 while
    /// one is under way or another operation changes the box.
    pub const RESET: &str = "/v1/reset";
    /// `GET`: how the host's own operations stand ([`super::Operations`]).
    pub const OPERATIONS: &str = "/v1/operations";
}

/// What the agent says when it cannot or will not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRefusal {
    /// Always `false`.
    pub ok: bool,
    /// Why, for the operator.
    pub error: String,
}
