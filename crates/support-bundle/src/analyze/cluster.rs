//! What the cluster's objects show.

use appliance_common::findings::FindingId as Id;
use serde_json::Value;

use super::{Analyzer, Read, Seen, at, condition, name, objects, seen, words};

const PODS: &str = "cluster/resources/pods.jsonl";
const NODES: &str = "cluster/resources/nodes.jsonl";

/// In the order of causes.
pub(super) const ANALYZERS: &[Analyzer] = &[
    Analyzer {
        id: Id::NodeReady,
        title: "The node is not ready",
        needs: NODES,
        next_step: "On the host: journalctl -u k3s -n 200",
        judge: |read| of_nodes(read, "Ready", false, true),
    },
    Analyzer {
        id: Id::DiskPressure,
        title: "The node has too little disk",
        needs: NODES,
        next_step: "Free space on the disk of /var/lib/rancher.",
        judge: |read| of_nodes(read, "DiskPressure", true, true),
    },
    Analyzer {
        id: Id::MemoryPressure,
        title: "The node has too little memory",
        needs: NODES,
        next_step: "Give the machine more memory.",
        judge: |read| of_nodes(read, "MemoryPressure", true, true),
    },
    Analyzer {
        id: Id::PidPressure,
        title: "The node has too many processes",
        needs: NODES,
        next_step: "See host/processes.txt for who has them.",
        judge: |read| of_nodes(read, "PIDPressure", true, true),
    },
    Analyzer {
        id: Id::NetworkUnavailable,
        title: "The node's pod network is not there",
        needs: NODES,
        next_step: "On the host: journalctl -u k3s | grep -i flannel",
        judge: |read| of_nodes(read, "NetworkUnavailable", true, true),
    },
    Analyzer {
        id: Id::NodeUnschedulable,
        title: "The node takes no new pods",
        needs: NODES,
        next_step: "kubectl uncordon NODE",
        judge: unschedulable,
    },
    Analyzer {
        id: Id::StorageControllerDuplicate,
        title: "Two provisioners serve the same class",
        needs: "cluster/resources/deployments.jsonl",
        next_step: "On the host: sudo alga-control-plane-reapply",
        judge: provisioners,
    },
    Analyzer {
        id: Id::PendingPvc,
        title: "A volume is waited for",
        needs: "cluster/resources/persistentvolumeclaims.jsonl",
        next_step: "See the claim's events in cluster/events.txt, and the log of local-path-provisioner.",
        judge: claims,
    },
    Analyzer {
        id: Id::FluxSourceNotReady,
        title: "The release's files cannot be had",
        needs: "cluster/resources/ocirepositories.jsonl",
        next_step: "Check that the registry can be reached: network/probes.txt",
        judge: |read| not_ready(read, "ocirepositories"),
    },
    Analyzer {
        id: Id::ReleaseSource,
        title: "A chart's repository cannot be had",
        needs: "cluster/resources/helmrepositories.jsonl",
        next_step: "Check that the registry can be reached: network/probes.txt",
        judge: |read| not_ready(read, "helmrepositories"),
    },
    Analyzer {
        id: Id::KustomizationNotReady,
        title: "A part of the release is not applied",
        needs: "cluster/resources/kustomizations.jsonl",
        next_step: "The first of alga-platform, alga-core, alga-background that is named holds up the others.",
        judge: |read| not_ready(read, "kustomizations"),
    },
    Analyzer {
        id: Id::FluxSuspended,
        title: "Flux was told to leave something alone",
        needs: "cluster/resources/helmreleases.jsonl",
        next_step: "flux resume, or the manage page; somebody suspended it on purpose.",
        judge: suspended,
    },
    Analyzer {
        id: Id::ImagePullBackoff,
        title: "An image cannot be pulled",
        needs: PODS,
        next_step: "Check the image's name and that the registry can be reached.",
        judge: |read| waiting(read, &["ImagePullBackOff", "ErrImagePull", "InvalidImageName"]),
    },
    Analyzer {
        id: Id::ContainerConfig,
        title: "A container refers to what is not there",
        needs: PODS,
        next_step: "Create what the message names, or run the setup's step again.",
        judge: |read| {
            waiting(
                read,
                &[
                    "CreateContainerConfigError",
                    "CreateContainerError",
                    "RunContainerError",
                ],
            )
        },
    },
    Analyzer {
        id: Id::Crashloop,
        title: "A container ends again and again",
        needs: PODS,
        next_step: "Read its log of the run before: logs/NAMESPACE-POD-CONTAINER-previous.log",
        judge: crashloops,
    },
    Analyzer {
        id: Id::OomKills,
        title: "A container was ended for lack of memory",
        needs: PODS,
        next_step: "Raise its memory limit, or give the machine more memory.",
        judge: oom,
    },
    Analyzer {
        id: Id::PodUnschedulable,
        title: "A pod finds no place",
        needs: PODS,
        next_step: "See the message: mostly memory, or a volume that is not there.",
        judge: unscheduled,
    },
    Analyzer {
        id: Id::PodEvicted,
        title: "Pods were put out by the node",
        needs: PODS,
        next_step: "The message names what was short: disk or memory.",
        judge: evicted,
    },
    Analyzer {
        id: Id::BootstrapJobFailed,
        title: "The tenant's bootstrap has failed",
        needs: "cluster/resources/jobs.jsonl",
        next_step: "Read cluster/bootstrap-job-logs.txt; then try again from the manage page.",
        judge: |read| jobs(read, true),
    },
    Analyzer {
        id: Id::JobFailed,
        title: "A job has failed",
        needs: "cluster/resources/jobs.jsonl",
        next_step: "Read the log of its pods.",
        judge: |read| jobs(read, false),
    },
    Analyzer {
        id: Id::HelmreleaseFailed,
        title: "A part of the application is not installed",
        needs: "cluster/resources/helmreleases.jsonl",
        next_step: "Repair it from the manage page, or: alga-appliance repair-release",
        judge: |read| not_ready(read, "helmreleases"),
    },
    Analyzer {
        id: Id::WorkloadNotReady,
        title: "A workload has fewer pods ready than wanted",
        needs: "cluster/resources/deployments.jsonl",
        next_step: "Look at its pods above.",
        judge: |read| {
            [workloads(read, "deployments"), workloads(read, "statefulsets")]
                .into_iter()
                .flatten()
                .collect()
        },
    },
    Analyzer {
        id: Id::WorkloadScaledDown,
        title: "A workload was scaled to nothing",
        needs: "cluster/resources/deployments.jsonl",
        next_step: "Scale it up again, if nobody wanted that.",
        judge: scaled_down,
    },
    Analyzer {
        id: Id::ImagePullSlow,
        title: "Pulling images takes very long",
        needs: "cluster/resources/events.jsonl",
        next_step: "Check the line to the registry, or set up a mirror.",
        judge: slow_pulls,
    },
    Analyzer {
        id: Id::SupportSessionOrphan,
        title: "A pod of remote support runs",
        needs: PODS,
        next_step: "End the session on the manage page, if nobody is working.",
        judge: sessions,
    },
];

