//! What is collected of the host, as data, and how one piece is taken (50 §8).

use std::time::Duration;

use appliance_common::agent_api::CapturedFile;
use tokio_util::sync::CancellationToken;

use crate::child::Finished;
use crate::launch::Launch;
use crate::output::Keep;
use crate::starter::Starter;

/// One command, and the file its output becomes.
#[derive(Debug, Clone, Copy)]
pub struct Capture {
    /// Path in a bundle; boxes in the field and support's tools rely on it.
    pub path: &'static str,
    /// Program and arguments.
    pub command: &'static [&'static str],
    /// Which end is kept of what is longer.
    keep: Keep,
}

/// Bytes kept of each.
const CAP: usize = 1024 * 1024;

/// A log's newest lines are its last ones.
const fn log(path: &'static str, command: &'static [&'static str]) -> Capture {
    Capture {
        path,
        command,
        keep: Keep::Tail,
    }
}

const fn list(path: &'static str, command: &'static [&'static str]) -> Capture {
    Capture {
        path,
        command,
        keep: Keep::Head,
    }
}

/// All of them, in the order they are answered; the first ten are the shipped product's.
pub const CAPTURES: [Capture; 31] = [
    log(
        "host/appliance-journal.txt",
        &[
            "journalctl",
            "--no-pager",
            "-n",
            "1000",
            "-u",
            "alga-appliance-bootstrap.service",
            "-u",
            "alga-appliance.service",
            "-u",
            "alga-appliance-console.service",
            "-u",
            "k3s.service",
        ],
    ),
    log(
        "host/k3s-service-status.txt",
        &["systemctl", "status", "--no-pager", "k3s.service"],
    ),
    log(
        "host/appliance-bootstrap-status.txt",
        &[
            "systemctl",
            "status",
            "--no-pager",
            "alga-appliance-bootstrap.service",
        ],
    ),
    log(
        "host/appliance-console-status.txt",
        &[
            "systemctl",
            "status",
            "--no-pager",
            "alga-appliance-console.service",
        ],
    ),
    list("host/disk-usage.txt", &["df", "-h"]),
    list("host/ip-addresses.txt", &["ip", "address"]),
    list("host/routes.txt", &["ip", "route"]),
    list("host/resolv-conf.txt", &["cat", "/etc/resolv.conf"]),
    list("host/dns-lookup-ghcr.txt", &["getent", "hosts", "ghcr.io"]),
    list(
        "host/https-ghcr.txt",
        &["curl", "-sSI", "--max-time", "10", "https://ghcr.io/v2/"],
    ),
    log(
        "host/host-agent-journal.txt",
        &[
            "journalctl",
            "--no-pager",
            "-o",
            "short-iso",
            "-n",
            "500",
            "-u",
            "alga-host-agent.service",
        ],
    ),
    log(
        "host/journal-48h.txt",
        &[
            "journalctl",
            "--no-pager",
            "-o",
            "short-iso",
            "--since",
            "-48h",
            "-p",
            "warning",
            "-n",
            "5000",
        ],
    ),
    log(
        "host/kernel-log.txt",
        &["journalctl", "--no-pager", "-o", "short-iso", "-k", "-n", "1000"],
    ),
    list("host/boots.txt", &["journalctl", "--no-pager", "--list-boots"]),
    list(
        "host/k3s-service-properties.txt",
        &[
            "systemctl",
            "show",
            "--no-pager",
            "-p",
            "ActiveState,SubState,NRestarts,ExecMainStatus,ExecMainStartTimestamp,MemoryCurrent",
            "k3s.service",
        ],
    ),
    list(
        "host/failed-units.txt",
        &["systemctl", "list-units", "--failed", "--no-pager", "--plain"],
    ),
    list("host/uname.txt", &["uname", "-a"]),
    list("host/os-release.txt", &["cat", "/etc/os-release"]),
    list("host/uptime.txt", &["cat", "/proc/uptime", "/proc/loadavg"]),
    list("host/timedatectl.txt", &["timedatectl", "show"]),
    list("host/memory.txt", &["cat", "/proc/meminfo"]),
    list(
        "host/pressure.txt",
        &[
            "cat",
            "/proc/pressure/cpu",
            "/proc/pressure/memory",
            "/proc/pressure/io",
        ],
    ),
    list("host/disk-types.txt", &["df", "-hT"]),
    list("host/disk-inodes.txt", &["df", "-i"]),
    list(
        "host/block-devices.txt",
        &["lsblk", "-o", "NAME,SIZE,TYPE,FSTYPE,MOUNTPOINT,RO"],
    ),
    list("host/mounts.txt", &["cat", "/proc/mounts"]),
    list(
        "host/processes.txt",
        &["ps", "-eo", "pid,user,rss,stat,etime,comm", "--sort=-rss"],
    ),
    list("host/sockets.txt", &["ss", "-lntu"]),
    list(
        "host/k3s-version.txt",
        &["/opt/alga-appliance/bin/k3s", "--version"],
    ),
    list(
        "host/k3s-config.txt",
        &[
            "find",
            "/etc/rancher/k3s",
            "-type",
            "f",
            "-printf",
            "%m %u %s %p\\n",
        ],
    ),
    list(
        "host/datastore-size.txt",
        &[
            "find",
            "/var/lib/rancher/k3s/server/db",
            "-maxdepth",
            "2",
            "-type",
            "f",
            "-printf",
            "%s %p\\n",
        ],
    ),
];

/// Takes one, within its own limit; whatever becomes of it is in the answer. What the command wrote goes through
/// `shown`: where it leaves the process, without secrets.
pub async fn take(
    capture: Capture,
    starter: &Starter,
    path: &str,
    limit: Duration,
    shown: impl Fn(&str) -> String,
) -> CapturedFile {
    let [program, arguments @ ..] = capture.command else {
        return CapturedFile::default();
    };
    let launch = Launch::new(*program)
        .args(arguments.iter().copied())
        .env("PATH", path)
        .env("LC_ALL", "C.UTF-8")
        .limit(limit)
        .cap(CAP)
        .keep(capture.keep);
    let finished = starter.start(launch, CancellationToken::new()).finished().await;
    file(capture, &finished, shown)
}

/// The command, what it wrote, and how it ended. Pure.
fn file(capture: Capture, finished: &Finished, shown: impl Fn(&str) -> String) -> CapturedFile {
    let mut parts = vec![format!("$ {}", capture.command.join(" "))];
    for (name, output) in [("output", &finished.stdout), ("errors", &finished.stderr)] {
        let text = output.text();
        let text = text.trim();
        if !text.is_empty() {
            parts.push(shown(text));
        }
        if output.truncated() {
            parts.push(format!(
                "[{} bytes of {name} in all; the rest was left out]",
                output.seen()
            ));
        }
    }
    parts.extend(finished.outcome.note().map(|note| format!("[{note}]")));
    CapturedFile {
        path: capture.path.to_owned(),
        ok: finished.outcome.ok(),
        status: finished.outcome.status(),
        content: parts.join("\n").trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_captures_become_the_same_file() {
        let paths: std::collections::BTreeSet<_> = CAPTURES.iter().map(|capture| capture.path).collect();
        assert_eq!(paths.len(), CAPTURES.len());
        assert!(
            paths
                .iter()
                .all(|path| path.starts_with("host/") && !path.contains(".."))
        );
    }
}
