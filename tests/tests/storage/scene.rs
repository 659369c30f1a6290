//! A cluster whose storage was taken away, a provisioner to script, and a box with an empty state volume.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use appliance_common::clock::Clock;
use appliance_common::cluster::ClusterSource;
use appliance_common::meter::Meter;
use appliance_common::storage::{Limits, Report, Storage, StorageError, StorageSettings};
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::standins::provisioner::Provisioner;
use appliance_tests::tools::Tools;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// Longest time the cluster may take to let go of what a test left.
const CLEAR_LIMIT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);

pub(crate) struct Scene {
    pub(crate) client: Client,
    pub(crate) provisioner: Provisioner,
    pub(crate) settings: StorageSettings,
    _dir: TempDir,
    /// What the engine said it was doing.
    pub(crate) said: StdMutex<Vec<String>>,
    // Released last: the next test begins then.
    pub(crate) cluster: MutexGuard<'static, TestCluster>,
}

impl Scene {
    pub(crate) async fn start() -> Result<Self> {
        let cluster = lease().await?;
        let dir = tempfile::tempdir()?;
        let client = cluster.client().await?;
        let scene = Self {
            provisioner: Provisioner::start(&cluster.kubeconfig()).await?,
            settings: StorageSettings {
                settle: Duration::ZERO,
                lock_attempts: 50,
                lock_pause: Duration::from_millis(100),
                agent: dir.path().join("host-agent.sock"),
                limits: Limits {
                    overall: Duration::from_mins(2),
                    ..Limits::default()
                },
                ..StorageSettings::in_state_dir(dir.path())
            },
            client,
            _dir: dir,
            said: StdMutex::default(),
            cluster,
        };
        scene.clear().await?;
        Ok(scene)
    }

    pub(crate) async fn storage(&self) -> Result<Storage> {
        let source = ClusterSource::new(self.cluster.kubeconfig());
        let cluster = source.open(Meter::default().into()).await?;
        Ok(Storage::new(cluster, self.settings.clone(), Clock::system()))
    }

    pub(crate) async fn converge(&self) -> Result<Result<Report, StorageError>> {
        let storage = self.storage().await?;
        let say = |text: String| {
            self.said
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(text);
        };
        Ok(storage.converge(&say).await)
    }

    pub(crate) fn volumes(&self) -> Api<PersistentVolume> {
        Api::all(self.client.clone())
    }

    pub(crate) fn namespaces(&self) -> Api<Namespace> {
        Api::all(self.client.clone())
    }

    pub(crate) fn classes(&self) -> Api<StorageClass> {
        Api::all(self.client.clone())
    }

