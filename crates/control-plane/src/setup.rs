//! The setup workflow: from an operator's submission to Flux reconciling the application.

pub mod inputs;
pub mod seal;
pub mod values;
