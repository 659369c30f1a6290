//! The key that seals secrets on the state volume lives in the cluster, not beside what it seals.

use std::collections::BTreeMap;

use appliance_common::cluster::{Cluster, ClusterError, Owner};
use appliance_common::names::{namespace, object};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::ObjectMeta;

use crate::seal::{SealError, SealKey};

/// The key of the seal in its Secret.
const SEAL_KEY: &str = "key";

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
pub(crate) async fn get_or_create(cluster: &Cluster) -> Result<SealKey, SealKeyError> {
    let key = SealKey::generate();
    let wanted = setup_seal(&key);
    let created = match cluster.create(Owner::Setup, &wanted).await {
        // Outside a pod of ours the control plane's own namespace may not be there yet.
        Err(ClusterError::Missing { .. }) => {
            cluster
                .create(Owner::Setup, &own_namespace())
                .await
                .map_err(SealKeyError::Cluster)?;
            cluster.create(Owner::Setup, &wanted).await
        }
        other => other,
    };
    let live = created.map_err(SealKeyError::Cluster)?.into_live();
    match of_secret(&live) {
        Ok(key) => Ok(key),
        Err(_) => replaced(cluster, &live, &wanted).await,
    }
}

/// The key in the place of one that is none: nothing opens with that, so nothing is lost with it.
async fn replaced(cluster: &Cluster, live: &Secret, wanted: &Secret) -> Result<SealKey, SealKeyError> {
    tracing::warn!("the key that protects passwords on this box is unusable; a new one takes its place");
    let uid = live.metadata.uid.as_deref().unwrap_or_default();
    let gone = cluster.delete_exactly::<Secret>(namespace::CONTROL_PLANE, object::SETUP_SEAL, uid);
    gone.await.map_err(SealKeyError::Cluster)?;
    let created = cluster.create(Owner::Setup, wanted).await;
    key_of(&created.map_err(SealKeyError::Cluster)?.into_live())
}

/// The key that an earlier submission was sealed with.
///
/// # Errors
/// [`SealKeyError`]; [`SealKeyError::Gone`] when there is none.
pub(crate) async fn get(cluster: &Cluster) -> Result<SealKey, SealKeyError> {
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
    of_secret(secret).map_err(SealKeyError::Unusable)
}

/// Secret `setup-seal`, to be created once; it cannot be changed afterwards.
fn setup_seal(key: &SealKey) -> Secret {
    let key = ByteString(key.expose().to_vec());
    Secret {
        metadata: ObjectMeta {
            namespace: Some(namespace::CONTROL_PLANE.to_owned()),
            name: Some(object::SETUP_SEAL.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(SEAL_KEY.to_owned(), key)])),
        immutable: Some(true),
        type_: Some("Opaque".to_owned()),
        ..Secret::default()
    }
}

fn of_secret(live: &Secret) -> Result<SealKey, SealError> {
    let value = live.data.as_ref().and_then(|data| data.get(SEAL_KEY));
    SealKey::from_bytes(value.map(|value| value.0.as_slice()).unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seal_key_comes_back_from_its_secret() {
        let key = SealKey::generate();
        let secret = setup_seal(&key);
        assert_eq!(of_secret(&secret).unwrap().expose(), key.expose());
        assert_eq!(secret.immutable, Some(true));
        assert!(of_secret(&Secret::default()).is_err());
    }
}
