//! Players of what cannot be had or is not wanted here: two Flux controllers, the volume provisioner and
//! the application's web page.
//!
//! Each is a task on the runtime it was started on and ends with its handle. The ones that reconcile look
//! at the cluster a few times a second: their definitions may not exist yet, and may come and go.

use std::future::Future;
use std::time::Duration;

use anyhow::Result;
use kube::api::{ApiResource, DynamicObject};
use tokio::task::AbortHandle;

pub mod helm_controller;
pub mod kustomize_controller;
pub mod license_service;
pub mod provisioner;
pub mod source_controller;
pub mod systemd;
pub mod web;

mod http;
mod status;

/// How often a stand-in looks at its objects.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How soon it tries again what failed. Flux waits longer; tests should not.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Annotation by which a reconciliation is asked for.
const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// A running stand-in; dropping it ends it.
#[derive(Debug)]
#[must_use = "a stand-in ends when it is dropped"]
pub struct StandIn(AbortHandle);

impl StandIn {
    fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(task).abort_handle())
    }

    /// Runs a look at the cluster again and again. A look that fails changes nothing and is repeated.
    fn looking<F, Look>(name: &'static str, mut look: F) -> Self
    where
        F: FnMut() -> Look + Send + 'static,
        Look: Future<Output = Result<()>> + Send,
    {
        Self::spawn(async move {
            loop {
                if let Err(error) = look().await {
                    tracing::debug!(name, error = format!("{error:#}"), "a stand-in could not look");
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        })
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A kind by its names, for APIs that have no Rust type here.
fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: format!("{group}/{version}"),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    }
}

/// An annotation, empty when absent.
fn annotation<'a>(object: &'a DynamicObject, name: &str) -> &'a str {
    object
        .metadata
        .annotations
        .as_ref()
        .and_then(|all| all.get(name))
        .map_or("", String::as_str)
}
