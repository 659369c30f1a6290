//! Where the API server is and how we are known there.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderValue, USER_AGENT};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::{Cluster, ClusterError};
use crate::meter::Meter;

/// Who we are in the API server's audit log.
const AGENT: &str = concat!("alga-appliance/", env!("CARGO_PKG_VERSION"));

/// Longest wait for a TCP and TLS connection to the API server.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Deadline of one call with all its retries.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Where to find the cluster: by the service account of the pod this program runs in, or else a kubeconfig.
#[derive(Debug, Clone)]
pub struct ClusterSource {
    kubeconfig: PathBuf,
    limit: Duration,
    agent: &'static str,
}

impl ClusterSource {
    /// The cluster of the pod this program runs in; outside of one, that of `kubeconfig`.
    pub fn new(kubeconfig: impl Into<PathBuf>) -> Self {
        Self {
            kubeconfig: kubeconfig.into(),
            limit: CALL_LIMIT,
            agent: AGENT,
        }
    }

    /// The same, with another deadline for one call.
    #[must_use]
    pub fn with_call_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The same, known by another name in the API server's audit log.
    #[must_use]
    pub fn known_as(self, agent: &'static str) -> Self {
        Self { agent, ..self }
    }

    /// The kubeconfig that is taken outside of a pod.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Prepares a client; makes no request yet.
    ///
    /// # Errors
    /// [`ClusterError::NotConfigured`] when neither source can be used.
    pub async fn open(&self, meter: Arc<Meter>) -> Result<Cluster, ClusterError> {
        let not_configured = |source| ClusterError::NotConfigured {
            kubeconfig: self.kubeconfig.clone(),
            source,
        };
        let mut config = self.config().await.map_err(not_configured)?;
        // The API server is this box's own: a proxy in the environment is not for it.
        config.proxy_url = None;
        config.connect_timeout = Some(CONNECT_LIMIT);
        // `Cluster::call` tries again, with what the server said at hand; a second loop below it would hide that.
        config.default_retry = false;
        config
            .headers
            .push((USER_AGENT, HeaderValue::from_static(self.agent)));
        let client = Client::try_from(config).map_err(|error| not_configured(Box::new(error)))?;
        Ok(Cluster::new(client, self.limit, meter))
    }

    /// In a pod its own account comes first: its token is read anew as it is rotated. One without a token is
    /// no such pod (40 §10).
    async fn config(&self) -> Result<Config, Box<dyn std::error::Error + Send + Sync>> {
        match Config::incluster() {
            Ok(config) => Ok(config),
            Err(error) if !self.kubeconfig.exists() => Err(error.into()),
            Err(_) => {
                let kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
                Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
            }
        }
    }
}
