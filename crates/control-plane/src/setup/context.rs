//! What the steps of one run share: the answers, the ways out of this process, and the release that
//! was resolved once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::cluster::{Cluster, ClusterSource};
use appliance_common::meter::Meter;
use appliance_common::names::file;
use appliance_common::outbound::OutboundError;
use appliance_common::process::chain;
use appliance_common::release::policy::UsePolicy;
use appliance_common::release::registry::{Registry, RegistrySettings};
use appliance_common::secret::Secret;
use appliance_common::storage::StorageSettings;
use tokio::sync::OnceCell;
use url::Url;

use super::board::Board;
use super::chosen::Chosen;
use super::failure::{Blame, Failure};
use super::inputs::SetupInputs;
use super::reconcile::RetrySettings;
use super::redemption::{ServiceUrl, ServiceUrlError};
use super::seal::SealKey;
use super::seal_key::{self, SealKeyError};

/// Where things are on the state volume, and what else the steps were told at start.
#[derive(Debug, Clone)]
pub struct SetupSettings {
    /// `setup-inputs.json`.
    pub inputs_file: PathBuf,
    /// `install-state.json`.
    pub state_file: PathBuf,
    /// `release-selection.json`.
    pub selection_file: PathBuf,
    /// The setup token, which the status token must not repeat.
    pub token_file: PathBuf,
    /// The Flux controllers' manifest, when one was given.
    pub flux_manifest: Option<PathBuf>,
    /// The cluster.
    pub cluster: ClusterSource,
    /// The registry; `dns` is replaced by the operator's choice.
    pub registry: RegistrySettings,
    /// The licence service; `None` where none is set, and why a set one cannot be used.
    pub license_service: Result<Option<ServiceUrl>, ServiceUrlError>,
    /// Which repositories and profiles a release may name.
    pub policy: UsePolicy,
    /// Storage reconciliation.
    pub storage: StorageSettings,
    /// Names of the proxy variables that are set, for the report.
    pub proxy_variables: Vec<String>,
    /// Where the checks of host and network look.
    pub preflight: PreflightSettings,
    /// Accept submissions but start nothing.
    pub queue_disabled: bool,
    /// Going on by itself.
    pub retry: RetrySettings,
}

/// Where the checks of host and network look.
#[derive(Debug, Clone)]
pub struct PreflightSettings {
    /// Root directory of the host's files.
    pub host_root: PathBuf,
    /// Socket of the host agent.
    pub host_agent_socket: PathBuf,
    /// The licence service, if there is one.
    pub license_service: Option<Url>,
    /// Whether durable writes are timed.
    pub times_writes: bool,
    /// How often the host is checked again after the install; zero means never.
    pub drift_interval: Duration,
}

impl SetupSettings {
    /// A file of setup's own, beside the state document.
    #[must_use]
    pub fn beside_state(&self, name: &str) -> PathBuf {
        self.state_file.with_file_name(name)
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.beside_state(file::SETUP_JOURNAL)
    }

    /// The lock of every change of the appliance.
    #[must_use]
    pub fn lock_file(&self) -> PathBuf {
        self.beside_state(file::UPDATE_LOCK)
    }
}

/// What the steps of one run share.
pub struct StepContext {
    /// The operator's answers.
    pub inputs: SetupInputs,
    /// Which submission they are.
    pub submission: String,
    /// What this process was told.
    pub settings: Arc<SetupSettings>,
    /// The time.
    pub clock: Clock,
    /// Requests and waits of this run.
    pub meter: Arc<Meter>,
    /// The registry, through the operator's DNS servers.
    pub registry: Registry,
    board: Board,
    cluster: OnceCell<Cluster>,
    chosen: OnceCell<Chosen>,
    seal_key: OnceCell<SealKey>,
}

impl StepContext {
    /// Prepares a run; reaches out to nothing yet.
    ///
    /// # Errors
    /// When the registry settings cannot be used, for example an unreadable CA bundle.
    pub fn new(
        inputs: SetupInputs,
        submission: String,
        settings: Arc<SetupSettings>,
        clock: Clock,
        board: Board,
    ) -> Result<Self, Failure> {
        let registry_settings = RegistrySettings {
            dns: inputs.dns.policy().clone(),
            ..settings.registry.clone()
        };
        let registry = Registry::open(registry_settings).map_err(|error| unusable_outbound(&error))?;
        let shown = board.clone();
        let meter = Arc::new(Meter::telling(move |by| shown.hindered(by)));
        let (cluster, chosen) = (OnceCell::new(), OnceCell::new());
        Ok(Self {
            inputs,
            submission,
            settings,
            clock,
            meter,
            registry,
            board,
            cluster,
            chosen,
            seal_key: OnceCell::new(),
        })
    }

    /// The cluster.
    ///
    /// # Errors
    /// When neither kubeconfig nor service account can be used.
    pub async fn cluster(&self) -> Result<&Cluster, Failure> {
        self.cluster
            .get_or_try_init(|| self.settings.cluster.open(Arc::clone(&self.meter)))
            .await
            .map_err(|error| Failure::of_cluster(Blame::RunSetupWorkflow, "Reaching the cluster", &error))
    }

    /// The key of what is sealed on the state volume.
    ///
    /// # Errors
    /// When the cluster does not give it, or has none any more.
    pub async fn seal_key(&self) -> Result<&SealKey, Failure> {
        let key = async { seal_key::get(self.cluster().await?).await.map_err(no_seal_key) };
        self.seal_key.get_or_try_init(|| key).await
    }

    /// The release that preflight resolved, as it was stored.
    ///
    /// # Errors
    /// When it is not stored for these answers, or what is stored is not what was resolved.
    pub async fn chosen(&self) -> Result<&Chosen, Failure> {
        self.chosen.get_or_try_init(|| async { Chosen::load(self) }).await
    }

    /// Keeps a release that was just resolved and stored.
    pub fn keep(&self, chosen: Chosen) {
        // A second preflight of the same run finds the same stored release.
        let _ = self.chosen.set(chosen);
    }

    /// Shows what the running step is doing just now.
    pub fn say(&self, progress: impl Into<String>) {
        self.board.say(progress);
    }

    /// The setup token, if a readable one is there.
    #[must_use]
    pub fn setup_token(&self) -> Option<Secret<String>> {
        std::fs::read_to_string(&self.settings.token_file)
            .ok()
            .map(|text| Secret::new(text.trim().to_owned()))
    }
}

fn no_seal_key(error: SealKeyError) -> Failure {
    let doing = "Reading the key of what is sealed on this box";
    match error {
        SealKeyError::Cluster(error) => Failure::of_cluster(Blame::RedeemInstallCode, doing, &error),
        SealKeyError::Unusable(_) | SealKeyError::Gone => Failure::new(
            Blame::RedeemInstallCode,
            "answers",
            "What is sealed on this box cannot be opened",
            chain(&error),
            "Enter your answers again on the setup page: the key is then made again.",
        )
        .correctable(),
    }
}

/// A proxy, CA bundle or resolver setting that this process was started with does not work.
pub(super) fn unusable_outbound(error: &OutboundError) -> Failure {
    Failure::new(
        Blame::RunSetupWorkflow,
        "settings",
        "The network settings of this appliance cannot be used",
        chain(error),
        "Correct the setting named on the host, restart the control plane, then try again.",
    )
}
