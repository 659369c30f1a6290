//! The appliance's control plane: one HTTP server with the setup wizard, status and management.
//!
//! `run` is the program; `Running` is the same server for tests, which stop it by its handle.

mod app;
mod app_url;
pub mod auth;
pub mod cli;
pub mod console;
mod host_network;
pub mod http;
mod init_state;
pub mod install_storage;
mod license_text;
pub mod manage;
pub mod metrics;
pub mod mode;
pub mod password;
mod run;
pub mod seal;
pub mod seal_key;
mod selection;
pub mod settings;
pub mod setup;
mod state_dir;
mod status;
pub mod support;
mod values_edit;
mod watched;
pub mod workloads;

pub use app::App;
/// What the support bundle's analyzers look for, for their page of documentation.
pub use appliance_support_bundle::catalogue as analyzers;
pub use run::{RunError, Running, run};
