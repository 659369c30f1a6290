//! The storage test: a claim, a Job that writes and reads back, and the proof that it did.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject};
use serde_json::{Value, json};

use super::error::StorageError;
use super::excerpt::excerpt;
use super::guard;
use super::settings::{Images, Limits};
use super::wanted;
use crate::cluster::{Cluster, ClusterError, Judgement, ManifestError, Owner, Wait};
use crate::names::{namespace::STORAGE_SMOKE, object::STORAGE_CLASS};
use crate::process::chain;

const CLAIM: &str = "storage-smoke-pvc";
const JOB: &str = "storage-smoke";
/// As much of the Job's log as is read.
const LOG_LINES: i64 = 50;
const LOG_BYTES: i64 = 16 * 1024;
const DOING: &str = "testing storage";
const SCRIPT: &str = "set -eu; echo alga > /data/smoke; sync; test \"$(cat /data/smoke)\" = alga; \
                      echo \"written and read back\"";

/// Runs the test in a namespace that does not exist yet. The caller cleans up, whatever comes of it.
pub(super) async fn run(cluster: &Cluster, images: &Images, limits: &Limits) -> Result<(), StorageError> {
    let namespace = wanted::smoke_namespace().map_err(StorageError::Defective)?;
    let failed = StorageError::while_(DOING);
    let applied = cluster.apply_dynamic(Owner::Storage, &namespace.resource, &namespace.object);
    applied.await.map_err(&failed)?;
    cluster.create(Owner::Storage, &claim()?).await.map_err(&failed)?;
    cluster
        .create(Owner::Storage, &job(images)?)
        .await
        .map_err(&failed)?;
    completed(cluster, limits).await?;
    check_volume(cluster).await?;
    let log = log(cluster).await.map_err(|error| StorageError::TestFailed {
        reason: format!("its log cannot be read: {}", chain(&error)),
        log: String::new(),
    })?;
    tracing::debug!(log, "the storage test passed");
    Ok(())
}

/// The Job's end. Its claim being bound is part of it: the deadline of that comes first.
async fn completed(cluster: &Cluster, limits: &Limits) -> Result<(), StorageError> {
    match wait_for_job(cluster, limits.bound).await {
        Err(ClusterError::NotReached { .. }) => {}
        result => return judged(cluster, result).await,
    }
    if let Some(reason) = unbound(cluster).await.map_err(StorageError::while_(DOING))? {
        let limit = limits.bound;
        return Err(StorageError::NotBound { limit, reason });
    }
    judged(cluster, wait_for_job(cluster, limits.job).await).await
}

async fn wait_for_job(cluster: &Cluster, limit: Duration) -> Result<(), ClusterError> {
    let resource = ApiResource::erase::<Job>(&());
    let wait = Wait {
        resource: &resource,
        namespace: Some(STORAGE_SMOKE),
        names: &[JOB],
        limit,
    };
    cluster.wait_until(&wait, finished).await
}

/// What a Job shows. One failed pod is the end: it is not tried again.
fn finished(job: Option<&DynamicObject>) -> Judgement {
    let Some(job) = job else {
        return Judgement::Waiting("the Job does not exist".to_owned());
    };
    let conditions = job.data.pointer("/status/conditions").and_then(Value::as_array);
    let holds = |kind: &str| {
        let mut all = conditions.into_iter().flatten();
        all.find(|condition| condition["type"] == kind && condition["status"] == "True")
    };
    if holds("Complete").is_some() {
        return Judgement::Reached;
    }
    match holds("Failed").or_else(|| holds("FailureTarget")) {
        Some(condition) => {
            Judgement::Failed(condition["message"].as_str().unwrap_or("no message").to_owned())
        }
        None => Judgement::Waiting("the Job runs".to_owned()),
    }
}

async fn judged(cluster: &Cluster, result: Result<(), ClusterError>) -> Result<(), StorageError> {
    match result {
        Err(ClusterError::Failed { reason, .. }) => Err(StorageError::TestFailed {
            reason,
            // The failure is what counts; a log that cannot be read leaves a gap in it.
            log: log(cluster).await.unwrap_or_default(),
        }),
        Err(ClusterError::NotReached { limit, last, .. }) => {
            let seen = pods_in_words(cluster).await.unwrap_or_default();
            let last = if seen.is_empty() {
                last
            } else {
                format!("{last}: {seen}")
            };
            let what = "the storage test's Job";
            Err(StorageError::NotReached { what, limit, last })
        }
        result => result.map_err(StorageError::while_(DOING)),
    }
}

