//! Everything around the control plane: cluster, registry, players, the application's page.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use appliance_common::cluster::{Cluster, ClusterSource};
use appliance_common::names::namespace;
use appliance_tests::cluster::AuditedRequest;
use appliance_tests::control_plane::Place;
use appliance_tests::flux;
use appliance_tests::process::GuardedDir;
use appliance_tests::registry::TestRegistry;
use appliance_tests::stack::Stack;
use appliance_tests::standins::helm_controller::HelmController;
use appliance_tests::standins::kustomize_controller::KustomizeController;
use appliance_tests::standins::provisioner::Provisioner;
use appliance_tests::standins::source_controller::SourceController;
use appliance_tests::standins::web::Web;
use appliance_tests::tools::Tools;
use clap::ValueEnum;
use k8s_openapi::api::apps::v1::Deployment;

use crate::publish::{Options, Published, publish};

/// Tag of the images in the test cluster's Flux manifest: controllers that only look installed.
const PLAYED_TAG: &str = ":test-cluster";

/// What can be broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Breakage {
    /// The registry is gone: connections are refused
    Registry,
    /// The registry takes connections and never answers
    RegistryHangs,
    /// The API server is gone
    Cluster,
}

impl fmt::Display for Breakage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Registry => "the registry is gone",
            Self::RegistryHangs => "the registry never answers",
            Self::Cluster => "the API server is gone",
        })
    }
}

/// The running whole; dropping it ends everything that it started.
pub(crate) struct World {
    kubeconfig: PathBuf,
    flux_manifest: Option<PathBuf>,
    servers: Servers,
}

enum Servers {
    /// A cluster of its own.
    Own(Box<Stack>),
    /// Only what a cluster that was there lacks.
    Beside(Box<Beside>),
}

struct Beside {
    registry: TestRegistry,
    web: Web,
    _players: Option<Players>,
}

struct Players {
    _helm: HelmController,
    _kustomize: KustomizeController,
    _source: SourceController,
    _volumes: Provisioner,
    _logs: GuardedDir,
}

impl World {
    /// Starts it, around the cluster of `kubeconfig` if there is one.
    pub(crate) async fn start(tools: &Tools, kubeconfig: Option<&Path>) -> Result<Self> {
        // One provider for everything that makes a TLS client here; a second call changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        match kubeconfig {
            None => Self::own(tools).await,
            Some(kubeconfig) => Self::beside(tools, kubeconfig).await,
        }
    }

    async fn own(tools: &Tools) -> Result<Self> {
        let stack = Stack::start(tools).await?;
        Ok(Self {
            kubeconfig: stack.cluster.kubeconfig(),
            flux_manifest: Some(flux::manifest(tools)?.path),
            servers: Servers::Own(Box::new(stack)),
        })
    }

    async fn beside(tools: &Tools, kubeconfig: &Path) -> Result<Self> {
        let kubeconfig = kubeconfig
            .canonicalize()
            .with_context(|| format!("finding the kubeconfig {}", kubeconfig.display()))?;
        let played = !has_flux(&cluster(&kubeconfig).await?).await?;
        let (players, flux_manifest) = if played {
            let players = Players::start(&kubeconfig, tools).await?;
            (Some(players), Some(flux::manifest(tools)?.path))
        } else {
            (None, None)
        };
        let beside = Beside {
            registry: TestRegistry::start(tools).await?,
            web: Web::start().await?,
            _players: players,
        };
        Ok(Self {
            kubeconfig,
            flux_manifest,
            servers: Servers::Beside(Box::new(beside)),
        })
    }

    /// Breaks a part of it for the rest of the demo.
    pub(crate) fn break_on_purpose(&mut self, breakage: Breakage) -> Result<()> {
        match breakage {
            Breakage::Registry => self.registry_mut().kill(),
            Breakage::RegistryHangs => self.registry_mut().pause()?,
            Breakage::Cluster => match &mut self.servers {
                Servers::Own(stack) => stack.cluster.kill_api(),
                Servers::Beside(_) => bail!("the cluster is not the demo's own, so it is not broken"),
            },
        }
        Ok(())
    }

    fn registry_mut(&mut self) -> &mut TestRegistry {
        match &mut self.servers {
            Servers::Own(stack) => &mut stack.registry,
            Servers::Beside(beside) => &mut beside.registry,
        }
    }

    /// Where the cluster is.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A connection to it.
    pub(crate) async fn cluster(&self) -> Result<Cluster> {
        cluster(&self.kubeconfig).await
    }

    /// What a program asked the API server for, by the audit log; nothing of a cluster that was there before.
    pub(crate) fn requests_of(&self, agent: &str) -> Result<Vec<AuditedRequest>> {
        match &self.servers {
            Servers::Own(stack) => stack.cluster.requests_of(agent),
            Servers::Beside(_) => Ok(Vec::new()),
        }
    }

    /// `host:port` of the registry.
    pub(crate) fn registry(&self) -> String {
        match &self.servers {
            Servers::Own(stack) => stack.registry.host(),
            Servers::Beside(beside) => beside.registry.host(),
        }
    }

    /// Address of the page that plays the application.
    pub(crate) fn app_url(&self) -> String {
        match &self.servers {
            Servers::Own(stack) => stack.web.url(),
            Servers::Beside(beside) => beside.web.url(),
        }
    }

    /// What a control plane is told about all this.
    pub(crate) fn place(&self) -> Place {
        Place {
            kubeconfig: self.kubeconfig.clone(),
            registry: self.registry(),
            flux_manifest: self.flux_manifest.clone(),
            storage_proof: None,
        }
    }

    /// Publishes the sample release as `1.0.0`, which channel `stable` then leads to.
    pub(crate) async fn publish(&self) -> Result<Published> {
        publish(&Options::sample(self.registry().parse()?, "1.0.0")).await
    }
}

impl Players {
    async fn start(kubeconfig: &Path, tools: &Tools) -> Result<Self> {
        let logs = GuardedDir::new("alga-players-")?;
        Ok(Self {
            _helm: HelmController::start(kubeconfig, tools).await?,
            _kustomize: KustomizeController::start(kubeconfig, tools, logs.path()).await?,
            _source: SourceController::start(kubeconfig).await?,
            _volumes: Provisioner::start(kubeconfig).await?,
            _logs: logs,
        })
    }
}

async fn cluster(kubeconfig: &Path) -> Result<Cluster> {
    let cluster = ClusterSource::new(kubeconfig)
        .open(std::sync::Arc::default())
        .await;
    cluster.with_context(|| format!("using the kubeconfig {}", kubeconfig.display()))
}

/// Whether the cluster has Flux controllers of its own: not the test manifest's, which run nothing.
async fn has_flux(cluster: &Cluster) -> Result<bool> {
    let found = cluster
        .get::<Deployment>(Some(namespace::FLUX_SYSTEM), "source-controller")
        .await?;
    let Some(found) = found else { return Ok(false) };
    let images = found
        .spec
        .and_then(|spec| spec.template.spec)
        .map(|pod| pod.containers)
        .unwrap_or_default();
    Ok(images
        .iter()
        .filter_map(|container| container.image.as_deref())
        .any(|image| !image.ends_with(PLAYED_TAG)))
}
