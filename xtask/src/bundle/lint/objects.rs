//! Rules over all objects: API versions, namespaces, the order of things.

use std::collections::{BTreeMap, BTreeSet};

use appliance_common::names::{PRUNE_ANNOTATION, namespace};

use super::{Findings, Object};

/// Served versions of the Flux groups (decision 9).
const FLUX_VERSIONS: [&str; 3] = [
    "source.toolkit.fluxcd.io/v1",
    "kustomize.toolkit.fluxcd.io/v1",
    "helm.toolkit.fluxcd.io/v2",
];

/// Namespaces that hold what must outlive any bundle.
const NAMESPACES: [&str; 3] = [
    namespace::ALGA_SYSTEM,
    namespace::APPLIANCE_SYSTEM,
    namespace::MSP,
];

/// Flux groups in their served versions; nothing in alpha or beta.
pub(super) fn versions(objects: &[Object], findings: &mut Findings) {
    for object in objects {
        let version = object.text("/apiVersion");
        let legal = match object.group().strip_suffix(".toolkit.fluxcd.io") {
            Some(_) => FLUX_VERSIONS.contains(&version),
            None => !version.contains("alpha") && !version.contains("beta") && !version.is_empty(),
        };
        if !legal {
            findings.add(
                &object.file,
                format!("{}: apiVersion", object.id()),
                format!(
                    "{version:?} is not a served version; Flux has v1 sources and Kustomizations, v2 releases"
                ),
            );
        }
    }
}

/// Each object has a kind and a name, and is there once: kustomize builds nothing else.
pub(super) fn identities(objects: &[Object], findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for object in objects {
        let namespace = object.text("/metadata/namespace");
        if object.kind().is_empty() || object.name().is_empty() {
            findings.add(&object.file, object.id(), "needs a kind and metadata.name");
        } else if !seen.insert((object.group(), object.kind(), namespace, object.name())) {
            findings.add(&object.file, object.id(), "it is in the bundle twice");
        }
    }
}

/// All three namespaces, none of which Flux may prune.
pub(super) fn namespaces(objects: &[Object], findings: &mut Findings) {
    for name in NAMESPACES {
        let found = objects
            .iter()
            .find(|object| object.kind() == "Namespace" && object.name() == name);
        let Some(object) = found else {
            findings.add(
                "base/namespaces.yaml",
                format!("Namespace/{name}"),
                "missing: Flux would prune it and everything in it",
            );
            continue;
        };
        let annotations = object.document.pointer("/metadata/annotations");
        let prune = annotations.and_then(|all| all.get(PRUNE_ANNOTATION)?.as_str());
        if prune != Some("disabled") {
            findings.add(
                &object.file,
                format!("Namespace/{name}: metadata.annotations"),
                format!("needs `{PRUNE_ANNOTATION}: disabled`"),
            );
        }
    }
}

/// Each `dependsOn` names an object of the same kind, and no chain of them returns to its start.
pub(super) fn dependencies(objects: &[Object], findings: &mut Findings) {
    for kind in ["Kustomization", "HelmRelease"] {
        let same_kind = objects.iter().filter(|object| object.kind() == kind);
        let by_name: BTreeMap<&str, &Object> = same_kind.map(|object| (object.name(), object)).collect();
        for object in by_name.values() {
            for dependency in object.dependencies() {
                if !by_name.contains_key(dependency) {
                    findings.add(
                        &object.file,
                        format!("{}: spec.dependsOn", object.id()),
                        format!("no {kind} named {dependency:?} in the bundle"),
                    );
                }
            }
            if waits_for_itself(object, &by_name) {
                findings.add(
                    &object.file,
                    format!("{}: spec.dependsOn", object.id()),
                    "it waits for itself through its dependencies",
                );
            }
        }
    }
}

fn waits_for_itself(start: &Object, by_name: &BTreeMap<&str, &Object>) -> bool {
    let mut seen = Vec::new();
    let mut next = start.dependencies();
    while let Some(name) = next.pop() {
        if name == start.name() {
            return true;
        }
        if !seen.contains(&name) {
            seen.push(name);
            next.extend(
                by_name
                    .get(name)
                    .map(|object| object.dependencies())
                    .unwrap_or_default(),
            );
        }
    }
    false
}
