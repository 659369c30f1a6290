//! Of nodes, claims, Flux and workloads.

use serde_json::Value;

use crate::analyze::{Read, Seen, at, condition, name, objects, seen, words};

pub(super) fn of_nodes(read: Read<'_>, kind: &str, bad: bool, is_fail: bool) -> Vec<Seen> {
    let nodes = objects(read, "nodes").into_iter();
    let is_bad = |node: &Value| condition(node, kind).is_some_and(|is| (is["status"] == "True") == bad);
    nodes
        .filter(|(_, node)| is_bad(node))
        .map(|(line, node)| {
            let message = condition(&node, kind).map_or("", |is| words(&is["message"]));
            seen(is_fail, format!("{}: {message}", name(&node)), at("nodes", line))
        })
        .collect()
}

pub(super) fn unschedulable(read: Read<'_>) -> Vec<Seen> {
    let nodes = objects(read, "nodes").into_iter();
    nodes
        .filter(|(_, node)| node["spec"]["unschedulable"] == true)
        .map(|(line, node)| seen(true, name(&node), at("nodes", line)))
        .collect()
}

pub(super) fn provisioners(read: Read<'_>) -> Vec<Seen> {
    let found: Vec<_> = objects(read, "deployments")
        .into_iter()
        .filter(|(_, one)| one["metadata"]["name"] == "local-path-provisioner")
        .collect();
    if found.len() < 2 {
        return Vec::new();
    }
    let names: Vec<_> = found.iter().map(|(_, one)| name(one)).collect();
    let evidence = found.iter().map(|(line, _)| at("deployments", *line)).collect();
    vec![Seen {
        is_fail: true,
        detail: names.join(", "),
        evidence,
    }]
}

pub(super) fn claims(read: Read<'_>) -> Vec<Seen> {
    let claims = objects(read, "persistentvolumeclaims").into_iter();
    claims
        .filter(|(_, claim)| claim["status"]["phase"] != "Bound")
        .map(|(line, claim)| {
            let phase = words(&claim["status"]["phase"]);
            seen(
                true,
                format!("{} is {phase}", name(&claim)),
                at("persistentvolumeclaims", line),
            )
        })
        .collect()
}

pub(super) fn not_ready(read: Read<'_>, plural: &str) -> Vec<Seen> {
    let mut found = Vec::new();
    for (line, object) in objects(read, plural) {
        let Some(ready) = condition(&object, "Ready").filter(|ready| ready["status"] != "True") else {
            continue;
        };
        // What waits for another one is not its own cause.
        let reason = words(&ready["reason"]);
        let is_fail = ready["status"] == "False" && reason != "DependencyNotReady";
        found.push(seen(
            is_fail,
            format!("{}: {reason}: {}", name(&object), words(&ready["message"])),
            at(plural, line),
        ));
    }
    found
}

pub(super) fn suspended(read: Read<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    for plural in ["helmreleases", "kustomizations", "ocirepositories"] {
        for (line, object) in objects(read, plural) {
            if object["spec"]["suspend"] == true {
                found.push(seen(false, name(&object), at(plural, line)));
            }
        }
    }
    found
}

pub(super) fn jobs(read: Read<'_>, is_bootstrap: bool) -> Vec<Seen> {
    let mut found = Vec::new();
    for (line, job) in objects(read, "jobs") {
        let is_one = words(&job["metadata"]["name"]).contains("-sebastian-bootstrap");
        let failed = condition(&job, "Failed").filter(|is| is["status"] == "True");
        if let Some(failed) = failed.filter(|_| is_one == is_bootstrap) {
            found.push(seen(
                is_bootstrap,
                format!("{}: {}", name(&job), words(&failed["message"])),
                at("jobs", line),
            ));
        }
    }
    found
}

pub(super) fn workloads(read: Read<'_>, plural: &str) -> Vec<Seen> {
    let mut found = Vec::new();
    for (line, one) in objects(read, plural) {
        let wanted = one["spec"]["replicas"].as_u64().unwrap_or(1);
        let ready = one["status"]["readyReplicas"].as_u64().unwrap_or(0);
        if ready < wanted {
            found.push(seen(
                true,
                format!("{}: {ready} of {wanted}", name(&one)),
                at(plural, line),
            ));
        }
    }
    found
}

pub(super) fn scaled_down(read: Read<'_>) -> Vec<Seen> {
    let all = objects(read, "deployments").into_iter();
    all.filter(|(_, one)| one["spec"]["replicas"] == 0)
        .map(|(line, one)| seen(false, name(&one), at("deployments", line)))
        .collect()
}
