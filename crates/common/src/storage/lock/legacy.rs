//! Locks of the shipped product. A process id tells little: it is reused, and the pod and the host
//! number theirs apart. So a holder counts as alive only if it is older than its lock.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The boot time in /proc/stat has whole seconds; proc(5).
const CLOCK_SLACK: f64 = 2.0;
/// Ticks a second in /proc/PID/stat: `USER_HZ`, 100 on every Linux that k3s runs on.
const USER_HZ: f64 = 100.0;

/// Removes an old form of the lock at `path`; gives the process id of a holder that is alive.
///
/// A directory is removed only if it is empty, a link only if its holder is gone; nothing else is
/// touched.
pub(super) fn clear(path: &Path) -> io::Result<Option<i32>> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if meta.is_dir() {
        fs::remove_dir(path)?;
        return Ok(None);
    }
    if !meta.is_symlink() {
        return Ok(None);
    }
    let target = fs::read_link(path)?;
    let pid = target.to_str().and_then(|text| text.parse::<i32>().ok());
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a float")]
    let made = meta.mtime() as f64;
    match pid.filter(|pid| is_holder(started(*pid), made)) {
        Some(pid) => Ok(Some(pid)),
        None => fs::remove_file(path).map(|()| None),
    }
}

/// Whether a process that started then can have made a lock at `made`. A process that is not there, or
/// is younger than the lock, only has the holder's number.
fn is_holder(started: Option<f64>, made: f64) -> bool {
    started.is_some_and(|started| started <= made + CLOCK_SLACK)
}

/// When a process started, in seconds since 1970; `None` when there is none of that number.
fn started(pid: i32) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = start_ticks(&stat)?;
    let system = fs::read_to_string("/proc/stat").ok()?;
    let boot = system.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(boot.trim().parse::<f64>().ok()? + ticks / USER_HZ)
}

/// Field 22 of /proc/PID/stat. The second field is a name in brackets that may hold anything.
fn start_ticks(stat: &str) -> Option<f64> {
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_a_process_older_than_its_lock() {
        assert!(is_holder(Some(100.0), 105.0));
        assert!(!is_holder(Some(110.0), 105.0), "the number was reused");
        assert!(!is_holder(None, 105.0));
    }

    #[test]
    fn the_start_of_a_process_is_read_whatever_its_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1";
        assert_eq!(start_ticks(stat), Some(4242.0));
        assert!(started(std::process::id().try_into().unwrap()).is_some());
        assert_eq!(started(i32::MAX), None);
    }
}
