//! What the host's programs tell each other in files of root's own directory: one definition for the writer
//! (bootstrap) and the readers (banner, host agent, rescue page, support bundle).

mod boot;
mod image;
pub mod k3s;
mod replacement;
mod reset;
mod upgrade;

pub use boot::{BootPhase, BootState, BootStep, BootStepId, BootStepState};
pub use image::{ImageOutcome, ImageRecord, Quarantined, Trying};
pub use replacement::{K3sReplacement, ReplacementPhase};
pub use reset::{ResetPhase, ResetScope, ResetState, lock_appliance};
pub use upgrade::{ControlPlaneUpgrade, UpgradeStatus};
