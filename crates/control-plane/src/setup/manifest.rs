//! Manifests of others, applied object by object: namespaces and kinds first, the rest once the
//! server knows them, and workloads when all they need is there.

pub(super) use appliance_common::cluster::rolled_out;
use appliance_common::cluster::{
    Cluster, ClusterError, Judgement, ManifestError, ManifestObject, Owner, Wait, manifest_objects,
};
use futures::stream::{self, TryStreamExt};
use kube::api::{ApiResource, DynamicObject};
use std::collections::BTreeMap;
use std::time::Duration;

/// Objects applied at a time: enough to hide the round trips, few enough for a busy API server.
const WIDTH: usize = 4;
/// Longest wait for a new kind to be served.
const ESTABLISHED_LIMIT: Duration = Duration::from_mins(1);

/// The objects of a manifest, in the order they are applied.
#[derive(Debug)]
pub(super) struct Manifest {
    namespaces: Vec<ManifestObject>,
    kinds: Vec<ManifestObject>,
    rest: Vec<ManifestObject>,
    /// Last, so that a workload that is there tells that everything before it was applied.
    workloads: Vec<ManifestObject>,
}

impl Manifest {
    /// Reads a manifest of any number of YAML documents; empty ones are passed over.
    ///
    /// # Errors
    /// [`ManifestError`] for text that is not YAML, or a document that is not an object.
    pub(super) fn parse(text: &str) -> Result<Self, ManifestError> {
        let mut manifest = Self {
            namespaces: Vec::new(),
            kinds: Vec::new(),
            rest: Vec::new(),
            workloads: Vec::new(),
        };
        for entry in manifest_objects(text)? {
            match entry.resource.kind.as_str() {
                "Namespace" => manifest.namespaces.push(entry),
                "CustomResourceDefinition" => manifest.kinds.push(entry),
                "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => manifest.workloads.push(entry),
                _ => manifest.rest.push(entry),
            }
        }
        Ok(manifest)
    }

    /// How many objects it has.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.namespaces.len() + self.kinds.len() + self.rest.len() + self.workloads.len()
    }

    /// Whether it makes the server serve `kind` under `group_version`.
    pub(super) fn defines(&self, group_version: &str, kind: &str) -> bool {
        self.kinds.iter().any(|ManifestObject { object, .. }| {
            let spec = &object.data["spec"];
            let group = spec["group"].as_str().unwrap_or_default();
            let versions = spec["versions"].as_array().into_iter().flatten();
            let mut served = versions.filter(|version| version["served"] == true);
            spec["names"]["kind"] == kind
                && served.any(|version| {
                    let version = version["name"].as_str().unwrap_or_default();
                    group_version.split_once('/') == Some((group, version))
                })
        })
    }

    /// Its Deployments.
    pub(super) fn workloads(&self) -> impl Iterator<Item = &DynamicObject> {
        let deployments = self
            .workloads
            .iter()
            .filter(|entry| entry.resource.kind == "Deployment");
        deployments.map(|entry| &entry.object)
    }

    /// Its definitions of kinds.
    pub(super) fn definitions(&self) -> impl Iterator<Item = (&ApiResource, &DynamicObject)> {
        self.kinds.iter().map(|entry| (&entry.resource, &entry.object))
    }

    /// Names of its Deployments, by namespace.
    pub(super) fn deployments(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut deployments = BTreeMap::<_, Vec<_>>::new();
        for object in self.workloads() {
            let meta = &object.metadata;
            deployments
                .entry(meta.namespace.as_deref().unwrap_or_default())
                .or_default()
                .extend(meta.name.as_deref());
        }
        deployments
    }

    /// Applies every object and waits until its kinds are served.
    ///
    /// # Errors
    /// The first object that was not taken; those before it stay.
    pub(super) async fn apply(&self, cluster: &Cluster, owner: Owner) -> Result<(), ClusterError> {
        apply_all(cluster, owner, &self.namespaces).await?;
        apply_all(cluster, owner, &self.kinds).await?;
        let names = self
            .kinds
            .iter()
            .map(|entry| entry.object.metadata.name.as_deref());
        if let Some(entry) = self.kinds.first() {
            let wait = Wait {
                resource: &entry.resource,
                namespace: None,
                names: &names.flatten().collect::<Vec<_>>(),
                limit: ESTABLISHED_LIMIT,
            };
            cluster.wait_until(&wait, established).await?;
        }
        apply_all(cluster, owner, &self.rest).await?;
        apply_all(cluster, owner, &self.workloads).await
    }
}

async fn apply_all(cluster: &Cluster, owner: Owner, entries: &[ManifestObject]) -> Result<(), ClusterError> {
    stream::iter(entries.iter().map(Ok))
        .try_for_each_concurrent(WIDTH, |entry| async move {
            cluster
                .apply_dynamic(owner, &entry.resource, &entry.object)
                .await
                .map(drop)
        })
        .await
}

/// Whether a `CustomResourceDefinition` is served.
fn established(definition: Option<&DynamicObject>) -> Judgement {
    let holds = definition
        .and_then(|definition| definition.data.pointer("/status/conditions")?.as_array())
        .is_some_and(|conditions| {
            conditions
                .iter()
                .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
        });
    if holds {
        Judgement::Reached
    } else {
        Judgement::Waiting("the kind is not served yet".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_sorted_into_namespaces_kinds_and_the_rest() {
        let text = "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: n}\n---\n---\n\
                    apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n---\n\
                    apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p, namespace: n}\n";
        let manifest = Manifest::parse(text).unwrap();
        assert_eq!(
            (
                manifest.namespaces.len(),
                manifest.kinds.len(),
                manifest.rest.len(),
                manifest.workloads.len()
            ),
            (1, 0, 1, 1)
        );
        assert_eq!(manifest.deployments(), BTreeMap::from([("n", vec!["d"])]));
        assert_eq!(manifest.rest[0].resource.plural, "networkpolicies");
    }

    #[test]
    fn a_kind_is_defined_in_the_versions_that_are_served() {
        let manifest = Manifest::parse(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x.g.io}\n\
             spec: {group: g.io, names: {kind: X}, versions: [{name: v1, served: true}, {name: v2, served: false}]}\n",
        )
        .unwrap();
        assert!(manifest.defines("g.io/v1", "X"));
        for (version, kind) in [("g.io/v2", "X"), ("g.io/v1", "Y"), ("h.io/v1", "X"), ("v1", "X")] {
            assert!(!manifest.defines(version, kind), "{version} {kind}");
        }
    }

    #[test]
    fn what_is_not_an_object_is_named_by_its_place() {
        for text in ["a: b\n", "kind: x\napiVersion: v1\nmetadata: {}\n", "- 1\n"] {
            let error = Manifest::parse(&format!("---\n{text}")).unwrap_err();
            assert!(error.to_string().contains("document 1"), "{error}");
        }
        assert!(matches!(
            Manifest::parse("a: [").unwrap_err(),
            ManifestError::Syntax(_)
        ));
    }
}
