//! The key that seals the operator's secrets lives in the cluster, not beside what it seals.

use appliance_common::cluster::{Cluster, ClusterError, Owner};
use appliance_common::names::{namespace, object};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::ObjectMeta;

use super::objects;
use super::seal::{SealError, SealKey};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum SealKeyError {
    /// The cluster did not give or take it.
    #[error("the key that protects your password could not be kept in the cluster")]
    Cluster(#[source] ClusterError),
    /// What is in the Secret is not a key, or none could be made.
    #[error("the key that protects your password is not usable")]
    Unusable(#[source] SealError),
    /// There is no key where there must be one.
    #[error("Secret {}/{} is gone", namespace::CONTROL_PLANE, object::SETUP_SEAL)]
    Gone,
}

/// The key, made at the first submission: the one that is there, if there is one.
///
/// # Errors
/// [`SealKeyError`]; nothing was then stored.
pub(super) async fn get_or_create(cluster: &Cluster) -> Result<SealKey, SealKeyError> {
    let key = SealKey::generate();
    let wanted = objects::setup_seal(&key);
    let created = match cluster.create(Owner::Setup, wanted.object()).await {
        // Outside a pod of ours the control plane's own namespace may not be there yet.
        Err(ClusterError::Missing { .. }) => {
            cluster
                .create(Owner::Setup, &own_namespace())
                .await
                .map_err(SealKeyError::Cluster)?;
            cluster.create(Owner::Setup, wanted.object()).await
        }
        other => other,
    };
    key_of(&created.map_err(SealKeyError::Cluster)?.into_live())
}

/// The key that an earlier submission was sealed with.
///
/// # Errors
/// [`SealKeyError`]; [`SealKeyError::Gone`] when there is none.
pub(super) async fn get(cluster: &Cluster) -> Result<SealKey, SealKeyError> {
    match read(cluster).await? {
        Some(secret) => key_of(&secret),
        None => Err(SealKeyError::Gone),
    }
}

async fn read(cluster: &Cluster) -> Result<Option<Secret>, SealKeyError> {
    cluster
        .get(Some(namespace::CONTROL_PLANE), object::SETUP_SEAL)
        .await
        .map_err(SealKeyError::Cluster)
}

fn key_of(secret: &Secret) -> Result<SealKey, SealKeyError> {
    objects::seal_key(secret).map_err(SealKeyError::Unusable)
}

fn own_namespace() -> Namespace {
    let metadata = ObjectMeta {
        name: Some(namespace::CONTROL_PLANE.to_owned()),
        ..ObjectMeta::default()
    };
    Namespace {
        metadata,
        ..Namespace::default()
    }
}