    /// A volume of the provisioner's that a claim of this namespace has, or had.
    pub(crate) async fn volume(&self, name: &str, namespace: &str, policy: &str) -> Result<PersistentVolume> {
        let volume = json!({
            "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": "rancher.io/local-path"}},
            "spec": {
                "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
                "persistentVolumeReclaimPolicy": policy, "storageClassName": "local-path",
                "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim",
                    "namespace": namespace, "name": "data", "uid": "00000000-0000-0000-0000-000000000001"},
                "hostPath": {"path": format!("/var/mnt/alga-data/local-path-provisioner/{name}")},
            },
        });
        let volume = serde_json::from_value(volume)?;
        Ok(self.volumes().create(&PostParams::default(), &volume).await?)
    }

    /// The provisioner that k3s brings along.
    pub(crate) async fn bundled(&self) -> Result<()> {
        let deployment = json!({
            "metadata": {"name": "local-path-provisioner", "namespace": "kube-system"},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "x"}}, "template": {
                "metadata": {"labels": {"app": "x"}},
                "spec": {"containers": [{"name": "x", "image": "rancher/local-path-provisioner:v0.0.30"}]},
            }},
        });
        let deployments = Api::<Deployment>::namespaced(self.client.clone(), "kube-system");
        deployments
            .create(&PostParams::default(), &serde_json::from_value(deployment)?)
            .await?;
        Ok(())
    }

    pub(crate) async fn has_bundled(&self) -> Result<bool> {
        let deployments = Api::<Deployment>::namespaced(self.client.clone(), "kube-system");
        Ok(deployments.get_opt("local-path-provisioner").await?.is_some())
    }

    /// Fails unless nothing of the storage test is there.
    pub(crate) async fn no_residue(&self) -> Result<()> {
        if self.namespaces().get_opt("storage-smoke").await?.is_some() {
            bail!("namespace storage-smoke is there");
        }
        let volumes = self.volumes().list(&ListParams::default()).await?.items;
        let left: Vec<_> = volumes
            .iter()
            .filter(|volume| claim(volume) == "storage-smoke")
            .collect();
        anyhow::ensure!(left.is_empty(), "{left:#?}");
        Ok(())
    }

    /// Name, policy and version of every volume whose claim is not the test's.
    pub(crate) async fn application_volumes(&self) -> Result<Vec<(String, String)>> {
        let volumes = self.volumes().list(&ListParams::default()).await?.items;
        let kept = volumes.iter().filter(|volume| claim(volume) != "storage-smoke");
        Ok(kept.map(|volume| (volume.name_any(), policy(volume))).collect())
    }

    /// Requests of the engine so far, as `verb uri`.
    pub(crate) fn requests(&self) -> Result<Vec<String>> {
        let requests = self.cluster.requests_of("alga-appliance/")?;
        Ok(requests
            .into_iter()
            .map(|request| format!("{} {}", request.verb, request.uri))
            .collect())
    }

    pub(crate) fn record(&self) -> PathBuf {
        self.settings.record.clone()
    }

    /// Takes everything away that storage made here, and every volume.
    pub(crate) async fn clear(&self) -> Result<()> {
        let (one, all) = (DeleteParams::default(), ListParams::default());
        for namespace in ["local-path-storage", "kube-system"] {
            let deployments = Api::<Deployment>::namespaced(self.client.clone(), namespace);
            deployments.delete_collection(&one, &all).await?;
        }
        self.classes().delete_collection(&one, &all).await?;
        if self.namespaces().get_opt("storage-smoke").await?.is_some() {
            self.namespaces().delete("storage-smoke", &one).await?;
        }
        let is_clear = async {
            loop {
                for volume in self.volumes().list(&all).await?.items {
                    let name = volume.name_any();
                    // It may go in between.
                    let _ = change(&self.volumes(), &name, json!({"metadata": {"finalizers": null}})).await;
                    let _ = self.volumes().delete(&name, &one).await;
                }
                let no_volumes = self.volumes().list(&all).await?.items.is_empty();
                let no_namespace = self.namespaces().get_opt("storage-smoke").await?.is_none();
                if no_volumes && no_namespace {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(POLL).await;
            }
        };
        tokio::time::timeout(CLEAR_LIMIT, is_clear)
            .await
            .context("the cluster does not clear")?
    }
}

/// Changes an object as somebody else would.
#[expect(clippy::disallowed_methods, reason = "not the product's write")]
pub(crate) async fn change<K>(api: &Api<K>, name: &str, change: Value) -> Result<()>
where
    K: Clone + DeserializeOwned + Debug,
{
    api.patch(name, &PatchParams::default(), &Patch::Merge(change))
        .await?;
    Ok(())
}

pub(crate) fn claim(volume: &PersistentVolume) -> String {
    let claim = volume.spec.as_ref().and_then(|spec| spec.claim_ref.as_ref());
    claim
        .and_then(|claim| claim.namespace.clone())
        .unwrap_or_default()
}

pub(crate) fn policy(volume: &PersistentVolume) -> String {
    let spec = volume.spec.as_ref();
    let policy = spec.and_then(|spec| spec.persistent_volume_reclaim_policy.clone());
    policy.unwrap_or_default()
}

async fn lease() -> Result<MutexGuard<'static, TestCluster>> {
    static CLUSTER: OnceCell<Mutex<TestCluster>> = OnceCell::const_new();
    let cluster = CLUSTER
        .get_or_try_init(|| async {
            let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
            anyhow::Ok(Mutex::new(TestCluster::start(&tools, Parts::Workloads).await?))
        })
        .await?;
    Ok(cluster.lock().await)
}
