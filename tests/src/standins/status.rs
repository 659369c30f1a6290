//! Conditions and status documents in Flux's form.

use anyhow::{Context, Result};
use appliance_common::clock::Clock;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

/// One condition to set.
#[derive(Debug, Clone)]
pub(super) struct Condition<'a> {
    /// `Ready`, `Stalled`, …
    pub(super) kind: &'a str,
    /// `True`, `False` or `Unknown`.
    pub(super) status: &'a str,
    /// One word in camel case.
    pub(super) reason: &'a str,
    /// A sentence for people.
    pub(super) message: &'a str,
}

/// The conditions as the object's whole list. The time of the last transition stays while the status does.
pub(super) fn conditions(object: &DynamicObject, wanted: &[Condition<'_>]) -> Value {
    let now = Clock::system().now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let generation = object.metadata.generation.unwrap_or_default();
    let list = wanted.iter().map(|condition| {
        let since = condition_of(object, condition.kind)
            .filter(|old| old["status"] == condition.status)
            .and_then(|old| old["lastTransitionTime"].as_str().map(str::to_owned));
        json!({
            "type": condition.kind,
            "status": condition.status,
            "reason": condition.reason,
            "message": condition.message,
            "observedGeneration": generation,
            "lastTransitionTime": since.unwrap_or_else(|| now.clone()),
        })
    });
    Value::Array(list.collect())
}

/// A condition of an object, if it has it.
pub(super) fn condition_of<'a>(object: &'a DynamicObject, kind: &str) -> Option<&'a Value> {
    let conditions = object.data["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

/// Whether a condition has a status, about the newest generation.
pub(super) fn is(object: &DynamicObject, kind: &str, status: &str) -> bool {
    condition_of(object, kind).is_some_and(|condition| {
        condition["status"] == status
            && condition["observedGeneration"].as_i64() == object.metadata.generation
    })
}

/// Merges into the status subresource.
pub(super) async fn merge(api: &Api<DynamicObject>, name: &str, status: Value) -> Result<()> {
    let patch = Patch::Merge(json!({ "status": status }));
    api.patch_status(name, &PatchParams::default(), &patch)
        .await
        .with_context(|| format!("writing the status of {name}"))?;
    Ok(())
}
