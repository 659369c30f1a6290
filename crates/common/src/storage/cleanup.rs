//! Taking away what the storage test made, and nothing else; also what a test that was killed left.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, PersistentVolume};
use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject};

use super::error::StorageError;
use super::guard::{self, Release};
use crate::cluster::{Cluster, ClusterError, Judgement, Wait};
use crate::names::namespace::STORAGE_SMOKE;

/// How long a volume may take to go once it was deleted itself.
const AFTER_DELETE: Duration = Duration::from_secs(30);
const DOING: &str = "cleaning up after the storage test";

/// Lets the test's volumes go, deletes its namespace and waits until both are gone.
pub(super) async fn clean_up(cluster: &Cluster, limit: Duration) -> Result<(), StorageError> {
    let volumes = of_the_test(cluster).await?;
    let refused = release(cluster, &volumes).await;
    // A volume that must not be touched is no reason to leave the rest.
    let namespace = namespace_gone(cluster, limit).await;
    refused?;
    namespace?;
    let names: Vec<_> = volumes.iter().map(ResourceExt::name_any).collect();
    volumes_gone(cluster, &names, limit).await
}

async fn of_the_test(cluster: &Cluster) -> Result<Vec<PersistentVolume>, StorageError> {
    let volumes = cluster.list::<PersistentVolume>(None, "").await;
    let volumes = volumes.map_err(StorageError::while_(DOING))?;
    Ok(volumes.into_iter().filter(guard::is_of_the_test).collect())
}

/// Changes the policy of those that are kept; the server refuses it for one that changed since.
async fn release(cluster: &Cluster, volumes: &[PersistentVolume]) -> Result<(), StorageError> {
    let mut result = Ok(());
    for volume in volumes {
        let released = match guard::releasable(volume) {
            Ok(Release::GoesByItself) => Ok(()),
            Ok(Release::Flip(patch)) => flip(cluster, &patch).await,
            Err(refused) => Err(StorageError::Refused(refused)),
        };
        result = result.and(released);
    }
    result
}

async fn flip(cluster: &Cluster, patch: &guard::VolumePatch) -> Result<(), StorageError> {
    match cluster
        .patch_exactly::<PersistentVolume>(patch.volume(), patch.operations())
        .await
    {
        // It went in between.
        Ok(()) | Err(ClusterError::Missing { .. }) => Ok(()),
        Err(source) => Err(StorageError::while_(DOING)(source)),
    }
}

async fn namespace_gone(cluster: &Cluster, limit: Duration) -> Result<(), StorageError> {
    let deleted = cluster.delete::<Namespace>(None, STORAGE_SMOKE).await;
    deleted.map_err(StorageError::while_(DOING))?;
    gone::<Namespace>(cluster, &[STORAGE_SMOKE], limit).await
}

/// The provisioner takes a volume away with its data. One that it leaves is deleted itself, if it still
/// is the test's.
async fn volumes_gone(cluster: &Cluster, names: &[String], limit: Duration) -> Result<(), StorageError> {
    if names.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    match gone::<PersistentVolume>(cluster, &names, limit).await {
        Err(StorageError::Stuck { .. }) => {}
        result => return result,
    }
    let left = of_the_test(cluster).await?;
    for volume in &left {
        delete(cluster, volume).await?;
    }
    gone::<PersistentVolume>(cluster, &names, limit.min(AFTER_DELETE)).await
}

async fn delete(cluster: &Cluster, volume: &PersistentVolume) -> Result<(), StorageError> {
    match guard::releasable(volume).map_err(StorageError::Refused)? {
        Release::GoesByItself => {
            let deleted = cluster.delete_seen(volume).await;
            deleted.map_err(StorageError::while_(DOING))
        }
        // Somebody changed it back: it is not ours to delete.
        Release::Flip(patch) => Err(StorageError::Refused(guard::Refused::Policy {
            volume: patch.volume().to_owned(),
            policy: "Retain".to_owned(),
        })),
    }
}

/// Waits until none of these is there; names the first that stays, and what holds it.
async fn gone<K>(cluster: &Cluster, names: &[&str], limit: Duration) -> Result<(), StorageError>
where
    K: kube::Resource<DynamicType = ()>,
{
    let resource = ApiResource::erase::<K>(&());
    let wait = Wait {
        resource: &resource,
        namespace: None,
        names,
        limit,
    };
    match cluster.wait_until(&wait, absent).await {
        Err(ClusterError::NotReached { attempt, limit, last }) => Err(StorageError::Stuck {
            what: format!("{} {}", attempt.kind, attempt.name),
            limit,
            why: last,
        }),
        result => result.map_err(StorageError::while_(DOING)),
    }
}

fn absent(live: Option<&DynamicObject>) -> Judgement {
    live.map_or(Judgement::Reached, |live| Judgement::Waiting(holders(live)))
}

/// What keeps an object from going, as far as it says.
fn holders(object: &DynamicObject) -> String {
    let metadata = object.metadata.finalizers.iter().flatten().map(String::as_str);
    let spec = object
        .data
        .pointer("/spec/finalizers")
        .and_then(|list| list.as_array());
    let spec = spec.into_iter().flatten().filter_map(|value| value.as_str());
    let finalizers: Vec<_> = metadata.chain(spec).collect();
    let conditions = object
        .data
        .pointer("/status/conditions")
        .and_then(|list| list.as_array());
    let reasons = conditions.into_iter().flatten();
    let reasons = reasons.filter(|condition| condition["status"] == "True");
    let reasons: Vec<_> = reasons
        .filter_map(|condition| condition["message"].as_str())
        .collect();
    let phase = object
        .data
        .pointer("/status/phase")
        .and_then(|phase| phase.as_str());
    let mut text = match finalizers.as_slice() {
        [] => "no finalizer holds it".to_owned(),
        finalizers => format!("finalizers {}", finalizers.join(", ")),
    };
    if let Some(phase) = phase {
        text = format!("{phase}; {text}");
    }
    if !reasons.is_empty() {
        text = format!("{text}; {}", reasons.join("; "));
    }
    text
}
