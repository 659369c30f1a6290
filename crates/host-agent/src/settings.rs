//! What the program was told, parsed once; nothing below reads the environment.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use appliance_common::names::{CONTROL_PLANE_UID, HOST_STATE_DIR, PORT, STATE_DIR};
use clap::Parser;

/// The appliance's host agent: diagnostics and the host's side of storage, on a Unix socket for the control plane.
#[derive(Debug, Clone, Parser)]
#[command(name = "alga-host-agent", version)]
pub(crate) struct Settings {
    /// Where it listens
    #[arg(
        long,
        env = "ALGA_HOST_AGENT_SOCKET",
        value_name = "PATH",
        default_value = "/run/alga-appliance/host-agent.sock"
    )]
    pub(crate) socket: PathBuf,
    /// Group that may connect, and user id beside root's whose requests are taken
    #[arg(long, env = "ALGA_HOST_AGENT_SOCKET_GID", value_name = "ID", default_value_t = CONTROL_PLANE_UID)]
    pub(crate) socket_gid: u32,
    /// Longest time one command of a capture may take, in milliseconds
    #[arg(long, env = "ALGA_HOST_AGENT_COMMAND_TIMEOUT_MS", value_name = "MS", default_value_t = 20_000,
          value_parser = clap::value_parser!(u64).range(1..=600_000))]
    command_timeout_ms: u64,
    /// Where the appliance's files are installed
    #[arg(
        long,
        env = "ALGA_APPLIANCE_ROOT",
        value_name = "PATH",
        default_value = "/opt/alga-appliance"
    )]
    pub(crate) appliance_root: PathBuf,
    /// The appliance's state volume
    #[arg(
        long,
        env = "ALGA_APPLIANCE_STATE_DIR",
        value_name = "PATH",
        default_value = STATE_DIR
    )]
    pub(crate) state_dir: PathBuf,
    /// What root writes for itself
    #[arg(
        long,
        env = "ALGA_APPLIANCE_HOST_STATE_DIR",
        value_name = "PATH",
        default_value = HOST_STATE_DIR
    )]
    pub(crate) host_state_dir: PathBuf,
    /// Where it is told how an upgrade goes; beside the state when not given
    #[arg(long, env = "ALGA_APPLIANCE_CP_UPGRADE_STATUS_FILE", value_name = "PATH")]
    pub(crate) upgrade_status_file: Option<PathBuf>,
    /// Port of the control plane, on which the rescue page is while nobody else is there
    #[arg(long, env = "ALGA_APPLIANCE_PORT", value_name = "N", default_value_t = PORT,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: u16,
    /// Address of the rescue page
    #[arg(
        long,
        env = "ALGA_HOST_AGENT_RESCUE_ADDRESS",
        value_name = "IP",
        default_value_t = IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    )]
    pub(crate) rescue_address: IpAddr,
    /// How long nobody may answer on the port until the rescue page does, in seconds; 0 is never
    #[arg(
        long,
        env = "ALGA_HOST_AGENT_RESCUE_AFTER_SECONDS",
        value_name = "SECONDS",
        default_value_t = 60
    )]
    rescue_after_seconds: u64,
    /// Directory that stands for `/` where system files are read and written
    #[arg(
        long,
        env = "ALGA_APPLIANCE_HOST_ROOT",
        value_name = "PATH",
        default_value = "/"
    )]
    pub(crate) host_root: PathBuf,
    /// Directories in which commands are looked for, separated by colons
    #[arg(
        long,
        env = "ALGA_HOST_AGENT_PATH",
        value_name = "DIRS",
        default_value = "/usr/sbin:/usr/bin:/sbin:/bin"
    )]
    pub(crate) path: String,
}

impl Settings {
    /// Longest time one command may take.
    pub(crate) fn command_limit(&self) -> Duration {
        Duration::from_millis(self.command_timeout_ms)
    }

    /// How long nobody may answer on the port until the rescue page does; `None` is never.
    pub(crate) fn rescue_after(&self) -> Option<Duration> {
        (self.rescue_after_seconds > 0).then(|| Duration::from_secs(self.rescue_after_seconds))
    }

    /// Where a system file is.
    pub(crate) fn below_root(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.host_root.join(path.strip_prefix("/").unwrap_or(path))
    }
}
