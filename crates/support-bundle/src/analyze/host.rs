//! What the machine shows.

use appliance_common::findings::FindingId as Id;

use super::{Analyzer, Read, Seen, at, lines_with, name, objects, seen};

/// In the order of causes.
pub(super) const ANALYZERS: &[Analyzer] = &[
    Analyzer {
        id: Id::DiskSpace,
        title: "A disk is full, or nearly",
        needs: "host/disk-usage.txt",
        next_step: "Free space on that disk, or enlarge it: df -h; du -xh --max-depth=2 / | sort -h | tail",
        judge: |read| usage(read, "host/disk-usage.txt"),
    },
    Analyzer {
        id: Id::InodeSpace,
        title: "A disk has no room for more files, or nearly",
        needs: "host/disk-inodes.txt",
        next_step: "Find directories with very many files: df -i",
        judge: |read| usage(read, "host/disk-inodes.txt"),
    },
    Analyzer {
        id: Id::DiskReadOnly,
        title: "A disk is read-only",
        needs: "host/mounts.txt",
        next_step: "Look at the kernel's log for errors of the disk, then check the disk.",
        judge: read_only,
    },
    Analyzer {
        id: Id::OomKills,
        title: "The kernel ended processes for lack of memory",
        needs: "host/kernel-log.txt",
        next_step: "Give the machine more memory, or find who takes it: host/processes.txt",
        judge: |read| {
            some(
                read,
                "host/kernel-log.txt",
                &["Out of memory", "oom-kill", "oom_reaper"],
                true,
            )
        },
    },
    Analyzer {
        id: Id::MemoryPressure,
        title: "Little memory is left",
        needs: "host/memory.txt",
        next_step: "See host/processes.txt for who takes it; give the machine more memory.",
        judge: memory,
    },
    Analyzer {
        id: Id::ClockSync,
        title: "The clock is not set by a time service",
        needs: "host/timedatectl.txt",
        next_step: "timedatectl set-ntp true; check that UDP port 123 is let through.",
        judge: clock,
    },
    Analyzer {
        id: Id::K3sRestarts,
        title: "k3s was restarted again and again, or does not run",
        needs: "host/k3s-service-properties.txt",
        next_step: "journalctl -u k3s -n 200",
        judge: k3s,
    },
    Analyzer {
        id: Id::K3sVersion,
        title: "Another k3s runs than is installed",
        needs: "host/k3s-version.txt",
        next_step: "systemctl restart k3s; a replacement that was cut short is ended by: alga-appliance-bootstrap replace-k3s",
        judge: k3s_version,
    },
    Analyzer {
        id: Id::HostUnits,
        title: "Units of systemd have failed",
        needs: "host/failed-units.txt",
        next_step: "systemctl status UNIT; journalctl -u UNIT",
        judge: failed_units,
    },
    Analyzer {
        id: Id::NetworkDefaultRoute,
        title: "The machine has no default route",
        needs: "host/routes.txt",
        next_step: "Connect a network with a gateway; k3s does not start without one.",
        judge: route,
    },
    Analyzer {
        id: Id::DnsGhcr,
        title: "Names are not found",
        needs: "network/probes.txt",
        next_step: "Check the DNS servers of this machine: resolvectl status",
        judge: |read| some(read, "network/probes.txt", &["dns FAILED"], true),
    },
    Analyzer {
        id: Id::TlsGhcr,
        title: "Somebody else answers in the registry's name",
        needs: "network/probes.txt",
        next_step: "A proxy or firewall opens TLS: add its authority (ALGA_APPLIANCE_CA_BUNDLE), or exempt the hosts.",
        judge: |read| some(read, "network/probes.txt", &["tls FAILED"], true),
    },
    Analyzer {
        id: Id::EgressRegistry,
        title: "A host that the appliance needs cannot be reached",
        needs: "network/probes.txt",
        next_step: "Let HTTPS (port 443) out to these hosts.",
        judge: |read| some(read, "network/probes.txt", &["https FAILED"], false),
    },
    Analyzer {
        id: Id::NetworkPorts,
        title: "A port that the appliance needs is somebody else's",
        needs: "host/appliance-journal.txt",
        next_step: "ss -lntp; stop the other program, or move it to another port.",
        judge: |read| {
            some(
                read,
                "host/appliance-journal.txt",
                &["address already in use"],
                true,
            )
        },
    },
    Analyzer {
        id: Id::CertExpiry,
        title: "A certificate has expired",
        needs: "host/appliance-journal.txt",
        next_step: "Check the clock first; then: k3s certificate rotate",
        judge: |read| {
            some(
                read,
                "host/appliance-journal.txt",
                &["certificate has expired", "not yet valid"],
                true,
            )
        },
    },
    Analyzer {
        id: Id::DiskFsync,
        title: "The disk is slow for the datastore",
        needs: "host/appliance-journal.txt",
        next_step: "Move /var/lib/rancher to a faster disk (SSD).",
        judge: |read| {
            some(
                read,
                "host/appliance-journal.txt",
                &["apply request took too long", "slow fdatasync", "Slow SQL"],
                false,
            )
        },
    },
];

