//! Storage reconciliation against real servers; the provisioner is played.

mod agent;
mod converge;
mod killed;
mod refused;
mod scene;
