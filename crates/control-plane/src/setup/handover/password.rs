//! The administrator's cleartext password leaves the cluster once the bootstrap Job is seen complete.

use appliance_common::cluster::{Cluster, ClusterError};
use appliance_common::names::{namespace, object};
use k8s_openapi::api::core::v1::Secret;

use crate::setup::objects;

/// Removes it; nothing to do when it is gone. What else the Secret holds stays.
pub(super) async fn remove(cluster: &Cluster) -> Result<(), ClusterError> {
    let live: Option<Secret> = cluster.get(Some(namespace::MSP), object::INITIAL_TENANT).await?;
    match live.as_ref().and_then(objects::without_cleartext) {
        Some(change) => {
            let (namespace, name) = (Some(namespace::MSP), object::INITIAL_TENANT);
            cluster.merge::<Secret>(namespace, name, &change).await
        }
        None => Ok(()),
    }
}
