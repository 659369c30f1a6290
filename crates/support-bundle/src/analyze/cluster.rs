//! What the cluster's objects show.

mod objects;
mod pods;

use appliance_common::findings::FindingId as Id;

use self::objects::{
    claims, jobs, not_ready, of_nodes, provisioners, scaled_down, suspended, unschedulable, workloads,
};
use self::pods::{crashloops, evicted, oom, sessions, slow_pulls, unscheduled, waiting};
use super::Analyzer;

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
