//! Whether the process that a running update names as its owner still is that process (40 W-41).

use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// How far the clock may have been set back between an owner's start and now.
const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// What became of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Liveness {
    /// It lives.
    Live,
    /// There is no such process any more, or another one has its id.
    Dead,
    /// It has lived longer than any update takes.
    Aged,
    /// The record names no process that could be looked for.
    Invalid,
}

/// A process as the kernel shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// Clock ticks from the boot to its start: with its id and the boot's it names a process for ever.
    pub(super) start_ticks: u64,
}

/// Judges `owner` of an update; `look` looks a process up. Pure but for it.
pub(super) fn judge(
    owner: &Value,
    boot_id: &str,
    max_age: Duration,
    now: Timestamp,
    look: impl FnOnce(u32) -> Option<Process>,
) -> Liveness {
    let pid = owner["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
    let started = owner["startedAt"]
        .as_str()
        .and_then(|at| at.parse::<Timestamp>().ok());
    let (Some(pid @ 1..), Some(started)) = (pid, started) else {
        return Liveness::Invalid;
    };
    let age = now.duration_since(started);
    if age < -SKEW {
        return Liveness::Invalid;
    }
    if owner["bootId"].as_str().is_some_and(|boot| boot != boot_id) {
        return Liveness::Dead;
    }
    let Some(process) = look(pid) else {
        return Liveness::Dead;
    };
    match ticks(&owner["processStartTicks"]) {
        // A record of ours: the process is this one or another.
        Some(recorded) if recorded != process.start_ticks => Liveness::Dead,
        None if age.unsigned_abs() > max_age => Liveness::Aged,
        Some(_) | None => Liveness::Live,
    }
}

fn ticks(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Looks a process up; proc(5), field 22 of `stat`. Anybody may read it, so a process of another user
/// counts as there.
pub(super) fn look(proc: &Path, pid: u32) -> Option<Process> {
    let stat = std::fs::read_to_string(proc.join(pid.to_string()).join("stat")).ok()?;
    // The name of the program, in brackets, may hold spaces and brackets.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    let start_ticks = fields.nth(18)?.parse().ok()?;
    Some(Process { start_ticks })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn judged(owner: &Value, live: Option<u64>) -> Liveness {
        let now = "2026-06-01T12:00:00Z".parse().unwrap();
        judge(owner, "this-boot", 6 * HOUR, now, |pid| {
            assert_eq!(pid, 7);
            live.map(|start_ticks| Process { start_ticks })
        })
    }

    #[test]
    fn an_owner_is_this_very_process_or_none() {
        use Liveness::{Aged, Dead, Invalid, Live};
        let ours = |ticks: u64, boot: &str| json!({"pid": 7, "startedAt": "2026-06-01T01:00:00Z", "processStartTicks": ticks, "bootId": boot});
        let shipped = |at: &str| json!({"pid": 7, "startedAt": at});
        for (owner, live, expected) in [
            (shipped("2026-06-01T11:00:00.000Z"), Some(1), Live),
            (shipped("2026-06-01T11:00:00.000Z"), None, Dead),
            (shipped("2026-06-01T06:00:00Z"), Some(1), Live),
            (shipped("2026-06-01T05:59:59Z"), Some(1), Aged),
            (shipped("2026-06-01T12:01:00Z"), Some(1), Invalid),
            (shipped("soon"), Some(1), Invalid),
            (ours(5, "this-boot"), Some(5), Live),
            (ours(5, "this-boot"), Some(6), Dead),
            (ours(5, "this-boot"), None, Dead),
            (ours(5, "another-boot"), Some(5), Dead),
            (
                json!({"pid": 0, "startedAt": "2026-06-01T11:00:00Z"}),
                Some(1),
                Invalid,
            ),
            (
                json!({"pid": -1, "startedAt": "2026-06-01T11:00:00Z"}),
                Some(1),
                Invalid,
            ),
            (json!({"pid": "7"}), Some(1), Invalid),
            (Value::Null, Some(1), Invalid),
        ] {
            assert_eq!(judged(&owner, live), expected, "{owner}");
        }
    }

    #[test]
    fn a_process_is_read_by_its_place_behind_any_name() {
        let dir = tempfile::tempdir().unwrap();
        let stat = |pid: u32, text: &str| {
            let place = dir.path().join(pid.to_string()).join("stat");
            appliance_common::state_file::replace(&place, text.as_bytes(), 0o600).unwrap();
        };
        let rest = "1 7 7 0 -1 4194560 1 0 0 0 1 1 0 0 20 0 3 0 4242 1000 9";
        stat(7, &format!("7 (a) b (c) S {rest}"));
        stat(8, &format!("8 (x) Z {rest}"));
        stat(9, "9 (x");
        assert_eq!(look(dir.path(), 7), Some(Process { start_ticks: 4242 }));
        for pid in [8, 9, 10] {
            assert_eq!(look(dir.path(), pid), None);
        }
        let own = look(Path::new("/proc"), std::process::id()).unwrap();
        assert_eq!(look(Path::new("/proc"), std::process::id()), Some(own));
    }
}
