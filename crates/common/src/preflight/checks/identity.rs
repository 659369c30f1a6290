//! What tells this box from others.

use super::Source::{Present, Text};
use super::{Check, Group::Identity};
use crate::findings::FindingId as Id;
use crate::preflight::facts::Facts;
use crate::preflight::verdict::{Judged, bad, good};

const HOSTNAME: &str = "proc/sys/kernel/hostname";
const HOSTS: &str = "etc/hosts";
const MACHINE_ID: &str = "etc/machine-id";
const PRODUCT_UUID: &str = "sys/class/dmi/id/product_uuid";

/// Longest label of a DNS name, and so of a node; RFC 1123.
const MAX_LABEL: usize = 63;
const MAX_NAME: usize = 253;
/// UUIDs that board makers ship by the thousand.
const SHARED_UUIDS: [&str; 3] = [
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "03000200-0400-0500-0006-000700080009",
];

pub(super) const CHECKS: &[Check] = &[
    Check::new(Identity, Id::HostnameValid, "Host name", hostname)
        .strict()
        .reading(&[Text(HOSTNAME)])
        .why(
            "The host name is the node's name in the cluster: lower-case letters, digits, dots and hyphens only.",
            "hostnamectl set-hostname alga-appliance, before the cluster is first started",
        ),
    Check::new(Identity, Id::HostnameResolves, "Own name", resolves)
        .reading(&[Text(HOSTNAME), Text(HOSTS)])
        .why(
            "Programs look up the name of their own machine; where it has no address they wait for a time-out.",
            "Add a line `127.0.1.1 NAME` to /etc/hosts.",
        )
        .automatic("Add the line to /etc/hosts."),
    Check::new(Identity, Id::MachineId, "Machine id", machine_id)
        .blocking()
        .reading(&[Present(MACHINE_ID), Text(MACHINE_ID)])
        .why(
            "Two boxes cloned with one machine id get the same DHCP address and look like one to support.",
            "rm /etc/machine-id; systemd-machine-id-setup; reboot",
        ),
    Check::new(Identity, Id::ProductUuid, "Hardware id", product_uuid)
        .reading(&[Present(PRODUCT_UUID), Text(PRODUCT_UUID)])
        .why(
            "A hardware id that many boards share does not tell this box from others.",
            "Set a UUID in the virtual machine's settings or in the firmware.",
        ),
];

fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn hostname(facts: &Facts) -> Judged {
    let name = facts.host.text(HOSTNAME)?.trim();
    if matches!(name, "" | "localhost" | "localhost.localdomain" | "(none)") {
        bad(format!("{name:?} is the name of every machine"))
    } else if name.len() <= MAX_NAME && name.split('.').all(is_label) {
        good(name)
    } else {
        bad(format!("{name:?} cannot be the name of a node"))
    }
}

fn resolves(facts: &Facts) -> Judged {
    let name = facts.host.text(HOSTNAME)?.trim();
    let hosts = facts.host.text(HOSTS)?.lines();
    let named = hosts
        .map(|line| line.split('#').next().unwrap_or_default())
        .any(|line| line.split_whitespace().skip(1).any(|known| known == name));
    if named {
        good(format!("/etc/hosts knows {name}"))
    } else {
        bad(format!("/etc/hosts does not know {name}"))
    }
}

fn machine_id(facts: &Facts) -> Judged {
    if !facts.host.has(MACHINE_ID)? {
        return bad("there is none");
    }
    let id = facts.host.text(MACHINE_ID)?.trim();
    let is_id = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) && id.bytes().any(|b| b != b'0');
    if is_id {
        good("set")
    } else {
        bad("empty or not initialised")
    }
}

fn product_uuid(facts: &Facts) -> Judged {
    if !facts.host.has(PRODUCT_UUID)? {
        return good("this machine has none");
    }
    let id = facts.host.text(PRODUCT_UUID)?.trim().to_ascii_lowercase();
    if SHARED_UUIDS.contains(&id.as_str()) {
        bad(format!("{id}, which many share"))
    } else {
        good("its own")
    }
}
