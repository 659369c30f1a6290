//! What the host is and how it is doing, for `GET /v1/host-facts`. What cannot be read is left out.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use appliance_common::agent_api::{DiskFacts, HostFacts, OsRelease};
use appliance_common::host::k3s::said_version;
use appliance_common::names::DATA_MOUNT;
use appliance_kubectl_queue::Launch;
use nix::sys::statvfs::statvfs;
use tokio_util::sync::CancellationToken;

use crate::routes::Agent;
use crate::settings::Settings;

/// Longest time k3s may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_millis(800);

pub(crate) async fn read(agent: &Agent) -> HostFacts {
    let settings = &agent.settings;
    let text = |path: &str| fs::read_to_string(settings.below_root(path)).ok();
    let first_line = |path: &str| text(path).map(|text| text.trim().to_owned());
    HostFacts {
        os: text("/etc/os-release").map(|text| os_release(&text)),
        kernel: first_line("/proc/sys/kernel/osrelease"),
        k3s_version: k3s_version(agent).await,
        boot_id: first_line("/proc/sys/kernel/random/boot_id"),
        uptime_seconds: text("/proc/uptime").and_then(|text| text.split('.').next()?.parse().ok()),
        pending_reboot: Some(settings.below_root("/run/reboot-required").exists()),
        pending_security_updates: None,
        data_disk: disk(settings),
        resolvers: text("/etc/resolv.conf").map(|text| resolvers(&text)),
    }
}

/// The version of the k3s that is installed, asked for once for each file that has its place.
#[derive(Debug, Default)]
pub(crate) struct K3sVersion(Mutex<Option<(FileId, String)>>);

/// Device, inode, size and time of change in nanoseconds.
type FileId = (u64, u64, u64, i64);

impl K3sVersion {
    /// What is known of the file that is there now; asks nobody.
    pub(crate) fn known(&self, settings: &Settings) -> Option<String> {
        let now = file_id(&k3s(settings))?;
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .as_ref()
            .filter(|(of, _)| *of == now)
            .map(|(_, version)| version.clone())
    }
}

fn k3s(settings: &Settings) -> PathBuf {
    settings.appliance_root.join("bin/k3s")
}

fn file_id(path: &Path) -> Option<FileId> {
    let meta = fs::metadata(path).ok()?;
    let changed = meta
        .ctime()
        .checked_mul(1_000_000_000)?
        .checked_add(meta.ctime_nsec())?;
    Some((meta.dev(), meta.ino(), meta.size(), changed))
}

/// The version of the k3s that is installed; known from then on.
pub(crate) async fn k3s_version(agent: &Agent) -> Option<String> {
    if let Some(known) = agent.k3s_version.known(&agent.settings) {
        return Some(known);
    }
    let program = k3s(&agent.settings);
    let of = file_id(&program)?;
    let version = ask_version(agent, program).await?;
    let mut known = agent.k3s_version.0.lock().unwrap_or_else(PoisonError::into_inner);
    *known = Some((of, version.clone()));
    Some(version)
}

async fn ask_version(agent: &Agent, program: PathBuf) -> Option<String> {
    let launch = Launch::new(program)
        .args(["--version"])
        .env("PATH", agent.settings.path.as_str())
        .limit(VERSION_LIMIT);
    let said = agent
        .starter
        .start(launch, CancellationToken::new())
        .finished()
        .await;
    if !said.outcome.ok() {
        return None;
    }
    said_version(&said.stdout.text()).map(str::to_owned)
}

/// os-release(5).
fn os_release(text: &str) -> OsRelease {
    let value = |key: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim_matches(['"', '\'']).to_owned())
    };
    OsRelease {
        id: value("ID"),
        version_id: value("VERSION_ID"),
        pretty_name: value("PRETTY_NAME"),
    }
}

/// resolv.conf(5).
fn resolvers(text: &str) -> Vec<IpAddr> {
    let words = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("nameserver")?.split_whitespace().next());
    words.filter_map(|word| word.parse().ok()).collect()
}

/// The filesystem of the data mount, or of its nearest parent that exists.
fn disk(settings: &Settings) -> Option<DiskFacts> {
    let wanted = Path::new(DATA_MOUNT);
    let there = wanted
        .ancestors()
        .find(|path| settings.below_root(path).exists())?;
    let stat = statvfs(&settings.below_root(there)).ok()?;
    let unit = stat.fragment_size();
    Some(DiskFacts {
        path: PathBuf::from(there),
        total_bytes: stat.blocks() * unit,
        free_bytes: stat.blocks_available() * unit,
        total_inodes: stat.files(),
        free_inodes: stat.files_free(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_servers_are_read_as_their_manuals_say() {
        let os =
            os_release("NAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\nID=ubuntu\nPRETTY_NAME='Ubuntu 24.04 LTS'\n");
        assert_eq!(os.id.as_deref(), Some("ubuntu"));
        assert_eq!(os.version_id.as_deref(), Some("24.04"));
        assert_eq!(os.pretty_name.as_deref(), Some("Ubuntu 24.04 LTS"));
        let servers =
            resolvers("# none\nnameserver 10.0.0.53\nnameserver fd00::53 \nsearch x\nnameserver nonsense\n");
        assert_eq!(
            servers,
            [
                "10.0.0.53".parse::<IpAddr>().unwrap(),
                "fd00::53".parse().unwrap()
            ]
        );
    }
}
