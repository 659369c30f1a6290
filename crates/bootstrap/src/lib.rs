//! What runs on the host before there is a pod to ask: from a bare machine with our files on it to a wizard
//! that answers, and the operator's commands for when it does not.
//!
//! `README.md` beside this crate tells how it is started and what it owns.

mod admin_credential;
mod banner;
mod channel;
mod choice;
pub mod cli;
mod command;
mod consoles;
mod deployed;
mod host_lock;
mod image_record;
mod images;
mod installed;
mod k3s;
mod manifest_set;
mod manifests;
mod nodes;
mod owned;
mod plan;
mod preflight;
mod reapply;
mod replace_k3s;
mod reset;
mod reset_admin;
mod resolve_image;
mod rights;
mod run;
mod say;
mod settings;
mod token;
