//! Whether the appliance works: first everything is observed, then judged. Pure, and shared by whoever
//! shows it: the control plane's status page and the operator's command.
//!
//! [`Observed`] is plain data with a reason for everything that is not known; [`judge`] makes a [`Verdict`]
//! of it, without a clock and without I/O; [`wire`] is the form in which both ends read it (40 §7).

mod judge;
pub mod observed;
mod told;
mod verdict;
pub mod wire;

pub use judge::judge;
pub use observed::Observed;
pub use verdict::{Signal, Tier, TierName, TierStatus, Tiers, Verdict};
