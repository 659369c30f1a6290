//! Whether the process that is recorded as running an update still does.
//!
//! The shipped product recorded PID and time. A PID alone says nothing: after a restart of the container
//! small PIDs are there again at once. So the process must also have begun before its update did.

use std::path::Path;

use appliance_common::readiness::observed::UpdateOwner;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// Statuses of an update that somebody works on.
const UNDER_WAY: [&str; 6] = [
    "update-queued",
    "update-running",
    "release-config-running",
    "storage-install-running",
    "runtime-values-running",
    "flux-source-running",
];
/// Ticks a second in `proc_pid_stat(5)`, on every architecture that Linux has.
const TICKS: i64 = 100;
/// The field of `proc_pid_stat(5)`, counted behind the name, that says when a process began.
const STARTED: usize = 19;

/// `None` while no update is under way.
pub(super) fn of(document: &Value) -> Option<UpdateOwner> {
    owner(document, Path::new("/proc"))
}

fn owner(document: &Value, proc: &Path) -> Option<UpdateOwner> {
    let update = document.get("update").filter(|update| update.is_object())?;
    let status = document["status"].as_str()?;
    if !UNDER_WAY.contains(&status) {
        return None;
    }
    let owner = &update["owner"];
    let pid = owner["pid"].as_u64().filter(|pid| *pid > 0);
    let began = owner["startedAt"]
        .as_str()
        .and_then(|at| at.parse::<Timestamp>().ok());
    let (Some(pid), Some(began)) = (pid, began) else {
        return Some(UpdateOwner::Gone);
    };
    Some(match process_began(proc, pid) {
        Ok(None) => UpdateOwner::Gone,
        Ok(Some(process)) if process > began => UpdateOwner::Gone,
        Ok(Some(_)) => UpdateOwner::Alive,
        Err(_) => UpdateOwner::Unknown,
    })
}

/// When a process began; `Ok(None)` when there is none.
fn process_began(proc: &Path, pid: u64) -> std::io::Result<Option<Timestamp>> {
    let stat = match std::fs::read_to_string(proc.join(pid.to_string()).join("stat")) {
        Ok(stat) => stat,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let boot = std::fs::read_to_string(proc.join("stat"))?;
    let unclear = || std::io::Error::other("not as proc(5) describes it");
    let boot = boot
        .lines()
        .find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok());
    // The name, in parentheses, can hold anything.
    let fields = stat
        .rsplit_once(") ")
        .map(|(_, fields)| fields)
        .ok_or_else(unclear)?;
    let ticks = fields
        .split(' ')
        .nth(STARTED)
        .and_then(|ticks| ticks.parse::<i64>().ok());
    let boot = Timestamp::from_second(boot.ok_or_else(unclear)?).map_err(|_| unclear())?;
    let since_boot = SignedDuration::from_millis(ticks.ok_or_else(unclear)? * 1000 / TICKS);
    boot.checked_add(since_boot).map(Some).map_err(|_| unclear())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A process 7 that began 1000 s after a boot at second 500.
    fn proc() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("7")).unwrap();
        let write = |name: &str, text: &str| {
            appliance_common::state_file::replace(&dir.path().join(name), text.as_bytes(), 0o600).unwrap();
        };
        write("stat", "cpu 1 2\nbtime 500\n");
        let before = "S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0";
        write("7/stat", &format!("7 (a) b (c) {before} 100000 0 0\n"));
        dir
    }

    fn recorded(status: &str, owner: &Value) -> Value {
        json!({"status": status, "update": {"owner": owner}})
    }

    #[test]
    fn a_process_that_began_after_its_update_is_another() {
        let proc = proc();
        let of = |owner: &Value| super::owner(&recorded("update-running", owner), proc.path());
        let at = |second: i64| Timestamp::from_second(second).unwrap().to_string();
        assert_eq!(
            of(&json!({"pid": 7, "startedAt": at(1600)})),
            Some(UpdateOwner::Alive)
        );
        assert_eq!(
            of(&json!({"pid": 7, "startedAt": at(1400)})),
            Some(UpdateOwner::Gone)
        );
        assert_eq!(
            of(&json!({"pid": 8, "startedAt": at(1600)})),
            Some(UpdateOwner::Gone)
        );
        for unusable in [
            json!(null),
            json!({"pid": 0}),
            json!({"pid": 7, "startedAt": "soon"}),
        ] {
            assert_eq!(of(&unusable), Some(UpdateOwner::Gone), "{unusable}");
        }
    }

    #[test]
    fn without_an_update_under_way_nobody_is_looked_for() {
        let proc = proc();
        assert_eq!(
            super::owner(&json!({"status": "update-running"}), proc.path()),
            None
        );
        assert_eq!(
            super::owner(&recorded("update-complete", &json!({"pid": 7})), proc.path()),
            None
        );
    }
}
