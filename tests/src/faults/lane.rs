//! A place to install on, again and again: an API server that has storage and the kinds of Flux already, a
//! registry with a small release, a licence service, and a proxy before each.
//!
//! Setup's objects have fixed names, so each install begins by taking away what the one before left; that
//! takes a second, where another API server takes five. No controller runs there: what they would do is
//! done once, by hand.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use appliance_common::clock::Clock;
use appliance_common::names::file;
use appliance_common::testing::host_root;
use appliance_control_plane::settings::Settings;
use appliance_control_plane::setup::Setup;
use appliance_control_plane::setup::context::SetupSettings;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::Client;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Notify;

use super::disk::StateVolume;
use super::fault::Dialect;
use super::proxy::{Behind, Proxy};
use super::script::{Script, Stage};
use super::trouble::Edge;
use super::{clear, tls};
use crate::cluster::{Parts, TestCluster};
use crate::registry::TestRegistry;
use crate::standins::license_service::LicenseService;
use crate::tools::Tools;
use crate::{apply, files, flux, releases, storage};

/// Longest time one call of the product to the API server may take: short, so that an outage is an outage
/// soon.
const CALL_LIMIT: Duration = Duration::from_secs(2);

/// The release on every lane. Its bundle is named by the public registry, so that all lanes end with the
/// same objects.
const VERSION: &str = "1.0.0";

/// The running servers; dropping it stops them.
pub(super) struct Lane {
    pub(super) api: Proxy,
    pub(super) registry: Proxy,
    pub(super) license: Proxy,
    pub(super) service: LicenseService,
    pub(super) stage: Stage,
    pub(super) kill: Arc<Notify>,
    pub(super) client: Client,
    kubeconfig: PathBuf,
    /// The root directory of a healthy host.
    host: TempDir,
    _servers: (TestCluster, TestRegistry),
}

impl Lane {
    /// Starts everything; about seven seconds.
    ///
    /// # Errors
    /// A server does not start; the message has the end of its log.
    pub(super) async fn start(tools: &Tools) -> Result<Self> {
        let (cluster, server) =
            tokio::try_join!(TestCluster::start(tools, Parts::Api), TestRegistry::start(tools))?;
        let client = cluster.client().await?;
        prepare(tools, &client).await?;
        let release = releases::manifest("ghcr.io", VERSION).to_string();
        releases::push(&server.host(), "stable", release.as_bytes()).await?;

        let host = tempfile::tempdir().context("making a host")?;
        host_root::write_healthy(host.path()).context("making a host")?;

        let (stage, kill) = (Stage::default(), Arc::<Notify>::default());
        let script = || Script::new(stage.clone(), Arc::clone(&kill));
        let (api, kubeconfig) = before_the_api(&cluster, script()).await?;
        let registry = Behind {
            address: server.host().parse().context("the registry's address")?,
            tls: None,
            front: None,
            dialect: Dialect::Registry,
        };
        let registry = Proxy::start(registry, script()).await?;
        let service = LicenseService::start().await?;
        let license = Behind {
            address: plain(&service.url())
                .parse()
                .context("the licence service's address")?,
            tls: None,
            front: None,
            dialect: Dialect::License,
        };
        let license = Proxy::start(license, script()).await?;
        Ok(Self {
            api,
            registry,
            license,
            service,
            stage,
            kill,
            client,
            kubeconfig,
            host,
            _servers: (cluster, server),
        })
    }

    /// Takes everything away that an install made here.
    pub(super) async fn clear(&self) -> Result<()> {
        clear::everything(&self.client).await
    }

    pub(super) fn proxy(&self, edge: Edge) -> &Proxy {
        match edge {
            Edge::Api => &self.api,
            Edge::Registry => &self.registry,
            Edge::License => &self.license,
        }
    }

    /// All servers are well again.
    pub(super) async fn heal(&mut self) -> Result<()> {
        self.api.heal().await?;
        self.registry.heal().await?;
        self.license.heal().await
    }

    /// What a box has on its state volume when it is delivered. No pod runs here, so the storage test cannot:
    /// it counts as passed.
    pub(super) async fn deliver(&self, volume: &StateVolume) -> Result<()> {
        let proof = storage::proof(&self.client).await?;
        let path = volume.path().join(file::STORAGE_STATE);
        files::write(&path, proof.to_string().as_bytes())
    }

