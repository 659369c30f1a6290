//! What was here before.

use super::Source::{Present, Text};
use super::{Check, Group::Previous};
use crate::findings::FindingId as Id;
use crate::preflight::facts::Facts;
use crate::preflight::verdict::{Judged, bad, good, none_of};

const K3S: [&str; 2] = ["var/lib/rancher/k3s/server/db", "etc/rancher/k3s/k3s.yaml"];
const KUBERNETES: [&str; 3] = [
    "etc/kubernetes/manifests",
    "etc/kubernetes/kubelet.conf",
    "var/snap/microk8s",
];
const RUNTIMES: [&str; 3] = [
    "run/docker.sock",
    "var/lib/docker/containers",
    "run/crio/crio.sock",
];
const CNI: [&str; 2] = ["etc/cni/net.d", "var/lib/cni/networks"];
const SAVED_RULES: &str = "etc/iptables/rules.v4";
const LEGACY: [&str; 2] = [
    "opt/alga-appliance/scripts/bootstrap-control-plane.sh",
    "etc/systemd/system/multi-user.target.wants/alga-appliance.service",
];
/// Interfaces of other pod networks and runtimes.
const FOREIGN_INTERFACES: [&str; 5] = ["cali", "cilium", "weave", "docker0", "cni-podman"];

pub(super) const CHECKS: &[Check] = &[
    Check::new(Previous, Id::PreviousK3s, "Earlier k3s", k3s)
        .blocking()
        .before_cluster()
        .reading(&[Present(K3S[0]), Present(K3S[1])])
        .why(
            "A datastore that is already there brings its own objects and certificates into this cluster.",
            "If nothing of it is needed: /usr/local/bin/k3s-uninstall.sh",
        ),
    Check::new(Previous, Id::PreviousKubernetes, "Other Kubernetes", kubernetes)
        .strict()
        .reading(&[
            Present(KUBERNETES[0]),
            Present(KUBERNETES[1]),
            Present(KUBERNETES[2]),
        ])
        .why(
            "Two kubelets on one box end each other's containers.",
            "kubeadm reset or snap remove --purge microk8s, then reboot",
        ),
    Check::new(
        Previous,
        Id::PreviousContainerRuntime,
        "Other container runtime",
        runtime,
    )
    .reading(&[Present(RUNTIMES[0]), Present(RUNTIMES[1]), Present(RUNTIMES[2])])
    .why(
        "Docker sets the packet filter to drop forwarded packets, and fills the disk with images of its own.",
        "systemctl disable --now docker containerd, or move those containers elsewhere",
    ),
    Check::new(Previous, Id::PreviousCni, "Other pod networks", cni)
        .before_cluster()
        .reading(&[Present(CNI[0]), Present(CNI[1])])
        .why(
            "A leftover network configuration is taken before k3s' own, and pods get no address.",
            "rm -r /etc/cni/net.d /var/lib/cni, then reboot",
        ),
    Check::new(
        Previous,
        Id::PreviousIptables,
        "Saved packet filter rules",
        saved_rules,
    )
    .reading(&[Present(SAVED_RULES), Text(SAVED_RULES)])
    .why(
        "Rules of a cluster that were saved come back at each boot and point at pods that are gone.",
        "Take the KUBE- and CNI- lines out of /etc/iptables/rules.v4, or remove iptables-persistent.",
    ),
    Check::new(Previous, Id::StaleInstallState, "Earlier appliance", appliance)
        .reading(&[Present(LEGACY[0]), Present(LEGACY[1])])
        .why(
            "Programs of an earlier appliance start beside this one and change what it manages.",
            "systemctl disable --now alga-appliance.service; rm -r /opt/alga-appliance/scripts",
        )
        .automatic("Mask the earlier unit."),
];

fn there(facts: &Facts, paths: &[&str], clean: &str) -> Judged {
    let mut found = Vec::new();
    for path in paths {
        if facts.host.has(path)? {
            found.push(format!("/{path}"));
        }
    }
    none_of(&found, clean, "found")
}

fn k3s(facts: &Facts) -> Judged {
    there(facts, &K3S, "none")
}

fn kubernetes(facts: &Facts) -> Judged {
    let running = facts.host.processes.as_ref().map_err(Clone::clone)?;
    // k3s runs the kubelet inside its own process.
    if running.contains("kubelet") {
        return bad("a kubelet of its own runs");
    }
    there(facts, &KUBERNETES, "none")
}

fn runtime(facts: &Facts) -> Judged {
    there(facts, &RUNTIMES, "none")
}

fn cni(facts: &Facts) -> Judged {
    let interfaces = facts.host.interfaces.as_ref().map_err(Clone::clone)?;
    let is_foreign = |name: &&String| FOREIGN_INTERFACES.iter().any(|prefix| name.starts_with(prefix));
    let left: Vec<_> = interfaces.keys().filter(is_foreign).cloned().collect();
    if left.is_empty() {
        there(facts, &CNI, "none")
    } else {
        none_of(&left, "none", "interfaces")
    }
}

fn saved_rules(facts: &Facts) -> Judged {
    if !facts.host.has(SAVED_RULES)? {
        return good("none");
    }
    let text = facts.host.text(SAVED_RULES)?;
    let count = text
        .lines()
        .filter(|line| line.contains("KUBE-") || line.contains("CNI-"))
        .count();
    if count == 0 {
        good("none of a cluster")
    } else {
        bad(format!("{count} rules of a cluster"))
    }
}

fn appliance(facts: &Facts) -> Judged {
    there(facts, &LEGACY, "none")
}
