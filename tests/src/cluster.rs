//! A real Kubernetes control plane on loopback, up in seconds, gone with its handle.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use http::header::{HeaderValue, USER_AGENT};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::time::{Instant, sleep};

use crate::process::{GuardedDir, Process};
use crate::tools::Tools;
use crate::{files, ports};

mod access;
mod audit;
pub(crate) mod components;
mod kubeconfig;
mod node;
mod pki;
mod shared;

pub use audit::AuditedRequest;

/// Longest time any one server may take until it serves.
const START_LIMIT: Duration = Duration::from_mins(1);

/// How often a server that is starting is asked whether it is there.
const POLL: Duration = Duration::from_millis(50);

/// Longest time one request of the harness may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// The `User-Agent` of the harness and its stand-ins; whatever else asks is what a test looks at.
pub const HARNESS_AGENT: &str = "alga-test-harness";

/// Which servers a cluster has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    /// etcd and the API server: objects are stored and checked, nothing acts on them.
    Api,
    /// The same, but as a server older than Kubernetes 1.34 is: no watch begins with a list.
    OlderApi,
    /// Also the controller manager, the scheduler and one node played by kwok: pods run, Jobs complete,
    /// namespaces go away.
    Workloads,
}

/// A running cluster; dropping it stops every server and removes its data.
#[derive(Debug)]
pub struct TestCluster {
    // Dropped in this order: users of the API server first, the directory last.
    workers: Vec<Process>,
    api: Option<Process>,
    etcd: Process,
    dir: GuardedDir,
    port: u16,
    ca_pem: String,
    tools: Tools,
    parts: Parts,
}

impl TestCluster {
    /// Starts the servers and waits until the API server is ready and, with
    /// [`Parts::Workloads`], its node is too.
    ///
    /// # Errors
    /// A server does not start within a minute; the message has the end of its log.
    pub async fn start(tools: &Tools, parts: Parts) -> Result<Self> {
        // Clients made by kube and by the stand-ins share one provider; a second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = GuardedDir::new("alga-cluster-")?;
        let port = ports::free()?;
        let ca_pem = write_files(dir.path(), port)?;
        let etcd = Process::start(&components::etcd(tools, dir.path()))?;
        let workers = Vec::new();
        let mut cluster = Self {
            workers,
            api: None,
            etcd,
            dir,
            port,
            ca_pem,
            tools: tools.clone(),
            parts,
        };
        cluster.start_api().await?;
        match parts {
            Parts::Api | Parts::OlderApi => {}
            Parts::Workloads => cluster.start_workers().await?,
        }
        Ok(cluster)
    }

    /// The kubeconfig of a cluster administrator; readable by us only.
    #[must_use]
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.path().join(components::KUBECONFIG)
    }

    /// Directory of this cluster: data and one log for each server.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What every container's log says from now on.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_log(&self, lines: &[&str]) -> Result<()> {
        let line = |text: &&str| format!("2026-01-01T00:00:00.000000000Z stdout F {text}\n");
        let text: String = lines.iter().map(line).collect();
        files::write(&self.dir().join(node::LOG), text.as_bytes())
    }

    /// Directory of the programs that every container has: what is run in one (`exec`) is looked for there
    /// before it is looked for on this machine.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.dir().join(components::PROGRAMS)
    }

    /// Where the API server listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// A client with every right. Make one in each runtime: its connections live there.
    ///
    /// # Errors
    /// The kubeconfig cannot be read.
    pub async fn client(&self) -> Result<Client> {
        client_of(&self.kubeconfig()).await
    }

    /// Stops the API server as a power cut would.
    pub fn kill_api(&mut self) {
        self.api = None;
    }

    /// Starts it again, on the same port and data, and waits until it is ready.
    ///
    /// # Errors
    /// It is not ready within a minute.
    pub async fn start_api(&mut self) -> Result<()> {
        let launch = components::api_server(&self.tools, self.dir.path(), self.port, self.parts);
        let client = self.client().await?;
        let api = self.api.insert(Process::start(&launch)?);
        let deadline = Instant::now() + START_LIMIT;
        while !answers(&client, "/readyz").await {
            give_up_if_dead(api, "kube-apiserver", deadline)?;
            give_up_if_dead(&mut self.etcd, "etcd", deadline)?;
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Makes the API server stall: connections are accepted by the kernel, nothing is answered.
    ///
    /// # Errors
    /// It does not run.
    pub fn pause_api(&self) -> Result<()> {
        self.running_api()?.pause()
    }

    /// Ends [`TestCluster::pause_api`].
    ///
    /// # Errors
    /// It does not run.
    pub fn resume_api(&self) -> Result<()> {
        self.running_api()?.resume()
    }

    /// Process ids of all servers that were started and not stopped.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        self.workers
            .iter()
            .chain(&self.api)
            .chain([&self.etcd])
            .map(Process::id)
            .collect()
    }

    fn running_api(&self) -> Result<&Process> {
        self.api.as_ref().context("the API server does not run")
    }

    async fn start_workers(&mut self) -> Result<()> {
        let (tools, dir) = (&self.tools, self.dir.path());
        self.workers
            .push(Process::start(&components::controller_manager(tools, dir))?);
        self.workers
            .push(Process::start(&components::scheduler(tools, dir))?);
        let client = self.client().await?;
        let kwok = node::start(tools, dir, &client).await?;
        self.workers.push(kwok);
        Ok(())
    }
}

/// A client as the given kubeconfig says, with the harness as its user agent.
///
/// # Errors
/// The kubeconfig cannot be read or used.
pub async fn client_of(kubeconfig: &Path) -> Result<Client> {
    let file = Kubeconfig::read_from(kubeconfig)
        .with_context(|| format!("reading the kubeconfig {}", kubeconfig.display()))?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await;
    let mut config = config.context("understanding the kubeconfig")?;
    config
        .headers
        .push((USER_AGENT, HeaderValue::from_static(HARNESS_AGENT)));
    Client::try_from(config).context("making a client")
}

/// Everything the servers read; gives the CA's certificate.
fn write_files(dir: &Path, port: u16) -> Result<String> {
    let ca_pem = pki::write(dir)?;
    let token = access::random_token()?;
    let admin = format!("{token},test-admin,test-admin,\"system:masters\"\n");
    files::write(&dir.join(components::TOKENS), admin.as_bytes())?;
    let policy = include_bytes!("../fixtures/cluster/audit-policy.yaml");
    files::write(&dir.join(components::AUDIT_POLICY), policy)?;
    let server = format!("https://127.0.0.1:{port}");
    kubeconfig::write(&dir.join(components::KUBECONFIG), &server, &ca_pem, &token)?;
    Ok(ca_pem)
}

/// Whether a path of the API server answers with success within a second.
async fn answers(client: &Client, path: &str) -> bool {
    let Ok(request) = http::Request::get(path).body(Vec::new()) else {
        return false;
    };
    let answer = tokio::time::timeout(Duration::from_secs(1), client.request_text(request)).await;
    matches!(answer, Ok(Ok(_)))
}

/// Fails when a server that should be starting has ended, or when it is too late.
fn give_up_if_dead(process: &mut Process, name: &str, deadline: Instant) -> Result<()> {
    if let Some(status) = process.exited()? {
        bail!(
            "{name} ended with {status} while starting; its log ends:\n{}",
            process.log_tail()
        );
    }
    if Instant::now() >= deadline {
        bail!(
            "{name} is not ready after {} s; its log ends:\n{}",
            START_LIMIT.as_secs(),
            process.log_tail()
        );
    }
    Ok(())
}
