//! The chores of this repository that would otherwise be shell scripts.
//!
//! A library beside the program, because the tests publish releases too.

pub mod bench;
pub mod bundle;
pub mod ci;
pub mod demo;
pub mod docs;
pub mod image;
pub mod layers;
pub mod order;
pub mod publish;
pub mod runner;
pub mod soak;
pub mod stage;

use std::path::Path;

/// The checkout.
#[must_use]
pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}
