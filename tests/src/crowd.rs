//! A cluster with many objects, made quickly.

use anyhow::{Context, Result};
use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{Event, Namespace, Pod, ServiceAccount};
use kube::api::{Api, ListParams, PostParams};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::cluster::TestCluster;

/// Where they are.
pub const NAMESPACE: &str = "crowd";

/// Requests under way at once.
const WIDTH: usize = 32;

/// What the event of this number says.
#[must_use]
pub fn message(number: usize) -> String {
    format!(
        "event {number} of a crowd: Back-off restarting failed container main in pod, which says nothing new"
    )
}

/// Makes so many pods, and events of which each is a second younger than the one before.
///
/// # Errors
/// What the API server did not take.
pub async fn make(cluster: &TestCluster, pods: usize, events: usize) -> Result<()> {
    let client = cluster.client().await?;
    let post = PostParams::default();
    let namespace = serde_json::from_value(json!({"metadata": {"name": NAMESPACE}}))?;
    Api::<Namespace>::all(client.clone())
        .create(&post, &namespace)
        .await
        .context("making the namespace")?;
    let account = serde_json::from_value(json!({"metadata": {"name": "default"}}))?;
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), NAMESPACE);
    accounts
        .create(&post, &account)
        .await
        .context("making the service account")?;
    all::<Pod>(&client, (0..pods).map(pod))
        .await
        .context("making pods")?;
    let begin = Timestamp::now() - SignedDuration::from_secs(i64::try_from(events)?);
    all::<Event>(&client, (0..events).map(|number| event(number, begin)))
        .await
        .context("making events")
}

/// How many pods there are.
///
/// # Errors
/// The API server does not answer.
pub async fn pods(cluster: &TestCluster) -> Result<usize> {
    let pods = Api::<Pod>::all(cluster.client().await?);
    Ok(pods.list(&ListParams::default()).await?.items.len())
}

/// Lets an event happen; gives what it says. Its message is no other's.
///
/// # Errors
/// The API server does not take it.
pub async fn happens(client: &Client, number: u32) -> Result<String> {
    let text = format!("happening {number} ends here");
    let mut object = event(0, Timestamp::now());
    object["metadata"]["name"] = format!("happening-{number}").into();
    object["message"] = text.clone().into();
    let events = Api::<Event>::namespaced(client.clone(), NAMESPACE);
    events
        .create(&PostParams::default(), &serde_json::from_value(object)?)
        .await?;
    Ok(text)
}

async fn all<K>(client: &Client, objects: impl Iterator<Item = Value> + Send) -> Result<()>
where
    K: Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + DeserializeOwned
        + Serialize
        + std::fmt::Debug
        + Send
        + Sync,
{
    let api = Api::<K>::namespaced(client.clone(), NAMESPACE);
    let create = |object: Value| {
        let api = api.clone();
        async move {
            let object = serde_json::from_value(object)?;
            api.create(&PostParams::default(), &object).await?;
            anyhow::Ok(())
        }
    };
    stream::iter(objects)
        .map(create)
        .buffer_unordered(WIDTH)
        .try_collect()
        .await
}

fn pod(number: usize) -> Value {
    json!({
        "metadata": {"name": format!("pod-{number}"), "labels": {"app": "crowd"}},
        "spec": {"containers": [{
            "name": "main", "image": format!("registry.invalid/crowd/image-of-some-length:{number}"),
            "env": [{"name": "A", "value": "x".repeat(200)}],
        }]},
    })
}

fn event(number: usize, begin: Timestamp) -> Value {
    let at = begin + SignedDuration::from_secs(i64::try_from(number).unwrap_or_default());
    json!({
        "metadata": {"name": format!("event-{}", (number * 7919) % 1_000_003), "namespace": NAMESPACE},
        "type": "Warning", "reason": "BackOff", "message": message(number),
        "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": format!("pod-{number}")},
        "source": {"component": "kubelet"}, "count": 1,
        "firstTimestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "lastTimestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}
