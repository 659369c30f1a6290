//! The record, the API server, nodes, disks.

use super::{Entry, Layer};
use crate::findings::FindingId;

pub(super) const ENTRIES: &[Entry] = &[
    Entry::new(
        FindingId::StateUnreadable,
        Layer::Setup,
        "The record of the installation is there and cannot be read.",
    )
    .means(
        "The appliance does not know how far its installation is, and changes nothing until it does.",
        "Make a support bundle, or restore the file named.",
    ),
    Entry::new(
        FindingId::ApiUnreachable,
        Layer::Kubernetes,
        "The Kubernetes API does not answer on a box whose setup is over, or beside a failure of setup.",
    )
    .means(
        "What runs goes on running, but nothing is watched, repaired or updated, and what is shown here is old.",
        "Wait two minutes if the box was just started. Then restart k3s on the box (systemctl restart k3s), or \
         restart the box.",
    ),
    Entry::new(
        FindingId::NodeReady,
        Layer::Kubernetes,
        "A node's condition Ready is not True.",
    )
    .means(
        "Nothing new is started on this node, and what runs there is not looked after.",
        "See what k3s says on the box: journalctl -u k3s -n 100. Restart the box if it says nothing helpful.",
    ),
    Entry::new(
        FindingId::DiskSpace,
        Layer::Storage,
        "The disk of the application's data is full or nearly so, a node reports DiskPressure, or a container \
         that is down says that no space is left.",
    )
    .means(
        "Databases stop when they cannot write, and Kubernetes throws out what runs to make room.",
        "Enlarge the disk, or delete what does not belong on it; what was stopped starts again by itself.",
    ),
    Entry::new(
        FindingId::InodeSpace,
        Layer::Storage,
        "The disk of the application's data has no inode left.",
    )
    .means(
        "No file can be made although there is room left.",
        "Remove trees of small files from the disk; what was stopped starts again by itself.",
    ),
    Entry::new(
        FindingId::NetworkUnavailable,
        Layer::Kubernetes,
        "A node's condition NetworkUnavailable is True.",
    )
    .means(
        "Pods of this node do not reach each other.",
        "Restart k3s on the box (systemctl restart k3s).",
    ),
    Entry::new(
        FindingId::MemoryPressure,
        Layer::Kubernetes,
        "A node's condition MemoryPressure is True.",
    )
    .means(
        "Kubernetes ends what uses most memory until there is enough.",
        "Stop what does not belong on this box, or give the machine more memory.",
    ),
    Entry::new(
        FindingId::PidPressure,
        Layer::Kubernetes,
        "A node's condition PIDPressure is True.",
    )
    .means(
        "Soon no process can be started any more.",
        "Find what starts so many processes (ps -e --sort=pid | tail), or restart the box.",
    ),
    Entry::new(
        FindingId::NodeUnschedulable,
        Layer::Kubernetes,
        "A node is told to take no new pods.",
    )
    .means(
        "What runs there stays; what ends there does not come back.",
        "When the maintenance is over: kubectl uncordon and the node's name.",
    ),
];
