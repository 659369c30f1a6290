//! The setup workflow: from an operator's submission to Flux reconciling the application.

pub mod inputs;
pub mod metadata;
pub mod objects;
mod random;
#[cfg(test)]
mod sample;
pub mod seal;
pub mod selection;
pub mod values;

pub use random::NoRandomness;
