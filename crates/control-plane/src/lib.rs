//! .

pub mod setup;
