//! Restarting a workload of the application: its pods are made anew, one after the other, by the annotation
//! that `kubectl rollout restart` sets.

use appliance_common::host::lock_appliance;
use appliance_common::names::namespace::MSP;
use appliance_common::state_file::LockError;
use k8s_openapi::api::apps::v1::Deployment;
use serde_json::json;

use super::{Lane, ReadError, Workloads};

/// The Deployments that may be restarted, all in namespace `msp`. Database and cache are not among them:
/// they hold data, and nothing is mended by it.
pub const RESTARTABLE: [&str; 6] = [
    "alga-core-sebastian",
    "pgbouncer",
    "temporal",
    "workflow-worker",
    "email-service",
    "temporal-worker",
];

/// <https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-restart-at>
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// A restart that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarted {
    /// The Deployment.
    pub name: &'static str,
    /// When, as its pods say.
    pub at: String,
}

/// Why a workload was not restarted.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// It is none of those that may be.
    #[error("not a workload that may be restarted")]
    NotAllowed,
    /// Setup, an update or a repair works on this appliance.
    #[error("the appliance is being changed")]
    Busy(#[source] LockError),
    /// It is not installed.
    #[error("there is no Deployment {0}")]
    Absent(&'static str),
    /// Whoever paused it would be overruled, or nothing would happen.
    #[error("Deployment {0} is paused")]
    Paused(&'static str),
    /// The cluster gave no answer.
    #[error("restarting a workload")]
    Cluster(#[from] ReadError),
}

impl Workloads {
    /// Restarts the Deployment `name` of `namespace`; returns once the cluster has taken it.
    ///
    /// # Errors
    /// [`RestartError`]; nothing was changed, unless it is [`RestartError::Cluster`].
    pub async fn restart(&self, namespace: &str, name: &str) -> Result<Restarted, RestartError> {
        let known = RESTARTABLE.into_iter().find(|known| *known == name);
        let name = known
            .filter(|_| namespace == MSP)
            .ok_or(RestartError::NotAllowed)?;
        let note = format!("restart of {name} (control plane, pid {})", std::process::id());
        let _lock = lock_appliance(&self.0.settings.lock_file, &note).map_err(RestartError::Busy)?;
        let at = self.0.clock.now().to_string();
        let change = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at}}}}});
        let found = self
            .asking(Lane::Change, async |cluster| {
                let Some(found) = cluster.get::<Deployment>(Some(MSP), name).await? else {
                    return Ok(Found::Nothing);
                };
                if found.spec.is_some_and(|spec| spec.paused == Some(true)) {
                    return Ok(Found::Paused);
                }
                cluster.merge::<Deployment>(Some(MSP), name, &change).await?;
                Ok(Found::Restarted)
            })
            .await?;
        match found {
            Found::Nothing => Err(RestartError::Absent(name)),
            Found::Paused => Err(RestartError::Paused(name)),
            Found::Restarted => Ok(Restarted { name, at }),
        }
    }
}

enum Found {
    Nothing,
    Paused,
    Restarted,
}
