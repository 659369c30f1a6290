//! Is this box fit for the appliance? Checks of the host and of the network, before an install and later as
//! a drift watch.
//!
//! Three parts that do not mix: [`facts`] is plain data with a reason for every reading that is missing,
//! [`checks`] are pure judges over it and form the catalogue, and the edges ([`host`], [`network`]) read
//! facts from a root directory and from the network. [`run`] joins them within one deadline.

pub mod checks;
pub mod facts;
pub mod host;
pub mod network;
mod report;
mod run;
mod verdict;

pub use checks::{Check, Group, Severity, Stage, catalogue, find};
pub use report::{CheckResult, Outcome, Report};
pub use run::{LIMIT, Scope, run};

#[cfg(test)]
mod tests;