fn of_nodes(read: Read<'_>, kind: &str, bad: bool, is_fail: bool) -> Vec<Seen> {
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

fn unschedulable(read: Read<'_>) -> Vec<Seen> {
    let nodes = objects(read, "nodes").into_iter();
    nodes
        .filter(|(_, node)| node["spec"]["unschedulable"] == true)
        .map(|(line, node)| seen(true, name(&node), at("nodes", line)))
        .collect()
}

fn provisioners(read: Read<'_>) -> Vec<Seen> {
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

fn claims(read: Read<'_>) -> Vec<Seen> {
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

fn not_ready(read: Read<'_>, plural: &str) -> Vec<Seen> {
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

fn suspended(read: Read<'_>) -> Vec<Seen> {
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

/// Every container's status, with its pod.
fn containers(read: Read<'_>) -> Vec<(usize, Value, Value)> {
    let mut found = Vec::new();
    for (line, pod) in objects(read, "pods") {
        for states in ["initContainerStatuses", "containerStatuses"] {
            for state in pod["status"][states].as_array().cloned().unwrap_or_default() {
                found.push((line, pod.clone(), state));
            }
        }
    }
    found
}

fn waiting(read: Read<'_>, reasons: &[&str]) -> Vec<Seen> {
    let is = |state: &Value| reasons.contains(&words(&state["state"]["waiting"]["reason"]));
    let found = containers(read).into_iter().filter(|(_, _, state)| is(state));
    found
        .map(|(line, pod, state)| {
            let waiting = &state["state"]["waiting"];
            let detail = format!(
                "{} ({}): {}: {}",
                name(&pod),
                words(&state["name"]),
                words(&waiting["reason"]),
                words(&waiting["message"])
            );
            seen(true, detail, at("pods", line))
        })
        .collect()
}

/// The last lines of the log say why.
const LAST_LINES: usize = 20;

fn crashloops(read: Read<'_>) -> Vec<Seen> {
    let is = |state: &Value| state["state"]["waiting"]["reason"] == "CrashLoopBackOff";
    let mut found = Vec::new();
    for (line, pod, state) in containers(read).into_iter().filter(|(_, _, state)| is(state)) {
        let last = &state["lastState"]["terminated"];
        let container = words(&state["name"]);
        let mut detail = format!(
            "{} ({container}): restarted {} times; ended with {} ({})",
            name(&pod),
            state["restartCount"],
            last["exitCode"],
            words(&last["reason"]),
        );
        let mut evidence = vec![at("pods", line)];
        let place = &pod["metadata"];
        for end in ["-previous", ""] {
            let member = format!(
                "logs/{}-{}-{container}{end}.log",
                words(&place["namespace"]),
                words(&place["name"])
            );
            let Some(log) = read(&member) else { continue };
            let lines: Vec<_> = log.lines().collect();
            let from = lines.len().saturating_sub(LAST_LINES);
            for line in &lines[from..] {
                detail.extend(["\n| ", line]);
            }
            evidence.push(format!("{member}#{}", from + 1));
            break;
        }
        found.push(Seen {
            is_fail: true,
            detail,
            evidence,
        });
    }
    found
}

fn oom(read: Read<'_>) -> Vec<Seen> {
    let is = |state: &Value| {
        ["state", "lastState"]
            .iter()
            .any(|which| state[which]["terminated"]["reason"] == "OOMKilled")
    };
    let found = containers(read).into_iter().filter(|(_, _, state)| is(state));
    found
        .map(|(line, pod, state)| {
            seen(
                true,
                format!("{} ({})", name(&pod), words(&state["name"])),
                at("pods", line),
            )
        })
        .collect()
}

fn unscheduled(read: Read<'_>) -> Vec<Seen> {
    let mut found = Vec::new();
    for (line, pod) in objects(read, "pods") {
        if let Some(is) = condition(&pod, "PodScheduled").filter(|is| is["status"] == "False") {
            found.push(seen(
                true,
                format!("{}: {}", name(&pod), words(&is["message"])),
                at("pods", line),
            ));
        }
    }
    found
}

fn evicted(read: Read<'_>) -> Vec<Seen> {
    let pods = objects(read, "pods").into_iter();
    pods.filter(|(_, pod)| pod["status"]["reason"] == "Evicted")
        .map(|(line, pod)| {
            seen(
                false,
                format!("{}: {}", name(&pod), words(&pod["status"]["message"])),
                at("pods", line),
            )
        })
        .collect()
}

fn jobs(read: Read<'_>, is_bootstrap: bool) -> Vec<Seen> {
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

fn workloads(read: Read<'_>, plural: &str) -> Vec<Seen> {
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

fn scaled_down(read: Read<'_>) -> Vec<Seen> {
    let all = objects(read, "deployments").into_iter();
    all.filter(|(_, one)| one["spec"]["replicas"] == 0)
        .map(|(line, one)| seen(false, name(&one), at("deployments", line)))
        .collect()
}

fn slow_pulls(read: Read<'_>) -> Vec<Seen> {
    // `Successfully pulled image "…" in 3m12.5s`: minutes are long.
    let is_slow = |event: &Value| {
        let message = words(&event["message"]);
        event["reason"] == "Pulled"
            && message.split(" in ").nth(1).is_some_and(|took| {
                took.split('s').next().unwrap_or_default().contains('m') && !took.starts_with('1')
            })
    };
    let events = objects(read, "events")
        .into_iter()
        .filter(|(_, event)| is_slow(event));
    events
        .map(|(line, event)| seen(false, words(&event["message"]).to_owned(), at("events", line)))
        .collect()
}

fn sessions(read: Read<'_>) -> Vec<Seen> {
    let pods = objects(read, "pods").into_iter();
    pods.filter(|(_, pod)| pod["metadata"]["namespace"] == "alga-appliance-support")
        .map(|(line, pod)| seen(false, name(&pod), at("pods", line)))
        .collect()
}
