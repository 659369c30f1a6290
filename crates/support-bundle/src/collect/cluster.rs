//! What the API server knows, kind by kind, page by page.

use std::sync::Arc;
use std::time::Duration;

use appliance_common::cluster::{Cluster, RawError};
use futures::StreamExt;
use futures::stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Ended, Reports, Status, tables};
use crate::options::Options;
use crate::plan::{Form, KINDS, Kind};
use crate::staging::Staging;

/// Requests at once.
const WIDE: usize = 32;
/// Objects of one answer.
const PAGE: usize = 250;
/// Bytes of one answer.
const MAX_PAGE: usize = 16 * 1024 * 1024;
/// `ConfigMap`s that are shown with their values.
const SHOWN: [&str; 2] = ["appliance-release-selection", "appliance-values-"];

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: Map<String, Value>,
    items: Option<Vec<Value>>,
}

/// Calls `each` with every object of a list.
pub(crate) async fn pages(
    cluster: &Cluster,
    path: &str,
    limit: Duration,
    mut each: impl FnMut(Value),
) -> Result<(), RawError> {
    let mut place = String::new();
    loop {
        let query = format!("{path}?limit={PAGE}{place}");
        let bytes = cluster.fetch(&query, MAX_PAGE, limit).await?;
        let page: Page = serde_json::from_slice(&bytes)
            .map_err(|error| RawError::Silent(format!("the answer is no list: {error}")))?;
        page.items.into_iter().flatten().for_each(&mut each);
        match page.metadata.get("continue").and_then(Value::as_str) {
            Some(next) if !next.is_empty() => {
                place = format!(
                    "&continue={}",
                    next.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
                );
            }
            _ => return Ok(()),
        }
    }
}

/// Every kind.
pub(crate) async fn collect(staging: &Arc<Staging>, reports: &Reports, options: &Options, cluster: &Cluster) {
    let version = reports.during("cluster/version", async {
        match cluster.fetch("/version", MAX_PAGE, options.limits.call).await {
            Ok(text) => {
                let text = format!("$ GET /version\n{}", String::from_utf8_lossy(&text));
                written(staging.text("cluster/version.txt", "cluster/version", &text))
            }
            Err(error) => failed(&error),
        }
    });
    let kinds = stream::iter(KINDS).for_each_concurrent(WIDE, |kind| async move {
        let name = kind.collector();
        reports.during(&name, one(staging, options, cluster, kind)).await;
    });
    futures::future::join(version, kinds).await;
}

async fn one(staging: &Arc<Staging>, options: &Options, cluster: &Cluster, kind: Kind) -> Ended {
    let path = format!("{}/{}", kind.api, kind.plural);
    let mut objects = Vec::new();
    let listed = pages(cluster, &path, options.limits.call, |object| {
        objects.push(cut(kind, object));
    })
    .await;
    let why = match listed {
        Err(RawError::Refused { status: 404, .. }) if kind.is_optional() => {
            return Ended::as_is(Status::Skipped, "the server does not know the kind");
        }
        Err(error) if objects.is_empty() => return failed(&error),
        Err(error) => Some(error),
        Ok(()) => None,
    };
    let (staging, request) = (Arc::clone(staging), format!("$ GET {path}\n"));
    let kept = tokio::task::spawn_blocking(move || {
        let name = kind.collector();
        if let Some(file) = kind.file {
            let text = match kind.form {
                Form::Yaml => yaml(&staging, &objects),
                Form::Table | Form::KeysOnly => tables::table(kind.plural, &objects),
            };
            staging.text(file, &name, &format!("{request}{text}"))?;
        }
        staging.objects(&kind.objects(), &name, objects)
    })
    .await;
    let kept = kept.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    match (kept, why) {
        (Err(error), _) => Ended::failed(error.to_string()),
        (Ok(()), Some(error)) => Ended::as_is(Status::Partial, error.to_string()),
        (Ok(()), None) => Ended::ok(),
    }
}

fn yaml(staging: &Staging, objects: &[Value]) -> String {
    let mut text = String::new();
    for object in objects {
        let mut object = object.clone();
        staging.redactor().document(&mut object);
        text.push_str("---\n");
        text.push_str(&serde_saphyr::to_string(&object).unwrap_or_default());
    }
    text
}

/// An object without what no bundle has.
fn cut(kind: Kind, mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.shift_remove("managedFields");
    }
    if kind.form != Form::KeysOnly {
        return object;
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let is_shown = kind.plural == "configmaps" && SHOWN.iter().any(|shown| name.starts_with(shown));
    if is_shown {
        return object;
    }
    let size = |value: &Value| value.as_str().map_or(0, str::len);
    let sizes: Map<_, _> = ["data", "binaryData"]
        .into_iter()
        .filter_map(|field| object[field].as_object())
        .flatten()
        .map(|(key, value)| (key.clone(), json!(size(value))))
        .collect();
    json!({
        "metadata": {
            "namespace": object["metadata"]["namespace"], "name": name, "labels": object["metadata"]["labels"],
            "creationTimestamp": object["metadata"]["creationTimestamp"],
        },
        "type": object["type"],
        // Not under a name of which the redactor takes the values.
        "sizes": sizes.into_iter().map(|(key, bytes)| json!({"key": key, "bytes": bytes})).collect::<Vec<_>>(),
    })
}

pub(super) fn failed(error: &RawError) -> Ended {
    let status = match error {
        RawError::Silent(why) if why.starts_with("no answer within") => Status::Timeout,
        _ => Status::Failed,
    };
    Ended::as_is(status, error.to_string())
}

fn written(done: std::io::Result<()>) -> Ended {
    done.map_or_else(|error| Ended::failed(error.to_string()), |()| Ended::ok())
}
