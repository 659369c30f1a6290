//! The two Deployments that must not live side by side, in one watch from the first look to the last:
//! the appliance's provisioner, and the one k3s brings along.

use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher::Event;
use tokio::time::{Instant, timeout_at};

use super::error::StorageError;
use crate::cluster::{Changes, Cluster, Judgement, rolled_out};
use crate::names::{namespace, object};
use crate::process::chain;

/// What can be seen of the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Controllers {
    /// k3s's own exists.
    pub(super) bundled: bool,
    /// Whether the appliance's is rolled out.
    pub(super) ours: Judgement,
}

impl Default for Controllers {
    fn default() -> Self {
        Self {
            bundled: false,
            ours: rolled_out(None),
        }
    }
}

impl Controllers {
    /// The two, of all Deployments of their name.
    pub(super) fn of(deployments: &[DynamicObject]) -> Self {
        let mut seen = Self::default();
        for deployment in deployments {
            seen.take(deployment);
        }
        seen
    }

    fn take(&mut self, deployment: &DynamicObject) {
        match deployment.metadata.namespace.as_deref() {
            Some(namespace::KUBE_SYSTEM) => self.bundled = true,
            Some(namespace::LOCAL_PATH_STORAGE) => self.ours = rolled_out(Some(deployment)),
            _ => {}
        }
    }

    fn lose(&mut self, deployment: &DynamicObject) {
        match deployment.metadata.namespace.as_deref() {
            Some(namespace::KUBE_SYSTEM) => self.bundled = false,
            Some(namespace::LOCAL_PATH_STORAGE) => self.ours = rolled_out(None),
            _ => {}
        }
    }

    /// Whether the appliance's runs and no other does.
    pub(super) fn converged(&self) -> Judgement {
        if self.bundled {
            Judgement::Waiting("kube-system/local-path-provisioner is still there".to_owned())
        } else {
            self.ours.clone()
        }
    }
}

/// The kind that is looked at.
pub(super) fn resource() -> ApiResource {
    ApiResource::erase::<Deployment>(&())
}

/// The name that both have.
pub(super) fn selector() -> String {
    format!("metadata.name={}", object::PROVISIONER)
}

/// The two as they are now.
pub(super) async fn now(cluster: &Cluster) -> Result<Controllers, StorageError> {
    let found = cluster.list_selected(&resource(), &selector()).await;
    let found = found.map_err(StorageError::while_("looking at the storage provisioners"))?;
    Ok(Controllers::of(&found))
}

/// Follows the two.
pub(super) struct Following {
    changes: Changes,
    seen: Option<Controllers>,
    /// A listing that is under way.
    listing: Controllers,
    /// What disturbed the watch, until it has recovered.
    disturbed: Option<String>,
}

impl Following {
    pub(super) fn start(cluster: &Cluster) -> Self {
        Self {
            changes: cluster.changes_of_named(&resource(), object::PROVISIONER),
            seen: None,
            listing: Controllers::default(),
            disturbed: None,
        }
    }

    /// Waits until the appliance's provisioner runs and no other does.
    pub(super) async fn converged(&mut self, limit: Duration) -> Result<(), StorageError> {
        let deadline = Instant::now() + limit;
        loop {
            let last = match self.seen.as_ref().map(Controllers::converged) {
                Some(Judgement::Reached) => return Ok(()),
                Some(Judgement::Waiting(reason) | Judgement::Failed(reason)) => reason,
                None => "nothing was seen of it".to_owned(),
            };
            if timeout_at(deadline, self.next()).await.is_err() {
                return Err(StorageError::NotReached {
                    what: "the storage provisioner",
                    limit,
                    last: self.disturbed.clone().unwrap_or(last),
                });
            }
        }
    }

    /// Whether the appliance's provisioner runs alone before the time is over; an error when that could
    /// not be seen.
    pub(super) async fn is_converged(&mut self, within: Duration) -> Result<bool, StorageError> {
        match self.converged(within).await {
            Ok(()) => Ok(true),
            Err(_) if self.seen.is_some() && self.disturbed.is_none() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Watches for a while that k3s's own does not come back.
    pub(super) async fn settled(&mut self, interval: Duration) -> Result<(), StorageError> {
        match timeout_at(Instant::now() + interval, self.back()).await {
            Ok(error) => Err(error),
            Err(_) => match self.disturbed.clone() {
                None => Ok(()),
                Some(last) => Err(StorageError::NotReached {
                    what: "a look at the storage provisioners",
                    limit: interval,
                    last,
                }),
            },
        }
    }

    /// Ends when k3s's own comes back, and only then.
    pub(super) async fn back(&mut self) -> StorageError {
        while !self.seen.as_ref().is_some_and(|seen| seen.bundled) {
            self.next().await;
        }
        StorageError::BundledBack
    }

    async fn next(&mut self) {
        match self.changes.next().await {
            Some(Ok(event)) => self.take(event),
            Some(Err(error)) => self.disturbed = Some(chain(&error)),
            // The watcher begins anew after every error; its end cannot be.
            None => std::future::pending().await,
        }
    }

    fn take(&mut self, event: Event<DynamicObject>) {
        match event {
            Event::Init => self.listing = Controllers::default(),
            Event::InitApply(deployment) => self.listing.take(&deployment),
            Event::InitDone => self.seen = Some(std::mem::take(&mut self.listing)),
            Event::Apply(deployment) => self.seen.get_or_insert_default().take(&deployment),
            Event::Delete(deployment) => self.seen.get_or_insert_default().lose(&deployment),
        }
        self.disturbed = None;
    }
}
