//! What the program was told, parsed once; nothing below reads the environment.

use std::path::{Path, PathBuf};

use appliance_common::cluster::ClusterSource;
use appliance_common::names::file;
use clap::Args;

/// Where the installation, the cluster and the appliance's documents are. Each is also a variable (50 §6.1).
#[derive(Debug, Clone, Args)]
pub(crate) struct Places {
    /// Where the appliance's files are installed
    #[arg(
        long,
        env = "ALGA_APPLIANCE_ROOT",
        value_name = "PATH",
        default_value = "/opt/alga-appliance",
        global = true
    )]
    pub(crate) appliance_root: PathBuf,
    /// Kubeconfig of the cluster's administrator, which k3s writes
    #[arg(
        long,
        env = "ALGA_APPLIANCE_KUBECONFIG",
        value_name = "PATH",
        default_value = "/etc/rancher/k3s/k3s.yaml",
        global = true
    )]
    pub(crate) kubeconfig: PathBuf,
    /// The one-time setup token; beside the state when not given
    #[arg(long, env = "ALGA_APPLIANCE_TOKEN_FILE", value_name = "PATH", global = true)]
    pub(crate) token_file: Option<PathBuf>,
    /// Port of the control plane
    #[arg(long, env = "ALGA_APPLIANCE_PORT", value_name = "N", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..), global = true)]
    pub(crate) port: u16,
    /// The appliance's state volume
    #[arg(
        long,
        env = "ALGA_APPLIANCE_STATE_DIR",
        value_name = "PATH",
        default_value = "/var/lib/alga-appliance",
        global = true
    )]
    pub(crate) state_dir: PathBuf,
    /// What root writes for itself
    #[arg(
        long,
        env = "ALGA_APPLIANCE_HOST_STATE_DIR",
        value_name = "PATH",
        default_value = "/var/lib/alga-appliance-host",
        global = true
    )]
    pub(crate) host_state_dir: PathBuf,
    /// Hash of the management password; beside the state when not given
    #[arg(
        long,
        env = "ALGA_APPLIANCE_ADMIN_CREDENTIAL_FILE",
        value_name = "PATH",
        global = true
    )]
    pub(crate) admin_credential_file: Option<PathBuf>,
    /// Key of the sessions; beside the state when not given
    #[arg(
        long,
        env = "ALGA_APPLIANCE_SESSION_SECRET_FILE",
        value_name = "PATH",
        global = true
    )]
    pub(crate) session_secret_file: Option<PathBuf>,
    /// Directory that stands for `/` where system files are read and written (`/etc`, `/run`, `/proc`, `/var`)
    #[arg(
        long,
        env = "ALGA_APPLIANCE_HOST_ROOT",
        value_name = "PATH",
        default_value = "/",
        global = true
    )]
    pub(crate) host_root: PathBuf,
}

impl Places {
    /// The cluster of this host: what runs here is never a pod.
    pub(crate) fn cluster_source(&self) -> ClusterSource {
        ClusterSource::new(&self.kubeconfig).in_pod(None)
    }

    /// Where a system file is: below the directory that stands for `/`.
    pub(crate) fn below_root(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.host_root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The kernel's id of this boot (random(4)); empty where it does not say.
    pub(crate) fn boot_id(&self) -> String {
        let said = std::fs::read_to_string(self.below_root("/proc/sys/kernel/random/boot_id"));
        said.unwrap_or_default().trim().to_owned()
    }

    /// The setup token.
    pub(crate) fn token(&self) -> PathBuf {
        let beside = || self.state_dir.join(file::SETUP_TOKEN);
        self.token_file.clone().unwrap_or_else(beside)
    }

    /// Hash of the management password; one that is there makes the setup token worthless.
    pub(crate) fn admin_credential(&self) -> PathBuf {
        let beside = || self.state_dir.join(file::ADMIN_CREDENTIAL);
        self.admin_credential_file.clone().unwrap_or_else(beside)
    }

    /// Key of the sessions.
    pub(crate) fn session_secret(&self) -> PathBuf {
        let beside = || self.state_dir.join(file::SESSION_SECRET);
        self.session_secret_file.clone().unwrap_or_else(beside)
    }
}