/// Why the claim has no volume; `None` when it has.
async fn unbound(cluster: &Cluster) -> Result<Option<String>, ClusterError> {
    let claim: Option<PersistentVolumeClaim> = cluster.get(Some(STORAGE_SMOKE), CLAIM).await?;
    let phase = claim.and_then(|claim| claim.status?.phase);
    if phase.as_deref() == Some("Bound") {
        return Ok(None);
    }
    let phase = phase.unwrap_or_else(|| "it has no status".to_owned());
    let pods = pods_in_words(cluster).await.unwrap_or_default();
    Ok(Some(if pods.is_empty() {
        phase
    } else {
        format!("{phase}; {pods}")
    }))
}

/// The volume that was written to is the claim's own.
async fn check_volume(cluster: &Cluster) -> Result<(), StorageError> {
    let failed = StorageError::while_(DOING);
    let claim: Option<PersistentVolumeClaim> =
        cluster.get(Some(STORAGE_SMOKE), CLAIM).await.map_err(&failed)?;
    let name = claim
        .and_then(|claim| claim.spec?.volume_name)
        .filter(|name| !name.is_empty());
    let nothing = |what: &str| StorageError::TestFailed {
        reason: format!("the Job is complete and {what}"),
        log: String::new(),
    };
    let name = name.ok_or_else(|| nothing("its claim names no volume"))?;
    let volume: Option<PersistentVolume> = cluster.get(None, &name).await.map_err(&failed)?;
    let volume = volume.ok_or_else(|| nothing("the volume of its claim is not there"))?;
    guard::releasable(&volume)
        .map(drop)
        .map_err(StorageError::Refused)
}

async fn log(cluster: &Cluster) -> Result<String, ClusterError> {
    let pods: Vec<Pod> = pods(cluster).await?;
    let Some(pod) = pods.last() else {
        return Ok(String::new());
    };
    let name = pod.name_any();
    let log = cluster
        .log_tail(STORAGE_SMOKE, &name, LOG_LINES, LOG_BYTES)
        .await?;
    Ok(excerpt(&log))
}

async fn pods(cluster: &Cluster) -> Result<Vec<Pod>, ClusterError> {
    cluster
        .list(Some(STORAGE_SMOKE), &format!("job-name={JOB}"))
        .await
}

/// What the test's pods wait for, as they say themselves.
async fn pods_in_words(cluster: &Cluster) -> Result<String, ClusterError> {
    let words = pods(cluster).await?.into_iter().filter_map(|pod| {
        let status = pod.status?;
        let containers = status.container_statuses.into_iter().flatten();
        let waiting = containers.filter_map(|container| container.state?.waiting);
        let waiting = waiting.filter_map(|waiting| {
            Some(format!(
                "{}: {}",
                waiting.reason?,
                waiting.message.unwrap_or_default()
            ))
        });
        let conditions = status.conditions.into_iter().flatten();
        let unmet = conditions.filter(|condition| condition.status == "False");
        let unmet = unmet.filter_map(|condition| condition.message);
        waiting.chain(unmet).next()
    });
    Ok(excerpt(&words.collect::<Vec<_>>().join("\n")))
}

fn claim() -> Result<PersistentVolumeClaim, StorageError> {
    object(json!({
        "metadata": {"name": CLAIM, "namespace": STORAGE_SMOKE},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": STORAGE_CLASS,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }))
}

fn job(images: &Images) -> Result<Job, StorageError> {
    object(json!({
        "metadata": {"name": JOB, "namespace": STORAGE_SMOKE},
        "spec": {
            "backoffLimit": 0,
            "template": {"spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": false,
                "containers": [{
                    "name": "smoke",
                    "image": images.helper.as_str(),
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["sh", "-c", SCRIPT],
                    "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                }],
                "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": CLAIM}}],
            }},
        },
    }))
}

fn object<K: serde::de::DeserializeOwned>(value: Value) -> Result<K, StorageError> {
    let defective = |source| StorageError::Defective(ManifestError::NotAnObject { number: 1, source });
    serde_json::from_value(value).map_err(defective)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_failed_as_soon_as_it_says_so() {
        let job = |kind: &str| {
            serde_json::from_value(json!({
                "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": JOB},
                "status": {"conditions": [{"type": kind, "status": "True", "message": "why"}]},
            }))
            .unwrap()
        };
        assert_eq!(finished(Some(&job("Complete"))), Judgement::Reached);
        for failed in ["Failed", "FailureTarget"] {
            assert_eq!(finished(Some(&job(failed))), Judgement::Failed("why".to_owned()));
        }
        assert!(matches!(finished(Some(&job("Suspended"))), Judgement::Waiting(_)));
        assert!(matches!(finished(None), Judgement::Waiting(_)));
    }

    #[test]
    fn the_objects_of_the_test_are_what_the_api_takes() {
        assert_eq!(claim().unwrap().name_any(), CLAIM);
        assert_eq!(
            job(&Images::default()).unwrap().spec.unwrap().backoff_limit,
            Some(0)
        );
    }
}
