//! The real servers that the tests and the demo run against; see `README.md` beside this crate.

pub mod cluster;
mod files;
mod ports;
mod process;
pub mod tools;
