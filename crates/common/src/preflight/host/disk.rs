//! Room on the disks, and how long a durable write takes.

use std::fs::{File, OpenOptions, remove_file};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statvfs::{FsFlags, statvfs};

use super::HIDDEN;
use super::view;
use crate::preflight::facts::{Disks, Fsync, Reading, Space, View};
use crate::random;

/// Longest time that durable writes are timed.
pub const FSYNC_LIMIT: Duration = Duration::from_secs(1);
/// Most writes: enough for a 99th percentile.
const WRITES: usize = 100;
/// Fewest writes that say anything.
const FEW: usize = 5;
/// About the size of one write of the datastore, as etcd's guide has it for `fio`.
const BLOCK: [u8; 2304] = [0x5a; 2304];

const DATASTORE: &str = "var/lib/rancher/k3s/server/db";
const DATA: &str = "var/mnt/alga-data";

/// Looks at the disks below `root`, and at the one of the appliance's state. Durable writes are timed only
/// when asked for, into a file that has no name by then.
#[must_use]
pub fn read(root: &Path, state: &Path, timed: bool) -> Disks {
    let sees_host = view(root) == View::Host;
    let below = |path: &str| {
        let seen = sees_host.then(|| existing(&root.join(path)));
        seen.ok_or_else(|| HIDDEN.to_owned())
    };
    let datastore = below(DATASTORE);
    Disks {
        data: below(DATA).and_then(|path| space(&path)),
        state: space(&existing(state)),
        fsync: if timed {
            fsync(datastore.as_deref().unwrap_or(state), state)
        } else {
            Err("durable writes were not timed".to_owned())
        },
        datastore: datastore.and_then(|path| space(&path)),
    }
}

/// The directory, or the nearest one above that is there: that is the disk it will be made on.
fn existing(path: &Path) -> PathBuf {
    let found = path.ancestors().find(|path| path.is_dir());
    found.unwrap_or(path).to_owned()
}

fn space(path: &Path) -> Reading<Space> {
    let found =
        statvfs(path).map_err(|error| format!("asking for the room at {}: {error}", path.display()))?;
    Ok(Space {
        total: found.blocks().saturating_mul(found.fragment_size()),
        free: found.blocks_available().saturating_mul(found.fragment_size()),
        inodes: found.files(),
        inodes_free: found.files_available(),
        read_only: found.flags().contains(FsFlags::ST_RDONLY),
    })
}

/// The pod may not write to the datastore; its state volume is then the nearest thing.
fn fsync(datastore: &Path, state: &Path) -> Reading<Fsync> {
    let measured = |dir: &Path| {
        let times = time_writes(dir)?;
        Ok::<_, io::Error>((dir.display().to_string(), times))
    };
    let (path, mut times) = measured(datastore)
        .or_else(|_| measured(&existing(state)))
        .map_err(|error| format!("timing durable writes at {}: {error}", state.display()))?;
    times.sort_unstable();
    let at = (times.len() * 99).div_ceil(100).saturating_sub(1);
    match times.get(at) {
        Some(p99) if times.len() >= FEW => Ok(Fsync {
            p99: *p99,
            writes: times.len(),
            path,
        }),
        _ => Err(format!(
            "{path} took fewer than {FEW} durable writes in {} s",
            FSYNC_LIMIT.as_secs_f32()
        )),
    }
}

fn time_writes(dir: &Path) -> io::Result<Vec<Duration>> {
    let mut file = nameless(dir)?;
    let began = Instant::now();
    let mut times = Vec::with_capacity(WRITES);
    while times.len() < WRITES && began.elapsed() < FSYNC_LIMIT {
        let start = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    Ok(times)
}

/// A file that is gone from its directory at once, so that no crash leaves one behind.
fn nameless(dir: &Path) -> io::Result<File> {
    let path = dir.join(format!(".alga-preflight-{}", random::id()));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)?;
    remove_file(&path)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durable_writes_are_timed_and_leave_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let found = fsync(dir.path(), dir.path()).unwrap();
        assert!(found.writes >= FEW && found.p99 > Duration::ZERO, "{found:?}");
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_disk_that_takes_no_writes_is_a_reason_not_a_number() {
        let nowhere = Path::new("/proc/nowhere");
        assert!(fsync(nowhere, nowhere).unwrap_err().contains("/proc"));
    }
}
