//! What the host knows about itself. Whatever could not be told is absent, never guessed.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Answer of `GET /v1/host-facts`. Unknown keys of a newer agent are ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HostFacts {
    /// The operating system; from os-release(5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<OsRelease>,
    /// The running kernel: `6.8.0-45-generic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// First line of `k3s --version`, without the program's name: `v1.36.3+k3s1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k3s_version: Option<String>,
    /// The kernel's id of this boot; random(4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// Seconds since the boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime_seconds: Option<u64>,
    /// Whether an update waits for a reboot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_reboot: Option<bool>,
    /// Security updates that are known and not installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_security_updates: Option<u32>,
    /// The file system under the application's data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_disk: Option<DiskFacts>,
    /// DNS servers that the host uses, in its order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolvers: Option<Vec<IpAddr>>,
}

/// Three keys of os-release(5).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OsRelease {
    /// `ID`.
    pub id: Option<String>,
    /// `VERSION_ID`.
    pub version_id: Option<String>,
    /// `PRETTY_NAME`.
    pub pretty_name: Option<String>,
}

/// How full a file system is; statvfs(3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskFacts {
    /// The directory that was asked about; its nearest parent that exists, before the first install.
    pub path: PathBuf,
    /// Size.
    pub total_bytes: u64,
    /// What an unprivileged process may still use.
    pub free_bytes: u64,
    /// Inodes; 0 where the file system has no fixed number.
    pub total_inodes: u64,
    /// Inodes that are free.
    pub free_inodes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_have_the_keys_of_the_contract_and_leave_out_what_is_unknown() {
        let facts = HostFacts {
            os: Some(OsRelease {
                id: Some("ubuntu".to_owned()),
                ..OsRelease::default()
            }),
            pending_reboot: Some(false),
            resolvers: Some(vec!["10.0.0.53".parse().unwrap()]),
            ..HostFacts::default()
        };
        let wire = serde_json::json!({
            "os": {"id": "ubuntu", "versionId": null, "prettyName": null},
            "pendingReboot": false, "resolvers": ["10.0.0.53"],
        });
        assert_eq!(serde_json::to_value(&facts).unwrap(), wire);
        let mut newer = wire;
        newer["ok"] = true.into();
        newer["later"] = 1.into();
        assert_eq!(serde_json::from_value::<HostFacts>(newer).unwrap(), facts);
    }
}
