//! Room and speed of disks.

use std::time::Duration;

use super::Source::Text;
use super::{Check, Group::Disk};
use crate::findings::FindingId as Id;
use crate::preflight::facts::{Facts, Reading, Space};
use crate::preflight::verdict::{Judged, Level, Verdict, at_least, bad, good, odd};

const MOUNTS: &str = "proc/mounts";
/// Where k3s keeps its datastore and images.
const DATASTORE: &str = "/var/lib/rancher";

const GIB: u64 = 1 << 30;
const MIN_DATASTORE: u64 = 20 * GIB;
const GOOD_DATASTORE: u64 = 40 * GIB;
const MIN_DATA: u64 = 40 * GIB;
/// What the application's volumes claim together.
const GOOD_DATA: u64 = 120 * GIB;
const MIN_STATE: u64 = GIB;
const WARN_PERCENT: u64 = 80;
const FAIL_PERCENT: u64 = 90;
/// etcd's guidance, and what Embedded Cluster asks for; sqlite below k3s waits for the same writes.
const GOOD_FSYNC: Duration = Duration::from_millis(10);
const MAX_FSYNC: Duration = Duration::from_millis(100);
/// File systems on which locks or durable writes do not do what a database needs.
const UNFIT: [&str; 7] = ["nfs", "nfs4", "cifs", "fuse.sshfs", "9p", "tmpfs", "ramfs"];

pub(super) const CHECKS: &[Check] = &[
    Check::new(Disk, Id::DiskSpace, "Room for images and datastore", datastore)
        .blocking()
        .why(
            "Images take about 15 GiB; when the disk is full the cluster throws out its own services.",
            "Enlarge the disk, or remove what does not belong here: du -xh --max-depth=2 /var | sort -h",
        ),
    Check::new(Disk, Id::DiskSpaceData, "Room for the application's data", data)
        .blocking()
        .why(
            "The application's volumes claim 120 GiB; below 40 GiB the first attachments fill the disk.",
            "Enlarge the disk that holds /var/mnt/alga-data.",
        ),
    Check::new(Disk, Id::DiskSpaceState, "Room for the appliance's state", state)
        .strict()
        .why(
            "Progress is written before each action; without room setup cannot go on safely.",
            "Make at least 1 GiB free on the disk that holds /var/lib/alga-appliance.",
        ),
    Check::new(Disk, Id::InodeSpace, "Inodes", inodes)
        .blocking()
        .why(
            "Unpacked images are hundreds of thousands of files; without inodes the disk is full with room left.",
            "Remove trees of small files, or make the file system anew with more inodes.",
        ),
    Check::new(Disk, Id::DiskFsync, "Speed of durable writes", fsync)
        .blocking()
        .why(
            "The cluster's datastore waits for each write; when they are slow, leases run out and services restart.",
            "Use an SSD, and a storage controller whose cache is protected by a battery.",
        ),
    Check::new(Disk, Id::DiskReadOnly, "Writable disks", writable)
        .strict()
        .why(
            "A disk that turned read-only has met an error; nothing can be stored on it.",
            "dmesg | grep -i error, then fsck the file system or replace the disk.",
        ),
    Check::new(Disk, Id::DiskFilesystem, "File system of the datastore", filesystem)
        .blocking()
        .reading(&[Text(MOUNTS)])
        .why(
            "Databases on network or memory file systems lose what they have confirmed.",
            "Put /var/lib/rancher on a local ext4 or xfs file system.",
        ),
];

fn size(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / GIB;
    format!("{}.{} GiB", tenths / 10, tenths % 10)
}

fn room(space: &Reading<Space>, needed: u64, wanted: u64) -> Judged {
    let space = space.as_ref().map_err(Clone::clone)?;
    let used = percent_used(space.total, space.free);
    let measured = format!(
        "{} of {} free, {used} % used (needed: {}, better {})",
        size(space.free),
        size(space.total),
        size(needed),
        size(wanted)
    );
    match at_least(&space.free, &needed, &wanted, measured)? {
        verdict if used >= FAIL_PERCENT => bad(verdict.measured),
        Verdict {
            level: Level::Good,
            measured,
        } if used >= WARN_PERCENT => odd(measured),
        verdict => Ok(verdict),
    }
}

fn percent_used(total: u64, free: u64) -> u64 {
    total.saturating_sub(free).saturating_mul(100) / total.max(1)
}

fn datastore(facts: &Facts) -> Judged {
    room(&facts.host.disks.datastore, MIN_DATASTORE, GOOD_DATASTORE)
}

fn data(facts: &Facts) -> Judged {
    room(&facts.host.disks.data, MIN_DATA, GOOD_DATA)
}

fn state(facts: &Facts) -> Judged {
    let space = facts.host.disks.state.as_ref().map_err(Clone::clone)?;
    let measured = format!("{} of {} free", size(space.free), size(space.total));
    at_least(&space.free, &MIN_STATE, &MIN_STATE, measured)
}

fn inodes(facts: &Facts) -> Judged {
    let disks = &facts.host.disks;
    // Inside a container the state volume is the only disk of the host that can be seen.
    let space = disks
        .datastore
        .as_ref()
        .or(disks.state.as_ref())
        .map_err(Clone::clone)?;
    if space.inodes == 0 {
        return good("this file system does not run out of them");
    }
    let used = percent_used(space.inodes, space.inodes_free);
    let measured = format!("{used} % used, {} free", space.inodes_free);
    match used {
        FAIL_PERCENT.. => bad(measured),
        WARN_PERCENT.. => odd(measured),
        _ => good(measured),
    }
}

fn fsync(facts: &Facts) -> Judged {
    let found = facts.host.disks.fsync.as_ref().map_err(Clone::clone)?;
    let measured = format!(
        "99 of 100 take at most {:.1} ms ({} writes at {})",
        found.p99.as_secs_f64() * 1000.0,
        found.writes,
        found.path
    );
    match found.p99 {
        slow if slow > MAX_FSYNC => bad(measured),
        slow if slow > GOOD_FSYNC => odd(measured),
        _ => good(measured),
    }
}

fn writable(facts: &Facts) -> Judged {
    let disks = &facts.host.disks;
    let state = disks.state.as_ref().map_err(Clone::clone)?;
    let others = [("datastore", &disks.datastore), ("data", &disks.data)];
    let mut stuck: Vec<_> = others
        .iter()
        .filter(|(_, space)| space.as_ref().is_ok_and(|space| space.read_only))
        .map(|(name, _)| *name)
        .collect();
    if state.read_only {
        stuck.push("state");
    }
    if stuck.is_empty() {
        good("all that can be seen are writable")
    } else {
        bad(format!("read-only: {}", stuck.join(", ")))
    }
}

fn filesystem(facts: &Facts) -> Judged {
    if facts.host.view == crate::preflight::facts::View::Container {
        return Err("only this container's mounts can be seen".to_owned().into());
    }
    let mounts = facts.host.text(MOUNTS)?.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        Some((words.next()?, words.next()?))
    });
    let holds = |point: &str| {
        point == "/"
            || DATASTORE
                .strip_prefix(point)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let (_, kind) = mounts
        .filter(|(point, _)| holds(point))
        .max_by_key(|(point, _)| point.len())
        .ok_or_else(|| format!("/{MOUNTS} does not say what {DATASTORE} is on"))?;
    if UNFIT.contains(&kind) {
        bad(format!("{DATASTORE} is on {kind}"))
    } else {
        good(kind)
    }
}