/// A percentage of `df`.
fn usage(read: Read<'_>, member: &str) -> Vec<Seen> {
    let text = read(member).unwrap_or_default();
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let cells: Vec<_> = line.split_whitespace().collect();
        let [device, .., used, mount] = cells.as_slice() else {
            continue;
        };
        let is_real = device.starts_with("/dev/") && !device.starts_with("/dev/loop");
        let percent = used
            .strip_suffix('%')
            .and_then(|number| number.parse::<u32>().ok());
        if let Some(percent) = percent.filter(|percent| is_real && *percent >= 80) {
            found.push(seen(
                percent >= 90,
                format!("{mount} is {percent} % full"),
                format!("{member}#{}", at + 1),
            ));
        }
    }
    found
}

fn some(read: Read<'_>, member: &str, any: &[&str], is_fail: bool) -> Vec<Seen> {
    let lines = lines_with(read, member, any);
    let Some((_, last)) = lines.last() else {
        return Vec::new();
    };
    let detail = format!("{} lines, the last: {}", lines.len(), last.trim());
    let evidence = lines
        .iter()
        .rev()
        .take(5)
        .map(|(place, _)| place.clone())
        .collect();
    vec![Seen {
        is_fail,
        detail,
        evidence,
    }]
}

fn read_only(read: Read<'_>) -> Vec<Seen> {
    let text = read("host/mounts.txt").unwrap_or_default();
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let cells: Vec<_> = line.split_whitespace().collect();
        let [device, mount, kind, options, ..] = cells.as_slice() else {
            continue;
        };
        let is_data = device.starts_with("/dev/") && ["ext4", "xfs", "btrfs"].contains(kind);
        if is_data && options.split(',').any(|option| option == "ro") {
            found.push(seen(
                true,
                format!("{mount} ({device})"),
                format!("host/mounts.txt#{}", at + 1),
            ));
        }
    }
    found
}

fn memory(read: Read<'_>) -> Vec<Seen> {
    let text = read("host/memory.txt").unwrap_or_default();
    let of = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let (Some(total), Some(free)) = (of("MemTotal:"), of("MemAvailable:")) else {
        return Vec::new();
    };
    let percent = free * 100 / total.max(1);
    if percent >= 10 {
        return Vec::new();
    }
    vec![seen(
        percent < 4,
        format!("{} of {} MiB are available", free >> 10, total >> 10),
        "host/memory.txt".to_owned(),
    )]
}

fn clock(read: Read<'_>) -> Vec<Seen> {
    some(read, "host/timedatectl.txt", &["NTPSynchronized=no"], false)
}

fn k3s(read: Read<'_>) -> Vec<Seen> {
    let text = read("host/k3s-service-properties.txt").unwrap_or_default();
    let of = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
    let state = of("ActiveState=").unwrap_or_default();
    let restarts = of("NRestarts=")
        .and_then(|count| count.parse::<u32>().ok())
        .unwrap_or(0);
    let is_down = !state.is_empty() && state != "active";
    if !is_down && restarts < 3 {
        return Vec::new();
    }
    let detail = format!("it is {state} and was restarted {restarts} times");
    vec![seen(
        is_down,
        detail,
        "host/k3s-service-properties.txt".to_owned(),
    )]
}

/// The program on the disk, and the kubelet that is part of the one that runs.
fn k3s_version(read: Read<'_>) -> Vec<Seen> {
    let text = read("host/k3s-version.txt").unwrap_or_default();
    let installed = text.split_whitespace().find(|word| word.contains("+k3s"));
    let Some(installed) = installed else {
        return Vec::new();
    };
    objects(read, "nodes")
        .into_iter()
        .filter_map(|(line, node)| {
            let runs = node["status"]["nodeInfo"]["kubeletVersion"].as_str()?;
            let detail = format!("{} runs {runs}, and {installed} is installed", name(&node));
            (runs != installed).then(|| seen(false, detail, at("nodes", line)))
        })
        .collect()
}

fn failed_units(read: Read<'_>) -> Vec<Seen> {
    some(
        read,
        "host/failed-units.txt",
        &[".service loaded failed", "failed failed"],
        false,
    )
}

fn route(read: Read<'_>) -> Vec<Seen> {
    let text = read("host/routes.txt").unwrap_or_default();
    if text.contains("default") || !text.contains("ip route\n") {
        return Vec::new();
    }
    vec![seen(
        true,
        "no line of the routes is the default".to_owned(),
        "host/routes.txt".to_owned(),
    )]
}
