//! Whether the appliance works: first everything is observed, then judged. Pure, and shared by whoever
//! shows it: the control plane's status page and the operator's command.
//!
//! [`Observed`] is plain data with a reason for everything that is not known.

pub mod observed;

pub use observed::Observed;
