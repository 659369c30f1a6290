//! One reset: checks, objects in their order, the wait, and taking everything away.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError, Created, Judgement, Owner, Wait};
use appliance_common::names::{APPLICATION, namespace};
use appliance_common::process::chain;
use appliance_common::state_file::FileLock;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ApiResource, DynamicObject};
use serde_json::json;
use tokio::sync::oneshot;

use super::board::Turn;
use super::objects::{self, NAME, Whose};
use super::{NewPassword, ResetError, ResetState, ResetView};
use crate::manage::Manage;
use crate::manage::cluster_view::{administrator, tenant};

/// How long the Job is waited for: its own deadline and some more.
const WAIT_LIMIT: Duration = Duration::from_secs(150);

/// A reset that was begun.
#[derive(Debug)]
pub struct Started {
    /// How it goes.
    pub view: ResetView,
    /// How it ended, once it has, and everything it made is taken away.
    pub ended: oneshot::Receiver<ResetState>,
}

impl Manage {
    /// Begins a reset; returns once the application's Job was let go. The rest is seen through whoever stops
    /// waiting, and shown by [`Manage::reset_view`].
    ///
    /// # Errors
    /// [`ResetError`]; nothing is left then of what was made.
    pub async fn reset_password(&self, password: NewPassword) -> Result<Started, ResetError> {
        let turn = self.0.resets.begin()?;
        let lock = self.lock("password reset").map_err(ResetError::Busy)?;
        let (tell, told) = oneshot::channel();
        let manage = self.clone();
        tokio::spawn(async move { manage.carry_out(password, (turn, lock), tell).await });
        told.await.map_err(|_| ResetError::Ending)?
    }

    /// The last reset, or the one under way.
    #[must_use]
    pub fn reset_view(&self) -> Option<ResetView> {
        self.0.resets.view()
    }

    async fn carry_out(
        self,
        password: NewPassword,
        (turn, lock): (Turn, FileLock),
        tell: oneshot::Sender<Result<Started, ResetError>>,
    ) {
        let begun = self.begin(&password, &turn).await;
        drop(password);
        let (cluster, made) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "the administrator's password was not reset"
                );
                let _ = tell.send(Err(error));
                return;
            }
        };
        let (end, ended) = oneshot::channel();
        let view = turn.began();
        // Nobody may be waiting any more.
        let _ = tell.send(Ok(Started { view, ended }));
        let state = outcome(&cluster).await;
        if !made.remove(&cluster).await {
            self.beside(Self::sweep_resets);
        }
        turn.ended(state);
        drop((turn, lock));
        let _ = end.send(state);
    }

    async fn begin(&self, password: &NewPassword, turn: &Turn) -> Result<(Cluster, Made), ResetError> {
        let cluster = self.cluster().await.map_err(ResetError::Cluster)?.clone();
        let whose = whose(&cluster).await?;
        // What an earlier one left; a Job that still runs is one that is under way.
        if !self
            .sweep(&cluster)
            .await
            .map_err(ResetError::Cluster)?
            .is_clean()
        {
            return Err(ResetError::Running);
        }
        let application: Option<Deployment> = cluster
            .get(Some(namespace::MSP), APPLICATION)
            .await
            .map_err(ResetError::Cluster)?;
        let job = application
            .as_ref()
            .and_then(objects::job)
            .ok_or(ResetError::NoApplication)?;
        let job = match cluster
            .create(Owner::Manage, &job)
            .await
            .map_err(ResetError::Cluster)?
        {
            Created::Made(job) => job,
            Created::Existed(_) => return Err(ResetError::Running),
        };
        turn.count().await;
        let mut made = Made {
            job: job.metadata.uid.unwrap_or_default(),
            secret: None,
        };
        match let_go(&cluster, &mut made, &whose, password).await {
            Ok(()) => Ok((cluster, made)),
            Err(error) => {
                if !made.remove(&cluster).await {
                    self.beside(Self::sweep_resets);
                }
                Err(ResetError::Cluster(error))
            }
        }
    }
}

/// What a reset has made, by uid.
struct Made {
    job: String,
    secret: Option<String>,
}

impl Made {
    /// Takes it away; whether that went well.
    async fn remove(&self, cluster: &Cluster) -> bool {
        let mut clean = true;
        // The Secret first: it is what must not stay.
        if let Some(secret) = &self.secret {
            clean &= removed(
                &cluster
                    .delete_exactly::<Secret>(namespace::MSP, NAME, secret)
                    .await,
            );
        }
        clean
            & removed(
                &cluster
                    .delete_exactly::<Job>(namespace::MSP, NAME, &self.job)
                    .await,
            )
    }
}

fn removed(result: &Result<(), ClusterError>) -> bool {
    if let Err(error) = result {
        tracing::warn!(
            error = chain(error),
            "something of a password reset is left; it is swept later"
        );
    }
    result.is_ok()
}

/// The Secret, then the Job may run.
async fn let_go(
    cluster: &Cluster,
    made: &mut Made,
    whose: &Whose,
    password: &NewPassword,
) -> Result<(), ClusterError> {
    let secret = objects::secret(&made.job, whose, password);
    match cluster.create(Owner::Manage, &secret).await? {
        Created::Made(secret) => made.secret = secret.metadata.uid,
        Created::Existed(_) => {
            return Err(ClusterError::Raced {
                name: NAME.to_owned(),
            });
        }
    }
    let change = json!({"metadata": {"uid": made.job}, "spec": {"suspend": false}});
    cluster.merge::<Job>(Some(namespace::MSP), NAME, &change).await
}

async fn whose(cluster: &Cluster) -> Result<Whose, ResetError> {
    let tenant = tenant(cluster).await.map_err(ResetError::Cluster)?;
    let administrator = administrator(tenant.as_ref());
    Ok(Whose {
        email: administrator
            .email
            .ok_or(ResetError::NoAdministrator("the administrator's e-mail address"))?,
        tenant_id: administrator
            .tenant_id
            .ok_or(ResetError::NoAdministrator("the company's id"))?,
    })
}

/// Waits for the end of the Job and reads how it was.
async fn outcome(cluster: &Cluster) -> ResetState {
    let wait = Wait {
        resource: &ApiResource::erase::<Job>(&()),
        namespace: Some(namespace::MSP),
        names: &[NAME],
        limit: WAIT_LIMIT,
    };
    let seen = Mutex::new(None);
    let waited = cluster.wait_until(&wait, |job| judge(job, &seen)).await;
    if let Err(error) = waited {
        tracing::warn!(error = chain(&error), "the end of a password reset was not seen");
    }
    let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    seen.unwrap_or(ResetState::Unknown)
}

fn judge(job: Option<&DynamicObject>, seen: &Mutex<Option<ResetState>>) -> Judgement {
    let Some(job) = job else {
        return Judgement::Failed("the Job is gone".to_owned());
    };
    let Some(state) = objects::end(&job.data["status"]) else {
        return Judgement::Waiting("the Job runs".to_owned());
    };
    *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(state);
    Judgement::Reached
}
