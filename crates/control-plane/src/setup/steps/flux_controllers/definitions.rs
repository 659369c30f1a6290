//! Kinds that are there already: a definition that drops a version under which objects are stored would
//! make them unreadable.

use appliance_common::cluster::{Cluster, ClusterError};
use kube::api::{ApiResource, DynamicObject};
use serde_json::Value;

use crate::setup::failure::{Blame, Failure};
use crate::setup::manifest::Manifest;

/// Checks every definition of the manifest against the live one, before any is written.
pub(super) async fn check(cluster: &Cluster, manifest: &Manifest) -> Result<(), Failure> {
    let Some((resource, _)) = manifest.definitions().next() else {
        return Ok(());
    };
    // Names only: with their schemas, the definitions of a cluster are megabytes.
    let live = cluster
        .names_of(resource, None)
        .await
        .map_err(|error| super::failure(&error))?;
    for (resource, wanted) in manifest.definitions() {
        let name = wanted.metadata.name.as_deref().unwrap_or_default();
        if live.iter().any(|live| live == name) {
            let dropped = dropped(cluster, resource, wanted, name)
                .await
                .map_err(|error| super::failure(&error))?;
            if !dropped.is_empty() {
                return Err(would_lose(name, &dropped));
            }
        }
    }
    Ok(())
}

async fn dropped(
    cluster: &Cluster,
    resource: &ApiResource,
    wanted: &DynamicObject,
    name: &str,
) -> Result<Vec<String>, ClusterError> {
    let live = cluster.get_dynamic(resource, None, name).await?;
    Ok(live.map(|live| lost_versions(&live, wanted)).unwrap_or_default())
}

/// The versions that objects may be stored under and `wanted` does not have.
fn lost_versions(live: &DynamicObject, wanted: &DynamicObject) -> Vec<String> {
    let stored = live
        .data
        .pointer("/status/storedVersions")
        .and_then(Value::as_array);
    let known = wanted.data["spec"]["versions"].as_array();
    let stored = stored.into_iter().flatten().filter_map(Value::as_str);
    stored
        .filter(|stored| {
            !known
                .into_iter()
                .flatten()
                .any(|version| version["name"] == **stored)
        })
        .map(str::to_owned)
        .collect()
}

fn would_lose(name: &str, versions: &[String]) -> Failure {
    Failure {
        retry_safe: false,
        ..Failure::new(
            Blame::InstallFlux,
            "flux-stored-versions",
            format!(
                "The Flux of this control plane does not know {name} in version {}",
                versions.join(", ")
            ),
            "objects are stored in the cluster under that version, and replacing its definition would make them \
             unreadable; nothing was changed",
            "Move the objects to a version both know (flux migrate), or use a control plane whose Flux still has \
             that version, then try again.",
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_that_objects_are_stored_under_must_stay() {
        let object = |value: Value| serde_json::from_value::<DynamicObject>(value).unwrap();
        let live =
            object(json!({"metadata": {"name": "x"}, "status": {"storedVersions": ["v1beta2", "v1"]}}));
        let wanted = |names: &[&str]| {
            let versions: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
            object(json!({"metadata": {"name": "x"}, "spec": {"versions": versions}}))
        };
        assert_eq!(lost_versions(&live, &wanted(&["v1"])), ["v1beta2"]);
        assert!(lost_versions(&live, &wanted(&["v1beta2", "v1", "v2"])).is_empty());
        assert!(lost_versions(&object(json!({"metadata": {}})), &wanted(&[])).is_empty());
    }
}
