//! The only place that says what may be done to a volume. Pure; everything else asks here.
//!
//! Application volumes are kept, whatever happens. A volume may be let go only if the storage test's
//! namespace claims it, and the server checks once more that it still is that volume when it changes it.

use k8s_openapi::api::core::v1::PersistentVolume;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::names::{namespace::STORAGE_SMOKE, object::STORAGE_CLASS};

/// The provisioner's name.
pub(super) const PROVISIONER: &str = "rancher.io/local-path";
/// Who made a volume.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
const RETAIN: &str = "Retain";
const DELETE: &str = "Delete";

/// A change of a volume's reclaim policy that the server refuses when the volume is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumePatch {
    volume: String,
    operations: Value,
}

impl VolumePatch {
    /// The volume.
    #[must_use]
    pub fn volume(&self) -> &str {
        &self.volume
    }

    /// The JSON patch.
    #[must_use]
    pub fn operations(&self) -> &Value {
        &self.operations
    }
}

/// How a volume of the storage test is let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// Its policy has to be changed first.
    Flip(VolumePatch),
    /// It goes with its claim.
    GoesByItself,
}

/// A volume that must not be let go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Somebody else's claim holds it.
    #[error("volume {volume} belongs to {owner}, not to the storage test; it is left alone")]
    Foreign {
        /// The volume.
        volume: String,
        /// Namespace of its claim, or `nobody`.
        owner: String,
    },
    /// It was made by another provisioner, or for another class.
    #[error("volume {volume} was made by {maker}, not by the appliance's provisioner; it is left alone")]
    Strange {
        /// The volume.
        volume: String,
        /// Who made it.
        maker: String,
    },
    /// Its policy is neither of the two that are known.
    #[error("volume {volume} has the unexpected reclaim policy {policy}; it is left alone")]
    Policy {
        /// The volume.
        volume: String,
        /// The policy.
        policy: String,
    },
}

/// Whether the storage test's namespace claims a volume.
pub(super) fn is_of_the_test(volume: &PersistentVolume) -> bool {
    claim_namespace(volume) == Some(STORAGE_SMOKE)
}

/// How to let go of a volume.
///
/// # Errors
/// [`Refused`] for every volume that is not the storage test's.
pub fn releasable(volume: &PersistentVolume) -> Result<Release, Refused> {
    let name = volume.name_any();
    if !is_of_the_test(volume) {
        let owner = claim_namespace(volume).unwrap_or("nobody").to_owned();
        return Err(Refused::Foreign { volume: name, owner });
    }
    if let Some(maker) = strange_maker(volume) {
        return Err(Refused::Strange { volume: name, maker });
    }
    match policy(volume) {
        RETAIN => Ok(Release::Flip(patch(volume, DELETE))),
        DELETE => Ok(Release::GoesByItself),
        policy => Err(Refused::Policy {
            volume: name,
            policy: policy.to_owned(),
        }),
    }
}

/// The change that keeps an application's volume when its claim goes; `None` when it is kept already, is
/// the storage test's, or is not of our class.
#[must_use]
pub fn retainable(volume: &PersistentVolume) -> Option<VolumePatch> {
    let class = volume.spec.as_ref()?.storage_class_name.as_deref();
    let is_ours = class == Some(STORAGE_CLASS) && !is_of_the_test(volume);
    (is_ours && policy(volume) != RETAIN).then(|| patch(volume, RETAIN))
}

fn patch(volume: &PersistentVolume, to: &str) -> VolumePatch {
    let mut operations = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": volume.uid().unwrap_or_default()}),
        json!({"op": "test", "path": "/spec/persistentVolumeReclaimPolicy", "value": policy(volume)}),
    ];
    if let Some(namespace) = claim_namespace(volume) {
        operations.push(json!({"op": "test", "path": "/spec/claimRef/namespace", "value": namespace}));
    }
    operations.push(json!({"op": "replace", "path": "/spec/persistentVolumeReclaimPolicy", "value": to}));
    VolumePatch {
        volume: volume.name_any(),
        operations: Value::Array(operations),
    }
}

fn claim_namespace(volume: &PersistentVolume) -> Option<&str> {
    volume.spec.as_ref()?.claim_ref.as_ref()?.namespace.as_deref()
}

/// The server's default for a volume that names none is `Retain`.
fn policy(volume: &PersistentVolume) -> &str {
    let policy = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
    policy.unwrap_or(RETAIN)
}

/// Who else made the volume. One that does not say is taken for ours: older provisioners did not.
fn strange_maker(volume: &PersistentVolume) -> Option<String> {
    let class = volume
        .spec
        .as_ref()
        .and_then(|spec| spec.storage_class_name.as_deref());
    if let Some(class) = class.filter(|class| !class.is_empty() && *class != STORAGE_CLASS) {
        return Some(format!("StorageClass {class}"));
    }
    let maker = volume.annotations().get(PROVISIONED_BY);
    maker.filter(|maker| *maker != PROVISIONER).cloned()
}

#[cfg(test)]
mod tests;
