//! What the kernel says of this process.

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeValLike;

/// This process. What could not be read is not told.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProcessSample {
    /// Memory in use.
    pub resident_bytes: Option<u64>,
    /// Time on a processor, since the start.
    pub cpu_seconds: Option<f64>,
    /// Files and sockets that are open.
    pub open_fds: Option<u64>,
    /// As many as there may be.
    pub max_fds: Option<u64>,
    /// When counting began, in seconds since 1970.
    pub started_at_seconds: f64,
    /// How long ago that is.
    pub uptime_seconds: f64,
}

impl ProcessSample {
    /// This process now. Times are the caller's.
    #[must_use]
    pub fn take() -> Self {
        Self {
            resident_bytes: resident_bytes(),
            cpu_seconds: cpu_seconds(),
            open_fds: open_fds(),
            max_fds: getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft),
            ..Self::default()
        }
    }
}

/// `VmRSS` of `/proc/self/status`, in kB; proc(5).
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn cpu_seconds() -> Option<f64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok()?;
    let micros = (usage.user_time() + usage.system_time()).num_microseconds();
    u64::try_from(micros)
        .ok()
        .map(|micros| std::time::Duration::from_micros(micros).as_secs_f64())
}

/// The directory that is read to count them is one of them.
fn open_fds() -> Option<u64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(open.saturating_sub(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_asked_about_this_process() {
        let sample = ProcessSample::take();
        assert!(sample.resident_bytes.unwrap() > 100 * 1024);
        assert!(sample.cpu_seconds.is_some());
        assert!(sample.open_fds.unwrap() >= 3);
        assert!(sample.max_fds.unwrap() >= sample.open_fds.unwrap());
    }
}
