//! After Flux: what the release does once it was handed over, followed to its end and recorded.
//!
//! `record` has the record and its rules, `seen` reads live objects, `evidence` and `excerpt` ask the
//! cluster what the objects do not say, `watch` follows, `password` removes the cleartext password.

mod evidence;
mod excerpt;
mod password;
mod record;
mod seen;
mod watch;

pub use appliance_common::readiness::observed::BootstrapState;
pub(super) use excerpt::{known_secrets, newest_lines};
pub use record::{BootstrapRecord, ReleaseRecord};
pub(super) use watch::follow;

#[cfg(test)]
mod tests;
