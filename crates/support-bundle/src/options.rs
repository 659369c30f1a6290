//! What a bundle is made of, and by what limits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use appliance_common::cluster::ClusterSource;
use appliance_common::names::{HOST_AGENT_SOCKET, STATE_DIR};

/// Where the collector runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On the box itself, as root.
    Host,
    /// In the control plane's pod.
    Pod,
    /// On somebody's own machine, with a kubeconfig.
    Workstation,
}

impl Mode {
    /// Its name in the manifest.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Pod => "pod",
            Self::Workstation => "workstation",
        }
    }
}

/// How much is collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Profile {
    /// States and tables, no logs
    Minimal,
    /// What support asks for
    Standard,
    /// Everything, with logs of every namespace
    Full,
}

/// Limits; what is beyond them is left out and said to be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// One request or command.
    pub call: Duration,
    /// Everything the agent is asked for.
    pub agent: Duration,
    /// The whole run, after which an archive is made of what is there.
    pub run: Duration,
    /// Bytes of one container's log, the newest.
    pub log_bytes: usize,
    /// Lines of it.
    pub log_lines: u32,
    /// Bytes of one member.
    pub member: u64,
    /// Bytes of all members.
    pub bundle: u64,
    /// Bytes that must be free before anything is begun.
    pub free: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(20),
            agent: Duration::from_secs(15),
            run: Duration::from_mins(3),
            log_bytes: 2 * 1024 * 1024,
            log_lines: 5000,
            member: 8 * MIB,
            bundle: 200 * MIB,
            free: 512 * MIB,
        }
    }
}

const MIB: u64 = 1024 * 1024;

/// What a run is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it runs.
    pub mode: Mode,
    /// The cluster.
    pub cluster: ClusterSource,
    /// Where archives are kept.
    pub output_dir: PathBuf,
    /// Exactly this file instead.
    pub output: Option<PathBuf>,
    /// What the box is called, in the name of a workstation's archive.
    pub site: Option<String>,
    /// The state volume; `None` on a workstation.
    pub state_dir: Option<PathBuf>,
    /// The state document, where it is elsewhere.
    pub state_file: Option<PathBuf>,
    /// The answers, where they are elsewhere.
    pub inputs_file: Option<PathBuf>,
    /// The selection, where it is elsewhere.
    pub selection_file: Option<PathBuf>,
    /// The host agent.
    pub agent_socket: PathBuf,
    /// Directory that stands for `/`.
    pub host_root: PathBuf,
    /// Directories in which commands are looked for.
    pub path: String,
    /// How old log lines may be.
    pub since: Duration,
    /// Only logs of these namespaces; empty for those of the profile.
    pub namespaces: Vec<String>,
    /// Whether logs are read.
    pub logs: bool,
    /// How much is collected.
    pub profile: Profile,
    /// One directory around all members.
    pub top_dir: bool,
    /// Hosts that are asked whether they can be reached.
    pub probes: Vec<String>,
    /// More rules, in a file ([`crate::Redactors`]).
    pub redactors: Option<PathBuf>,
    /// Whether addresses, names of hosts and e-mail addresses become tokens.
    pub anonymize: bool,
    /// The limits.
    pub limits: Limits,
}

impl Options {
    /// The defaults of a mode.
    #[must_use]
    pub fn of(mode: Mode, cluster: ClusterSource) -> Self {
        Self {
            mode,
            cluster,
            output_dir: Path::new(STATE_DIR).join(BUNDLES_DIR),
            output: None,
            site: None,
            state_dir: (mode != Mode::Workstation).then(|| PathBuf::from(STATE_DIR)),
            state_file: None,
            inputs_file: None,
            selection_file: None,
            agent_socket: PathBuf::from(HOST_AGENT_SOCKET),
            host_root: PathBuf::from("/"),
            path: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            since: Duration::from_hours(48),
            namespaces: Vec::new(),
            logs: true,
            profile: Profile::Standard,
            top_dir: false,
            probes: PROBES.split(',').map(str::to_owned).collect(),
            redactors: None,
            anonymize: false,
            limits: Limits::default(),
        }
    }
}

/// Directory of archives below the state volume.
pub const BUNDLES_DIR: &str = "support-bundles";

/// Whom an appliance has to reach; a comma list.
pub const PROBES: &str = "ghcr.io,pkg-containers.githubusercontent.com,algapsa.com,support-api.nineminds.com";
