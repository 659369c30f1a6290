//! A picture of a broken appliance, without its secrets (60 §§1–2).
//!
//! `plan` says what is collected, `run` collects it into `staging`, where nothing is written but what the redactor
//! has seen, `archive` packs it, `analyze` says what is probably wrong, `offline` works on archives.

mod analyze;
pub mod archive;
pub mod cli;
mod collect;
mod offline;
pub mod options;
mod outcome;
mod plan;
mod redactors;
pub mod retention;
mod run;
mod staging;

pub use analyze::catalogue;
pub use outcome::{Bundle, BundleError};
pub use redactors::{Redactors, RedactorsError};
pub use run::{Progress, collect};
