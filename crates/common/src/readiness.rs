//! Whether the appliance works: first everything is observed, then judged. Pure, and shared by whoever
//! shows it: the control plane's status page and the operator's command.
//!
//! [`Observed`] is plain data with a reason for everything that is not known; [`judge`] makes a [`Verdict`]
//! of it, without a clock and without I/O; [`wire`] is the form in which both ends read it (40 §7).
//! `parts`, `flux`, `bootstrap` and `login` are the rules behind the tiers, `blockers` what is wrong, and
//! [`catalogue`] what each blocker means.

mod blockers;
mod bootstrap;
mod catalogue;
mod draft;
mod due;
mod failures;
mod flux;
mod index;
mod inventory;
mod judge;
mod log_scan;
mod login;
mod network;
pub mod observed;
mod operations;
mod parts;
mod readings;
mod retry;
mod rollup;
mod setup;
mod tiers;
mod told;
mod update;
mod verdict;
pub mod wire;
mod words;

pub use catalogue::{Entry, Layer, catalogue};
pub use judge::judge;
pub use observed::Observed;
pub use update::{UpdateState, UpdateStatus, update};
pub use verdict::{Signal, Tier, TierName, TierStatus, Tiers, Verdict};

#[cfg(test)]
mod tests;
