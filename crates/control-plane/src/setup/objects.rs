//! What the workflow puts into the cluster (20 §11), as typed objects made from checked inputs.
//!
//! Pure: live objects and wanted facts in, objects out. A Secret that other parties rely on is merged
//! into what is there, and is `None` when nothing would change, so that a second run writes nothing.

mod flux;
mod hardening;
mod namespaces;
mod password_hash;
mod release;
mod secrets;
#[cfg(test)]
mod tests;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub use flux::{Deviation, FluxObject, kustomization, oci_repository};
pub use namespaces::application_namespaces;
pub use release::{release_selection, values_config_map};
pub use secrets::{
    InitialTenant, WantedSecret, held, initial_tenant, license_seed, psa_shared, redeemed_seed, status_auth,
    trials, without_cleartext, without_last_applied,
};

fn named(namespace: &str, name: impl Into<String>) -> ObjectMeta {
    ObjectMeta {
        namespace: Some(namespace.to_owned()),
        name: Some(name.into()),
        ..ObjectMeta::default()
    }
}
