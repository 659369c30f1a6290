//! Waiting for a condition: watched, never slept for, with a deadline and the last thing seen.

use std::time::Duration;

use futures::StreamExt;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watch_object};
use tokio::time::{Instant, timeout_at};

use super::call::classify;
use super::read::attempt;
use super::{Attempt, Cluster, ClusterError};

/// What an object shows of the condition that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It holds.
    Reached,
    /// Not yet; why.
    Waiting(String),
    /// It can no longer come about; why.
    Failed(String),
}

/// A wait on one object.
#[derive(Debug, Clone)]
pub struct Wait<'a> {
    /// The object's kind.
    pub resource: &'a ApiResource,
    /// Its namespace, if it has one.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
    /// How long at most.
    pub limit: Duration,
}

impl Cluster {
    /// Waits until `judge` says that the object (`None`: absent) is as it should be.
    ///
    /// # Errors
    /// [`ClusterError::NotReached`] at the deadline with the last reason, [`ClusterError::Failed`] as
    /// soon as `judge` says so, [`ClusterError::Forbidden`] when the object may not be watched.
    pub async fn wait_until(
        &self,
        wait: &Wait<'_>,
        judge: impl Fn(Option<&DynamicObject>) -> Judgement + Send,
    ) -> Result<(), ClusterError> {
        let deadline = Instant::now() + wait.limit;
        let attempt = attempt("waiting for", wait.resource, wait.namespace, wait.name);
        let first = self.get_dynamic(wait.resource, wait.namespace, wait.name).await?;
        let last = match judge(first.as_ref()) {
            Judgement::Reached => return Ok(()),
            Judgement::Failed(reason) => return Err(ClusterError::Failed { attempt, reason }),
            Judgement::Waiting(last) => last,
        };
        self.meter
            .waiting(self.watch_until(wait, deadline, last, judge))
            .await
    }

    async fn watch_until(
        &self,
        wait: &Wait<'_>,
        deadline: Instant,
        mut last: String,
        judge: impl Fn(Option<&DynamicObject>) -> Judgement + Send,
    ) -> Result<(), ClusterError> {
        let attempt = attempt("waiting for", wait.resource, wait.namespace, wait.name);
        let api = self.api(wait.resource, wait.namespace);
        // The watcher lists once and then watches.
        self.meter.count_request();
        self.meter.count_request();
        let mut changes = std::pin::pin!(watch_object(api, wait.name).default_backoff());
        loop {
            let seen = match timeout_at(deadline, changes.next()).await {
                Ok(Some(Ok(seen))) => seen,
                Ok(Some(Err(error))) => match forbidden(&attempt, error) {
                    Ok(error) => return Err(error),
                    Err(text) => {
                        last = text;
                        continue;
                    }
                },
                Ok(None) | Err(_) => {
                    return Err(ClusterError::NotReached {
                        attempt,
                        limit: wait.limit,
                        last,
                    });
                }
            };
            match judge(seen.as_ref()) {
                Judgement::Reached => return Ok(()),
                Judgement::Failed(reason) => {
                    return Err(ClusterError::Failed { attempt, reason });
                }
                Judgement::Waiting(reason) => last = reason,
            }
        }
    }
}

/// A watch error that no waiting mends, or else the words of one that passes.
fn forbidden(attempt: &Attempt, error: watcher::Error) -> Result<ClusterError, String> {
    let text = crate::process::chain(&error);
    let (watcher::Error::InitialListFailed(cause)
    | watcher::Error::WatchStartFailed(cause)
    | watcher::Error::WatchFailed(cause)) = error
    else {
        return Err(text);
    };
    match classify(attempt, cause) {
        refused @ ClusterError::Forbidden { .. } => Ok(refused),
        _ => Err(text),
    }
}
