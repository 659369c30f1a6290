//! What storage reconciliation is told; the same for the server and for `install-storage`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use appliance_common::names::file;
use appliance_common::storage::{ImageName, Images, StorageSettings};
use clap::Args;

use super::in_state_dir;
use super::parse::seconds;

/// Storage reconciliation.
#[derive(Debug, Clone, Args)]
pub struct StorageArgs {
    /// Kernel lock of storage reconciliation.
    #[arg(long, env = "ALGA_APPLIANCE_STORAGE_LOCK_PATH", default_value_os_t = in_state_dir(file::STORAGE_LOCK))]
    pub storage_lock_path: PathBuf,
    /// How often a storage lock that is held is tried, two seconds apart.
    #[arg(long, env = "ALGA_APPLIANCE_STORAGE_LOCK_ATTEMPTS", value_parser = clap::value_parser!(u32).range(1..), default_value_t = 150)]
    pub storage_lock_attempts: u32,
    /// How long no second provisioner may show up before storage counts as settled, in seconds.
    #[arg(long = "storage-stability-seconds", env = "ALGA_APPLIANCE_STORAGE_STABILITY_SECONDS", value_parser = seconds, default_value = "10")]
    pub storage_stability: Duration,
    /// When storage is looked at after the start of the process, in seconds.
    #[arg(long = "storage-repair-delay-seconds", env = "ALGA_APPLIANCE_STORAGE_REPAIR_DELAY_SECONDS", value_parser = seconds, default_value = "5")]
    pub storage_repair_delay: Duration,
    /// Image of the volume provisioner.
    #[arg(
        long,
        env = "ALGA_APPLIANCE_STORAGE_PROVISIONER_IMAGE",
        default_value = "rancher/local-path-provisioner:v0.0.31"
    )]
    pub storage_provisioner_image: ImageName,
    /// Image of the provisioner's helpers and of the storage test.
    #[arg(
        long,
        env = "ALGA_APPLIANCE_STORAGE_HELPER_IMAGE",
        default_value = "busybox:1.36"
    )]
    pub storage_helper_image: ImageName,
}

impl StorageArgs {
    /// The engine's settings, for a box whose state document and agent socket are these.
    #[must_use]
    pub fn engine(&self, state_file: &Path, agent: &Path) -> StorageSettings {
        StorageSettings {
            lock: self.storage_lock_path.clone(),
            lock_attempts: self.storage_lock_attempts,
            settle: self.storage_stability,
            record: state_file.with_file_name(file::STORAGE_STATE),
            agent: agent.to_owned(),
            images: Images {
                provisioner: self.storage_provisioner_image.clone(),
                helper: self.storage_helper_image.clone(),
            },
            ..StorageSettings::in_state_dir(Path::new(appliance_common::names::STATE_DIR))
        }
    }
}
