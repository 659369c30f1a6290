//! What reading the cluster for operators, and being read by a monitoring system, is told.

use std::path::PathBuf;

use appliance_common::cluster::ClusterSource;
use appliance_common::names;
use clap::Args;

use super::Settings;
use crate::workloads::WorkloadSettings;

/// Where a monitoring system reads.
#[derive(Debug, Clone, Args)]
pub struct MetricsArgs {
    /// Unix socket that serves the metrics; none where its directory is missing.
    #[arg(long, env = "ALGA_APPLIANCE_METRICS_SOCKET", default_value = names::METRICS_SOCKET)]
    pub metrics_socket: PathBuf,
    /// File with a token of 16 characters at least; with it the metrics are served on the port too, to whoever
    /// sends it as `Authorization: Bearer`.
    #[arg(long, env = "ALGA_APPLIANCE_METRICS_TOKEN_FILE")]
    pub metrics_token_file: Option<PathBuf>,
}

impl Settings {
    /// What reading the cluster for operators needs.
    #[must_use]
    pub fn workloads(&self) -> WorkloadSettings {
        let cluster = &self.cluster;
        WorkloadSettings {
            cluster: ClusterSource::new(&cluster.kubeconfig).with_call_limit(cluster.request_timeout),
            list_limit: cluster.api_timeout,
            log_limit: cluster.log_timeout,
            lock_file: self.state.state_file.with_file_name(names::file::UPDATE_LOCK),
        }
    }
}
