//! Storage reconciliation (20 §7): the local-path provisioner, the `StorageClass` whose volumes outlive
//! their claims, and the proof that a volume can be had and read back.
//!
//! [`Storage::look`] says what is missing, [`Storage::converge`] makes it so, in the order of the plan.
//! What may be done to which volume is in `guard` alone. The caller holds the appliance's lock; the
//! storage lock is taken here.

mod cleanup;
mod controllers;
mod converge;
mod error;
mod excerpt;
mod guard;
mod host;
mod lock;
mod observe;
mod plan;
mod record;
mod settings;
mod smoke;
mod wanted;

pub use converge::{Report, Say, Storage};
pub use error::StorageError;
pub use guard::{Refused, Release, VolumePatch, releasable, retainable};
pub use host::HostSide;
pub use lock::StorageLock;
pub use plan::{Plan, SubStep, unseen};
pub use record::{Proof, StorageRecord};
pub use settings::{ImageName, Images, Limits, StorageSettings};
pub use wanted::manifest_text;
