//! Fakes for tests of this crate and of those that depend on it. Everything listens on loopback only.

#[cfg(feature = "agent")]
mod agent;
pub mod host_root;
mod web;

#[cfg(feature = "agent")]
pub use agent::{AgentFault, FakeAgent};
pub use web::{Published, Reply, Request, WebServer};
