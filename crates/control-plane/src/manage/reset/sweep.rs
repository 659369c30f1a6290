//! Taking away what a killed process left of a reset: under the appliance's lock nobody is at work on it.

use std::time::Duration;

use appliance_common::clock::iso_millis;
use appliance_common::cluster::{Cluster, ClusterError};
use appliance_common::names::namespace;
use appliance_common::process::chain;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;

use super::ResetState;
use super::objects::{self, SELECTOR};
use crate::manage::Manage;

/// Age at which anything goes, whatever it seems to be doing.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(10);
/// Pause between two sweeps, while there is something to wait for.
const PAUSE: Duration = Duration::from_secs(20);

/// What is left after a sweep.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Swept {
    running: usize,
}

impl Swept {
    /// Whether nothing is.
    pub(super) fn is_clean(&self) -> bool {
        self.running == 0
    }
}

/// What a Job of a reset is.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing comes of it any more: it goes, and it ended so.
    Over(ResetState),
    /// It may be changing the password.
    Running,
}

impl Manage {
    /// Sweeps until nothing is left.
    pub(in crate::manage) async fn sweep_resets(self) {
        if self.has_no_release().await {
            return;
        }
        loop {
            match self.sweep_once().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(error = chain(&error), "what a password reset left was not swept");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether nothing is left. The lock is taken only when there is something to do.
    async fn sweep_once(&self) -> Result<bool, ClusterError> {
        let cluster = self.cluster().await?;
        if jobs(cluster).await?.is_empty() && secrets(cluster).await?.is_empty() {
            return Ok(true);
        }
        let Ok(_lock) = self.lock("password reset clean-up") else {
            return Ok(false);
        };
        Ok(self.sweep(cluster).await?.is_clean())
    }

    /// Takes away what nobody works on any more. The caller holds the lock.
    pub(super) async fn sweep(&self, cluster: &Cluster) -> Result<Swept, ClusterError> {
        let now = self.0.clock.now();
        let mut running = Vec::new();
        for job in jobs(cluster).await? {
            match judge(&job, now) {
                Found::Running => running.push(job.name_any()),
                Found::Over(state) => {
                    tracing::info!(
                        job = job.name_any(),
                        ?state,
                        "removing what a password reset left"
                    );
                    remove::<Job>(cluster, &job).await?;
                    let created = created(&job.metadata).map(iso_millis);
                    self.0.resets.left_over(state, created.unwrap_or_default());
                }
            }
        }
        for secret in secrets(cluster).await? {
            let is_old = created(&secret.metadata).is_none_or(|at| now.duration_since(at) >= MAX_AGE);
            if is_old || !running.contains(&secret.name_any()) {
                remove::<Secret>(cluster, &secret).await?;
            }
        }
        Ok(Swept {
            running: running.len(),
        })
    }
}

async fn remove<K>(cluster: &Cluster, object: &K) -> Result<(), ClusterError>
where
    K: kube::Resource<DynamicType = ()>,
{
    let uid = object.meta().uid.as_deref().unwrap_or_default();
    cluster
        .delete_exactly::<K>(namespace::MSP, &object.name_any(), uid)
        .await
}

async fn jobs(cluster: &Cluster) -> Result<Vec<Job>, ClusterError> {
    cluster.list(Some(namespace::MSP), SELECTOR).await
}

async fn secrets(cluster: &Cluster) -> Result<Vec<Secret>, ClusterError> {
    cluster.list(Some(namespace::MSP), SELECTOR).await
}

fn created(meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Option<Timestamp> {
    meta.creation_timestamp.as_ref().map(|time| time.0)
}

/// A Job that is suspended was never let go, and nobody is there who would.
fn judge(job: &Job, now: Timestamp) -> Found {
    let status = serde_json::to_value(&job.status).unwrap_or_default();
    if let Some(state) = objects::end(&status) {
        return Found::Over(state);
    }
    if job.spec.as_ref().and_then(|spec| spec.suspend) == Some(true) {
        return Found::Over(ResetState::Failed);
    }
    match created(&job.metadata) {
        Some(at) if now.duration_since(at) < MAX_AGE => Found::Running,
        Some(_) | None => Found::Over(ResetState::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_young_job_that_was_let_go_may_still_be_at_work() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let job = |created: &str, suspend: bool, condition: Option<&str>| -> Job {
            let conditions: Vec<_> = condition
                .iter()
                .map(|kind| json!({"type": kind, "status": "True"}))
                .collect();
            serde_json::from_value(json!({
                "metadata": {"creationTimestamp": created},
                "spec": {"suspend": suspend, "template": {}}, "status": {"conditions": conditions},
            }))
            .unwrap()
        };
        let (young, old) = ("2026-06-01T11:59:00Z", "2026-06-01T11:50:00Z");
        for (found, expected) in [
            (job(young, false, None), Found::Running),
            (
                job(young, true, Some("Suspended")),
                Found::Over(ResetState::Failed),
            ),
            (
                job(young, false, Some("Complete")),
                Found::Over(ResetState::Succeeded),
            ),
            (job(young, false, Some("Failed")), Found::Over(ResetState::Failed)),
            (job(old, false, None), Found::Over(ResetState::Unknown)),
        ] {
            assert_eq!(judge(&found, now), expected, "{found:?}");
        }
    }
}
