//! Nodes and the disk of the application's data.

use super::Scene;
use crate::findings::FindingId;
use crate::readiness::draft::{Draft, Gates};
use crate::readiness::observed::{Condition, Node};
use crate::readiness::parts::condition;
use crate::readiness::words::{since, size};

/// What a node's condition says when it is `True`.
const PRESSURES: [(&str, FindingId, Gates, &str); 4] = [
    (
        "DiskPressure",
        FindingId::DiskSpace,
        Gates::Login,
        "has too little room on its disk",
    ),
    (
        "MemoryPressure",
        FindingId::MemoryPressure,
        Gates::Nothing,
        "has too little memory",
    ),
    (
        "PIDPressure",
        FindingId::PidPressure,
        Gates::Nothing,
        "has too many processes",
    ),
    (
        "NetworkUnavailable",
        FindingId::NetworkUnavailable,
        Gates::Login,
        "has no network for its pods",
    ),
];

pub(super) fn drafts(scene: &Scene) -> Vec<Draft> {
    let mut drafts = disk(scene);
    if let Ok(nodes) = scene.seen.cluster.nodes.current() {
        drafts.extend(nodes.known.values().flat_map(node));
    }
    drafts
}

fn node(node: &Node) -> Vec<Draft> {
    let about = |id, gates, reason: String, condition: Option<&Condition>| {
        Draft::new(id, gates, &node.name, reason)
            .since(condition.and_then(|condition| condition.since))
            .object("Node", None, &node.name)
    };
    let mut drafts = Vec::new();
    let ready = condition(&node.conditions, "Ready");
    if ready.is_none_or(|ready| ready.status != "True") {
        let when = since(ready.and_then(|ready| ready.since));
        let reason = format!("Node {} is not ready{when}", node.name);
        drafts.push(about(FindingId::NodeReady, Gates::Login, reason, ready));
    }
    for (kind, id, gates, what) in PRESSURES {
        if let Some(condition) = condition(&node.conditions, kind).filter(|found| found.status == "True") {
            let reason = format!("Node {} {what}", node.name);
            drafts.push(about(id, gates, reason, Some(condition)));
        }
    }
    if node.unschedulable {
        let reason = format!("Node {} is told to take no new pods", node.name);
        drafts.push(about(FindingId::NodeUnschedulable, Gates::Nothing, reason, None));
    }
    drafts
}

/// Full is less than one part in a hundred; nearly so is less than ten.
fn disk(scene: &Scene) -> Vec<Draft> {
    let Some(disk) = &scene.seen.data_disk else {
        return Vec::new();
    };
    let mut drafts = Vec::new();
    let is_below = |free: u64, total: u64, percent: u64| {
        u128::from(free) * 100 < u128::from(total) * u128::from(percent)
    };
    let left = format!(
        "{} of {} left on {}",
        size(disk.free_bytes),
        size(disk.total_bytes),
        disk.path.display()
    );
    if is_below(disk.free_bytes, disk.total_bytes, 1) {
        let reason = format!("The database disk is full ({left})");
        drafts.push(Draft::new(FindingId::DiskSpace, Gates::Login, "db", reason));
    } else if is_below(disk.free_bytes, disk.total_bytes, 10) {
        let reason = format!("The database disk is nearly full ({left})");
        drafts.push(Draft::new(FindingId::DiskSpace, Gates::Nothing, "db", reason));
    }
    if disk.total_inodes > 0 && is_below(disk.free_inodes, disk.total_inodes, 1) {
        let reason = format!(
            "The database disk has no inode left ({} of {} on {})",
            disk.free_inodes,
            disk.total_inodes,
            disk.path.display()
        );
        drafts.push(Draft::new(FindingId::InodeSpace, Gates::Login, "db", reason));
    }
    drafts
}
