//! Applies documents of any kind, as `kubectl apply --server-side` would.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use kube::{Client, ResourceExt};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

/// Longest time one object may take, with all tries.
const LIMIT: Duration = Duration::from_secs(30);

/// Pause between two tries.
const RETRY: Duration = Duration::from_millis(200);

/// An object that was applied: where it is.
#[derive(Debug, Clone)]
pub struct Applied {
    /// Its kind's place in the API.
    pub resource: ApiResource,
    /// Its namespace, if its kind has one.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl Applied {
    /// The API of its kind and namespace.
    #[must_use]
    pub fn api(&self, client: &Client) -> Api<DynamicObject> {
        api(client, &self.resource, self.namespace.as_deref())
    }
}

/// Applies every document of a YAML text in its order. Namespaced objects without a namespace go to
/// `namespace`.
///
/// A kind that is not served yet (its definition was applied just now) and an API server that asks to
/// come again later are waited for, half a minute for each object.
///
/// # Errors
/// A document is no object, or the API server refuses it.
pub async fn yaml(client: &Client, manager: &str, namespace: &str, text: &str) -> Result<Vec<Applied>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).context("reading the YAML documents")?;
    let mut applied = Vec::new();
    for document in documents.into_iter().filter(|document| !document.is_null()) {
        let object: DynamicObject = serde_json::from_value(document).context("a document is no object")?;
        applied.push(one(client, manager, namespace, object).await?);
    }
    Ok(applied)
}

/// Applies one object, trying again what may pass.
async fn one(client: &Client, manager: &str, namespace: &str, object: DynamicObject) -> Result<Applied> {
    let kind = object.types.clone().unwrap_or_default();
    let what = format!("applying {} {}", kind.kind, object.name_any());
    let deadline = Instant::now() + LIMIT;
    loop {
        let attempt = timeout(LIMIT, attempt(client, manager, namespace, &object)).await;
        match attempt.with_context(|| format!("{what}: no answer"))? {
            Ok(applied) => return Ok(applied),
            Err(error) if passes(&error) && Instant::now() < deadline => sleep(RETRY).await,
            Err(error) => bail!("{what}: {}", appliance_common::process::chain(&error)),
        }
    }
}

/// Whether trying again, unchanged, can succeed: the kind or its storage is only coming up.
fn passes(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => matches!(status.code, 404 | 429 | 503),
        kube::Error::Discovery(_) => true,
        _ => false,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "plays controllers that are not the product, under their names"
)]
async fn attempt(
    client: &Client,
    manager: &str,
    namespace: &str,
    object: &DynamicObject,
) -> Result<Applied, kube::Error> {
    let kind = object.types.clone().unwrap_or_default();
    let kind =
        GroupVersionKind::try_from(&kind).unwrap_or_else(|_| GroupVersionKind::gvk("", "", &kind.kind));
    let (resource, capabilities) = discovery::pinned_kind(client, &kind).await?;
    let namespace = match capabilities.scope {
        Scope::Namespaced => Some(object.namespace().unwrap_or_else(|| namespace.to_owned())),
        Scope::Cluster => None,
    };
    let params = PatchParams::apply(manager).force();
    let applied = Applied {
        resource,
        namespace,
        name: object.name_any(),
    };
    applied
        .api(client)
        .patch(&applied.name, &params, &Patch::Apply(object))
        .await?;
    Ok(applied)
}

/// The API of a kind, below a namespace when there is one.
pub(crate) fn api(client: &Client, resource: &ApiResource, namespace: Option<&str>) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
        None => Api::all_with(client.clone(), resource),
    }
}