    /// The control plane's setup, as a start of the process opens it on this volume.
    pub(super) fn open(&self, volume: &StateVolume) -> Result<Setup> {
        let boot = "boot-of-the-harness".to_owned();
        Ok(Setup::open(self.settings(volume)?, Clock::system(), boot))
    }

    /// Through the program's own flags, so that what is not named here has its default.
    fn settings(&self, volume: &StateVolume) -> Result<SetupSettings> {
        let at = |name: &str| volume.path().join(name).display().to_string();
        let flags = [
            ("--state-file", at(file::INSTALL_STATE)),
            ("--setup-inputs-file", at(file::SETUP_INPUTS)),
            ("--release-selection-file", at(file::RELEASE_SELECTION)),
            ("--token-file", at(file::SETUP_TOKEN)),
            ("--admin-credential-file", at(file::ADMIN_CREDENTIAL)),
            ("--session-secret-file", at(file::SESSION_SECRET)),
            ("--host-agent-socket", at("host-agent.sock")),
            ("--storage-lock-path", at(file::STORAGE_LOCK)),
            ("--host-root", self.host.path().display().to_string()),
            ("--preflight-fsync", "0".to_owned()),
            ("--drift-interval-seconds", "0".to_owned()),
            // Automatic attempts come within a second.
            ("--auto-retry-base-ms", "200".to_owned()),
            ("--auto-retry-max-ms", "500".to_owned()),
            ("--reconcile-interval-ms", "200".to_owned()),
            ("--network-probe-ttl-ms", "200".to_owned()),
            // Nothing else here would bring a second provisioner back.
            ("--storage-stability-seconds", "0".to_owned()),
            (
                "--license-service-url",
                format!("http://{}", self.license.address()),
            ),
            ("--kubeconfig", self.kubeconfig.display().to_string()),
            ("--registry-host", self.registry.address().to_string()),
            ("--kubectl-api-timeout-ms", CALL_LIMIT.as_millis().to_string()),
            // The registry is this machine's own, whatever proxy the person uses.
            ("--no-proxy", "127.0.0.1,localhost".to_owned()),
        ];
        let arguments = flags
            .into_iter()
            .flat_map(|(flag, value)| [flag.to_owned(), value]);
        let program = std::iter::once("appliance-control-plane".to_owned());
        Ok(Settings::read(program.chain(arguments))
            .context("reading the settings of the product")?
            .setup())
    }
}

/// A proxy before the API server, and the kubeconfig that leads through it.
///
/// # Errors
/// The proxy does not start, or the kubeconfig cannot be read or written.
pub async fn before_the_api(cluster: &TestCluster, script: Script) -> Result<(Proxy, PathBuf)> {
    let mut config: Value = serde_json::from_slice(&std::fs::read(cluster.kubeconfig())?)?;
    let seen = &mut config["clusters"][0]["cluster"];
    let ca = seen["certificate-authority-data"].as_str().unwrap_or_default();
    let ca = STANDARD.decode(ca).context("reading the cluster's CA")?;
    let front = tls::front()?;
    let address = cluster.url();
    let behind = Behind {
        address: plain(&address).parse().context("the API server's address")?,
        tls: Some(tls::back(&ca)?),
        front: Some(front.acceptor),
        dialect: Dialect::Kubernetes,
    };
    let proxy = Proxy::start(behind, script).await?;
    seen["certificate-authority-data"] = STANDARD.encode(front.ca_pem).into();
    seen["server"] = format!("https://{}", proxy.address()).into();
    let path = cluster.dir().join("through-the-proxy.kubeconfig");
    files::write(&path, config.to_string().as_bytes())?;
    Ok((proxy, path))
}

/// The `host:port` of an address.
fn plain(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, place)| place)
}

/// What a cluster has before setup comes: the kinds of Flux, and a provisioner that runs.
async fn prepare(tools: &Tools, client: &Client) -> Result<()> {
    let flux = std::fs::read_to_string(flux::manifest(tools)?.path)?;
    apply::yaml(client, "test", "default", &flux).await?;
    storage::roll_out(client).await
}
