//! Where the API server is and how we are known there.

use std::fs;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderValue, USER_AGENT};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::{Cluster, ClusterError};
use crate::meter::Meter;

/// Who we are in the API server's audit log.
const AGENT: &str = concat!("alga-appliance/", env!("CARGO_PKG_VERSION"));

/// Longest wait for a TCP and TLS connection to the API server.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Deadline of one call with all its retries.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Where the kubelet puts a pod's account (token, CA, namespace).
///
/// <https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/#directly-accessing-the-rest-api>
const ACCOUNT_DIR: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The API server's port when the kubelet names none.
const HTTPS: &str = "443";

/// What a pod is told about the API server of its cluster: by the kubelet in variables, and by files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPod {
    /// `KUBERNETES_SERVICE_HOST`: a name or an address, IPv6 without brackets.
    pub host: String,
    /// `KUBERNETES_SERVICE_PORT`, if there is one.
    pub port: Option<String>,
    /// Where `token`, `ca.crt` and `namespace` are.
    pub account_dir: PathBuf,
}

type Unusable = Box<dyn std::error::Error + Send + Sync>;

impl InPod {
    /// Of the pod this program runs in; `None` outside of one.
    #[expect(
        clippy::disallowed_methods,
        reason = "no setting: the kubelet gives these to every container, whatever it runs"
    )]
    fn ours() -> Option<Self> {
        let named = |variable| std::env::var(variable).ok().filter(|value| !value.is_empty());
        Some(Self {
            host: named("KUBERNETES_SERVICE_HOST")?,
            port: named("KUBERNETES_SERVICE_PORT"),
            account_dir: PathBuf::from(ACCOUNT_DIR),
        })
    }

    /// How the API server is reached by the pod's account; `None` when it has no token, as in a pod that was
    /// denied one. The token is read again from its file as the kubelet rotates it.
    fn config(&self) -> Result<Option<Config>, Unusable> {
        let token = self.account_dir.join("token");
        if !token.exists() {
            return Ok(None);
        }
        let ca = self.account_dir.join("ca.crt");
        let certificates: Vec<_> = CertificateDer::pem_file_iter(&ca)
            .and_then(Iterator::collect)
            .map_err(|error| format!("reading {}: {error}", ca.display()))?;
        let mut config = Config::new(self.url().parse()?);
        config.root_cert = Some(
            certificates
                .iter()
                .map(|one: &CertificateDer<'_>| one.to_vec())
                .collect(),
        );
        config.auth_info.token_file = Some(token.display().to_string());
        if let Ok(namespace) = fs::read_to_string(self.account_dir.join("namespace")) {
            namespace.trim().clone_into(&mut config.default_namespace);
        }
        Ok(Some(config))
    }

    fn url(&self) -> String {
        let port = self.port.as_deref().unwrap_or(HTTPS);
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("https://[{address}]:{port}"),
            Err(_) => format!("https://{}:{port}", self.host),
        }
    }
}

/// Where to find the cluster: by the service account of the pod this program runs in, or else a kubeconfig.
#[derive(Debug, Clone)]
pub struct ClusterSource {
    in_pod: Option<InPod>,
    kubeconfig: PathBuf,
    limit: Duration,
    agent: &'static str,
}

impl ClusterSource {
    /// The cluster of the pod this program runs in; outside of one, that of `kubeconfig`.
    pub fn new(kubeconfig: impl Into<PathBuf>) -> Self {
        Self {
            in_pod: InPod::ours(),
            kubeconfig: kubeconfig.into(),
            limit: CALL_LIMIT,
            agent: AGENT,
        }
    }

    /// The same, in this pod (or in none), whatever the environment says.
    #[must_use]
    pub fn in_pod(self, in_pod: Option<InPod>) -> Self {
        Self { in_pod, ..self }
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
    async fn config(&self) -> Result<Config, Unusable> {
        if let Some(in_pod) = &self.in_pod
            && let Some(config) = in_pod.config()?
        {
            return Ok(config);
        }
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
        Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv6_is_in_brackets_and_the_port_is_https_unless_told() {
        let url = |host: &str, port: Option<&str>| {
            let (host, port) = (host.to_owned(), port.map(str::to_owned));
            InPod {
                host,
                port,
                account_dir: PathBuf::new(),
            }
            .url()
        };
        assert_eq!(url("10.43.0.1", Some("6443")), "https://10.43.0.1:6443");
        assert_eq!(url("fd00::1", Some("443")), "https://[fd00::1]:443");
        assert_eq!(
            url("kubernetes.default.svc", None),
            "https://kubernetes.default.svc:443"
        );
    }

    /// 40, case 46: a pod without a token is no pod with an account.
    #[test]
    fn without_a_token_there_is_no_account_and_one_whose_ca_cannot_be_read_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let in_pod = InPod {
            host: "10.43.0.1".to_owned(),
            port: None,
            account_dir: dir.path().to_owned(),
        };
        assert!(in_pod.config().unwrap().is_none());
        crate::state_file::replace(&dir.path().join("token"), b"t", 0o600).unwrap();
        let error = in_pod.config().unwrap_err().to_string();
        assert!(error.contains("ca.crt"), "{error}");
    }
}
