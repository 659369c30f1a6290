//! Plays Flux's source-controller for OCI repositories: fetches the artifact, keeps it, serves it as
//! kustomize-controller expects it and says so in the status.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use bytes::Bytes;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use kube::{Resource, ResourceExt};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::status::{self, Condition};
use super::{REQUESTED_AT, RETRY_AFTER, StandIn, annotation, http, resource};
use crate::apply;
use crate::cluster::client_of;

mod pull;

use pull::{PullError, Puller};

/// Artifacts by the path they are served at.
type Store = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// What is read of an `OCIRepository`.
#[derive(Debug, Deserialize)]
struct Spec {
    url: String,
    #[serde(rename = "ref", default)]
    reference: Reference,
    #[serde(default)]
    insecure: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Reference {
    digest: Option<String>,
    tag: Option<String>,
}

/// The running player; dropping it ends it, and what it served is no longer there.
#[derive(Debug)]
pub struct SourceController {
    _controller: StandIn,
    _server: StandIn,
}

impl SourceController {
    /// Starts it on the cluster of a kubeconfig. It reconciles what is new, what changed, what a
    /// `reconcile.fluxcd.io/requestedAt` asks for, and a second later what failed.
    ///
    /// # Errors
    /// No port can be listened on, or the kubeconfig cannot be used.
    pub async fn start(kubeconfig: &Path) -> Result<Self> {
        let store = Store::default();
        let artifacts = store.clone();
        let answer = move |path: &str| match lock(&artifacts).get(path.trim_start_matches('/')) {
            Some(artifact) => http::respond(200, artifact.clone()),
            None => http::respond(404, Bytes::new()),
        };
        let (address, server) = http::serve(Arc::new(answer)).await?;
        let player = Arc::new(Player {
            client: client_of(kubeconfig).await?,
            puller: Puller::new()?,
            store,
            base: format!("http://{address}"),
            failed: Mutex::default(),
        });
        let controller = StandIn::looking("source-controller", move || {
            let player = player.clone();
            async move { player.look().await }
        });
        Ok(Self {
            _controller: controller,
            _server: server,
        })
    }
}

struct Player {
    client: Client,
    puller: Puller,
    store: Store,
    base: String,
    /// When each object failed last, by uid.
    failed: Mutex<BTreeMap<String, Instant>>,
}

impl Player {
    async fn look(&self) -> Result<()> {
        let kind = resource(
            "source.toolkit.fluxcd.io",
            "v1",
            "OCIRepository",
            "ocirepositories",
        );
        for object in apply::api(&self.client, &kind, None)
            .list(&ListParams::default())
            .await?
            .items
        {
            let uid = object.uid().unwrap_or_default();
            let failed = lock(&self.failed).get(&uid).copied();
            let rested = failed.is_some_and(|at| at.elapsed() >= RETRY_AFTER);
            if is_suspended(&object) || !(rested || is_due(&object)) {
                continue;
            }
            let api = apply::api(&self.client, &kind, object.meta().namespace.as_deref());
            let ready = self.reconcile(&api, &object).await?;
            if ready {
                lock(&self.failed).remove(&uid);
            } else {
                lock(&self.failed).insert(uid, Instant::now());
            }
        }
        Ok(())
    }

    /// Fetches and publishes; gives whether the object is ready now.
    async fn reconcile(&self, api: &Api<DynamicObject>, object: &DynamicObject) -> Result<bool> {
        let name = object.name_any();
        let fetched = match serde_json::from_value::<Spec>(object.data["spec"].clone()) {
            Ok(spec) => self.puller.pull(&spec).await,
            Err(error) => Err(PullError::url(error.to_string())),
        };
        let (status, ready) = match fetched {
            Ok(artifact) => {
                let path = format!(
                    "ocirepository/{}/{name}/{}.tar.gz",
                    object.namespace().unwrap_or_default(),
                    artifact.revision.replace(['@', ':'], "_"),
                );
                let status = stored(object, &self.base, &path, &artifact);
                lock(&self.store).insert(path, artifact.content);
                (status, true)
            }
            Err(error) => (failed(object, &error), false),
        };
        status::merge(api, &name, status).await?;
        Ok(ready)
    }
}

/// Whether the object changed, or was asked to reconcile, since its status was written.
fn is_due(object: &DynamicObject) -> bool {
    let status = &object.data["status"];
    let seen = status["observedGeneration"].as_i64() == object.metadata.generation;
    let handled = status["lastHandledReconcileAt"].as_str().unwrap_or_default();
    !seen || annotation(object, REQUESTED_AT) != handled
}

fn is_suspended(object: &DynamicObject) -> bool {
    object.data["spec"]["suspend"] == true
}

fn stored(object: &DynamicObject, base: &str, path: &str, artifact: &pull::Artifact) -> Value {
    let message = format!("stored artifact for digest '{}'", artifact.revision);
    let condition = |kind| Condition {
        kind,
        status: "True",
        reason: "Succeeded",
        message: &message,
    };
    let url = format!("{base}/{path}");
    json!({
        "conditions": status::conditions(object, &[condition("Ready"), condition("ArtifactInStorage")]),
        "observedGeneration": object.metadata.generation,
        "lastHandledReconcileAt": annotation(object, REQUESTED_AT),
        "url": url,
        "artifact": {
            "url": url,
            "path": path,
            "revision": artifact.revision,
            "digest": artifact.digest,
            "size": artifact.content.len(),
            "lastUpdateTime": appliance_common::clock::Clock::system()
                .now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
        },
    })
}

/// A failure keeps the artifact that is there.
fn failed(object: &DynamicObject, error: &PullError) -> Value {
    let condition = |kind, status| Condition {
        kind,
        status,
        reason: error.reason,
        message: &error.message,
    };
    json!({
        "conditions": status::conditions(object, &[condition("Ready", "False"), condition("FetchFailed", "True")]),
        "observedGeneration": object.metadata.generation,
        "lastHandledReconcileAt": annotation(object, REQUESTED_AT),
    })
}

/// Nothing panics while holding these locks, and a map is whole at any moment.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
