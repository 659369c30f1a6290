//! Everything the application needs around the product: a cluster with workloads, a registry and the
//! players, waiting for somebody to install Flux and storage.

use anyhow::Result;

use crate::cluster::{Parts, TestCluster};
use crate::registry::TestRegistry;
use crate::standins::helm_controller::HelmController;
use crate::standins::kustomize_controller::KustomizeController;
use crate::standins::provisioner::Provisioner;
use crate::standins::source_controller::SourceController;
use crate::standins::web::Web;
use crate::tools::Tools;

/// The running whole; dropping it ends the players first and the servers last.
pub struct Stack {
    /// Renders and applies releases, and fails them on request.
    pub helm: HelmController,
    /// The real kustomize-controller, once Flux is installed.
    pub kustomize: KustomizeController,
    /// The page the application URL leads to.
    pub web: Web,
    _source: SourceController,
    _volumes: Provisioner,
    /// The cluster.
    pub cluster: TestCluster,
    /// The registry, empty at first.
    pub registry: TestRegistry,
}

impl Stack {
    /// Starts all of it.
    ///
    /// # Errors
    /// A server does not start; the message has the end of its log.
    pub async fn start(tools: &Tools) -> Result<Self> {
        let (cluster, registry) = tokio::try_join!(
            TestCluster::start(tools, Parts::Workloads),
            TestRegistry::start(tools)
        )?;
        let kubeconfig = cluster.kubeconfig();
        Ok(Self {
            helm: HelmController::start(&kubeconfig, tools).await?,
            kustomize: KustomizeController::start(&kubeconfig, tools, cluster.dir()).await?,
            web: Web::start().await?,
            _source: SourceController::start(&kubeconfig).await?,
            _volumes: Provisioner::start(&kubeconfig).await?,
            cluster,
            registry,
        })
    }

    /// Process ids of everything that runs.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        let mut ids = self.cluster.process_ids();
        ids.extend(self.registry.process_id());
        ids.extend(self.kustomize.process_id());
        ids
    }
}
