//! A place to install on in a second: a real API server that has storage and the kinds of Flux already,
//! a registry with a small release, and a box with an empty state volume.
//!
//! Setup's objects have fixed names, so tests take turns on a few API servers, and each begins by taking
//! away what the one before left. No controller runs there: what Flux does with its objects is the whole
//! stack's test.

use std::time::Duration;

use anyhow::{Result, ensure};
use appliance_common::cluster::ClusterSource;
use appliance_common::names::file;
use appliance_common::state_file;
use appliance_control_plane::setup::Setup;
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::registry::TestRegistry;
use appliance_tests::{apply, flux, releases, storage};
use futures::FutureExt;
use futures::future::{select_all, try_join_all};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod, Secret};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams};
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use crate::objects::resource;
use crate::scene::{Volume, tools};

/// Namespaces that setup makes.
const NAMESPACES: [&str; 4] = [
    "msp",
    "alga-system",
    "appliance-system",
    "alga-appliance-control-plane",
];

/// Longest time one call to the API server may take before a test sees the failure.
const CALL_LIMIT: Duration = Duration::from_secs(2);

/// The channel's release on a fresh site.
pub(crate) const VERSION: &str = "1.0.0";

pub(crate) struct Site {
    pub(crate) cluster: MutexGuard<'static, TestCluster>,
    pub(crate) registry: TestRegistry,
    pub(crate) client: Client,
    pub(crate) volume: Volume,
}

impl Site {
    pub(crate) async fn start() -> Result<Self> {
        let cluster = lease().await?;
        let client = cluster.client().await?;
        let registry = TestRegistry::start(&tools()?).await?;
        let site = Self {
            volume: volume(&cluster, &client, &registry.host()).await?,
            cluster,
            registry,
            client,
        };
        site.clear().await?;
        site.publish("stable", &site.release()).await?;
        Ok(site)
    }

    /// A release that installs.
    pub(crate) fn release(&self) -> Value {
        releases::manifest(&self.registry.host(), VERSION)
    }

    pub(crate) async fn publish(&self, tag: &str, release: &Value) -> Result<String> {
        let pushed = releases::push(&self.registry.host(), tag, release.to_string().as_bytes()).await?;
        Ok(pushed.to_string())
    }

    /// The box as it is delivered: an empty state volume.
    pub(crate) async fn new_volume(&mut self) -> Result<()> {
        self.volume = volume(&self.cluster, &self.client, &self.registry.host()).await?;
        Ok(())
    }

    /// The control plane, started on the state volume.
    pub(crate) fn open(&self) -> Setup {
        self.volume.open()
    }

    /// Takes everything away that setup made here.
    pub(crate) async fn clear(&self) -> Result<()> {
        for kind in ["OCIRepository", "Kustomization"] {
            let api: Api<DynamicObject> =
                Api::namespaced_with(self.client.clone(), "flux-system", &resource(kind)?);
            api.delete_collection(&DeleteParams::default(), &ListParams::default())
                .await?;
        }
        // The API server takes a tenth of a second for each.
        try_join_all(NAMESPACES.map(|name| self.remove_namespace(name))).await?;
        // The pod's own namespace and rights are there before the pod is.
        self.cluster.pod_kubeconfig(&["rbac-setup.yaml"]).await?;
        Ok(())
    }

    /// The namespace controller's part: empties a namespace and lets it go.
    async fn remove_namespace(&self, name: &str) -> Result<()> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        if namespaces.get_opt(name).await?.is_none() {
            return Ok(());
        }
        let (one, all) = (DeleteParams::default(), ListParams::default());
        let secrets = Api::<Secret>::namespaced(self.client.clone(), name);
        secrets.delete_collection(&one, &all).await?;
        let config_maps = Api::<ConfigMap>::namespaced(self.client.clone(), name);
        config_maps.delete_collection(&one, &all).await?;
        // What a test has put there in the name of Flux and of the controllers.
        let releases: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), name, &resource("HelmRelease")?);
        releases.delete_collection(&one, &all).await?;
        let jobs = Api::<Job>::namespaced(self.client.clone(), name);
        jobs.delete_collection(&DeleteParams::background(), &all).await?;
        let deployments = Api::<Deployment>::namespaced(self.client.clone(), name);
        deployments.delete_collection(&one, &all).await?;
        let pods = Api::<Pod>::namespaced(self.client.clone(), name);
        pods.delete_collection(&one, &all).await?;
        let events = Api::<Event>::namespaced(self.client.clone(), name);
        events.delete_collection(&one, &all).await?;
        namespaces.delete(name, &one).await?;
        let mut last = namespaces.get(name).await?;
        last.spec = Some(k8s_openapi::api::core::v1::NamespaceSpec::default());
        namespaces
            .replace_subresource("finalize", name, &PostParams::default(), &last)
            .await?;
        ensure!(namespaces.get_opt(name).await?.is_none(), "{name} does not go");
        Ok(())
    }
}

async fn volume(cluster: &TestCluster, client: &Client, registry: &str) -> Result<Volume> {
    let kubeconfig = cluster.pod_kubeconfig(&["rbac-setup.yaml"]).await?;
    let mut volume = Volume::new(kubeconfig.clone(), registry, None)?;
    volume.settings.cluster = ClusterSource::new(kubeconfig).with_call_limit(CALL_LIMIT);
    // No pod runs here, so the storage test cannot: it counts as passed.
    let proof = storage::proof(client).await?;
    // Outside the state volume, which tests fill up and make read-only.
    volume.settings.storage.record = cluster.dir().join(file::STORAGE_STATE);
    let record = &volume.settings.storage.record;
    state_file::replace(record, proof.to_string().as_bytes(), 0o600)?;
    Ok(volume)
}

/// How many API servers the tests take turns on.
const CLUSTERS: usize = 2;

/// An API server, for one test at a time; whatever the last one did to it is mended first.
async fn lease() -> Result<MutexGuard<'static, TestCluster>> {
    static POOL: [OnceCell<Mutex<TestCluster>>; CLUSTERS] = [const { OnceCell::const_new() }; CLUSTERS];
    let mut busy = Vec::new();
    for place in &POOL {
        let cluster = place
            .get_or_try_init(|| async { anyhow::Ok(Mutex::new(prepared().await?)) })
            .await?;
        match cluster.try_lock() {
            Ok(cluster) => return mended(cluster).await,
            Err(_) => busy.push(cluster.lock().boxed()),
        }
    }
    mended(select_all(busy).await.0).await
}

async fn mended(mut cluster: MutexGuard<'static, TestCluster>) -> Result<MutexGuard<'static, TestCluster>> {
    if cluster.resume_api().is_err() {
        cluster.start_api().await?;
    }
    Ok(cluster)
}

async fn prepared() -> Result<TestCluster> {
    let tools = tools()?;
    let cluster = TestCluster::start(&tools, Parts::Api).await?;
    let client = cluster.client().await?;
    let flux = std::fs::read_to_string(flux::manifest(&tools)?.path)?;
    apply::yaml(&client, "test", "default", &flux).await?;
    storage::roll_out(&client).await?;
    Ok(cluster)
}
