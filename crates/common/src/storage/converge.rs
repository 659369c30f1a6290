//! The reconciliation: lock, look, then part after part of the plan.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, try_join_all};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PersistentVolume;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::ResourceExt;
use tokio::time::timeout;

use super::cleanup::clean_up;
use super::controllers::{self, Following};
use super::error::StorageError;
use super::host::{self, HostSide};
use super::lock::StorageLock;
use super::observe::{Aim, Observed, observe};
use super::plan::{Plan, SubStep};
use super::record::{Proof, StorageRecord};
use super::settings::StorageSettings;
use super::wanted::{self, Wanted};
use super::{guard::VolumePatch, smoke};
use crate::agent_api::AgentClient;
use crate::clock::{Clock, iso_millis};
use crate::cluster::{Cluster, ClusterError, Owner};
use crate::names::{namespace, object};
use crate::process::chain;
use crate::state_file::StateFile;

/// Objects applied at a time.
const WIDTH: usize = 4;
/// What the lock file says about its holder.
const NOTE: &str = "a storage reconciliation";

/// What a reconciliation did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The parts that were done, in their order.
    pub done: Vec<String>,
    /// The host's side.
    pub host: HostSide,
}

impl Report {
    /// One sentence for the operator.
    #[must_use]
    pub fn summary(&self) -> String {
        let cluster = if self.done.is_empty() {
            "storage was as it should be"
        } else {
            "the local-path provisioner runs and keeps volumes when their claims go"
        };
        match &self.host {
            HostSide::InPlace | HostSide::Drifted(_) => cluster.to_owned(),
            HostSide::Mended(items) => format!("{cluster}; put right on the host: {}", host::list(items)),
            HostSide::Unknown(reason) => format!("{cluster}; the host's side was not looked at: {reason}"),
        }
    }
}

/// Who is told what is being done.
pub type Say<'a> = &'a (dyn Fn(String) + Send + Sync);

/// Storage of one appliance.
#[derive(Clone)]
pub struct Storage {
    cluster: Cluster,
    agent: AgentClient,
    settings: StorageSettings,
    record: StateFile<StorageRecord>,
    clock: Clock,
}

/// What one reconciliation carries from part to part.
struct Work<'a> {
    objects: &'a [Wanted],
    msp: &'a Wanted,
    class_uid: Option<String>,
    following: Following,
    debt: Debt,
}

impl Storage {
    /// Storage on this cluster; does nothing yet.
    #[must_use]
    pub fn new(cluster: Cluster, settings: StorageSettings, clock: Clock) -> Self {
        Self {
            cluster,
            agent: AgentClient::at(&settings.agent),
            record: StateFile::at(&settings.record),
            settings,
            clock,
        }
    }

    /// What is to be done. Takes no lock and writes nothing.
    ///
    /// # Errors
    /// When the cluster cannot be looked at, or the class is somebody else's.
    pub async fn look(&self) -> Result<Plan, StorageError> {
        let objects = self.objects()?;
        let msp = wanted::msp_namespace().map_err(StorageError::Defective)?;
        let host = host::look(&self.agent).await;
        Ok(Plan::of(&self.observe(&objects, &msp, host).await?))
    }

    /// Whether the provisioner runs, alone, before the time is over. Writes nothing.
    ///
    /// # Errors
    /// When that could not be seen: the cluster does not answer.
    pub async fn runs(&self, within: Duration) -> Result<bool, StorageError> {
        Following::start(&self.cluster).is_converged(within).await
    }

    /// Whether storage was ever proven here.
    #[must_use]
    pub fn was_proven(&self) -> bool {
        StorageRecord::load(&self.record).proof.is_some()
    }

    /// Makes storage as it should be. The caller holds the appliance's lock.
    ///
    /// # Errors
    /// [`StorageError`]; a later call goes on from what is there.
    pub fn converge<'a>(&'a self, say: Say<'a>) -> BoxFuture<'a, Result<Report, StorageError>> {
        async move {
            // Before the storage lock, which comes after the agent's own (decision 15).
            say("looking at the host's side of storage".to_owned());
            let host = host::mend(&self.agent).await?;
            match (self.converge_cluster(&host, say).await, host) {
                (Ok(done), host) => Ok(Report { done, host }),
                (Err(error), HostSide::Unknown(reason)) => Err(StorageError::HostUnknown {
                    reason,
                    source: Box::new(error),
                }),
                (Err(error), _) => Err(error),
            }
        }
        .boxed()
    }

    async fn converge_cluster(&self, host: &HostSide, say: Say<'_>) -> Result<Vec<String>, StorageError> {
        let lock = Arc::new(StorageLock::acquire(&self.settings, NOTE, say).await?);
        let doing = Mutex::new("looking at storage".to_owned());
        let tell = |text: String| {
            text.clone_into(&mut doing.lock().unwrap_or_else(PoisonError::into_inner));
            say(text);
        };
        let limit = self.settings.limits.overall;
        let work = self.follow_plan(host, &lock, &tell);
        // On the heap: the futures of the API client are large, and a caller may hold several.
        match timeout(limit, work.boxed()).await {
            Ok(result) => result,
            Err(_) => Err(StorageError::TooSlow {
                doing: doing.into_inner().unwrap_or_else(PoisonError::into_inner),
                limit,
            }),
        }
    }

    async fn follow_plan(
        &self,
        host: &HostSide,
        lock: &Arc<StorageLock>,
        say: Say<'_>,
    ) -> Result<Vec<String>, StorageError> {
        let objects = self.objects()?;
        let msp = wanted::msp_namespace().map_err(StorageError::Defective)?;
        let seen = self.observe(&objects, &msp, host.clone()).await?;
        let plan = Plan::of(&seen);
        if plan.is_empty() {
            return Ok(Vec::new());
        }
        let mut work = Work {
            objects: &objects,
            msp: &msp,
            class_uid: seen.class_uid,
            following: Following::start(&self.cluster),
            debt: Debt {
                storage: self.clone(),
                lock: Arc::clone(lock),
                owed: false,
            },
        };
        let (steps, count) = (plan.steps(), plan.steps().len());
        for (index, step) in steps.iter().enumerate() {
            say(format!("{} of {count}: {step}", index + 1));
            self.act(step, &mut work).await?;
        }
        if steps.contains(&SubStep::Rollout) {
            self.check_controllers().await?;
        }
        if steps.contains(&SubStep::Test) {
            self.remember(work.class_uid.as_deref());
        }
        Ok(plan.lines())
    }

    async fn act(&self, step: &SubStep, work: &mut Work<'_>) -> Result<(), StorageError> {
        let failed = StorageError::while_;
        match step {
            // Done before the lock was taken.
            SubStep::Host(_) => Ok(()),
            SubStep::Namespace => {
                let is_namespace = |wanted: &&Wanted| wanted.is_a("Namespace");
                let namespaces = work.objects.iter().filter(is_namespace).collect();
                self.apply(namespaces).await.map(drop)
            }
            SubStep::ApplicationNamespace => self.apply(vec![work.msp]).await.map(drop),
            SubStep::Retain(volumes) => self.retain(volumes).await,
            SubStep::DropClass(_) => {
                let deleted = self
                    .cluster
                    .delete::<StorageClass>(None, object::STORAGE_CLASS)
                    .await;
                deleted.map_err(failed("removing the StorageClass"))
            }
            SubStep::DropBundled => {
                let place = Some(namespace::KUBE_SYSTEM);
                let deleted = self
                    .cluster
                    .delete::<Deployment>(place, object::PROVISIONER)
                    .await;
                deleted.map_err(failed("removing k3s's own provisioner"))
            }
            SubStep::Apply(titles) => {
                let differs =
                    |wanted: &&Wanted| !wanted.is_a("Namespace") && titles.contains(&wanted.title());
                let objects = work.objects.iter().filter(differs).collect();
                if let Some(uid) = self.apply(objects).await? {
                    work.class_uid = Some(uid);
                }
                Ok(())
            }
            SubStep::Rollout => work.following.converged(self.settings.limits.rollout).await,
            SubStep::Settle => work.following.settled(self.settings.settle).await,
            SubStep::Sweep => clean_up(&self.cluster, self.settings.limits.gone).await,
            SubStep::Test => self.test(work).await,
        }
    }

    /// The test, cleaned up after whatever comes of it. Its own error outranks that of the clean-up.
    async fn test(&self, work: &mut Work<'_>) -> Result<(), StorageError> {
        work.debt.owed = true;
        let tested = tokio::select! {
            tested = smoke::run(&self.cluster, &self.settings.images, &self.settings.limits) => tested,
            back = work.following.back() => Err(back),
        };
        let cleaned = clean_up(&self.cluster, self.settings.limits.gone).await;
        work.debt.owed = false;
        if let (Err(_), Err(left)) = (&tested, &cleaned) {
            tracing::warn!(
                error = chain(left),
                "the storage test left something; the next run removes it"
            );
        }
        tested.and(cleaned)
    }

    /// Applies objects; gives the UID of the class, if it was among them.
    async fn apply(&self, objects: Vec<&Wanted>) -> Result<Option<String>, StorageError> {
        let mut class = None;
        for some in objects.chunks(WIDTH) {
            let applied = try_join_all(some.iter().map(|wanted| self.apply_one(wanted)));
            class = applied.await?.into_iter().flatten().next().or(class);
        }
        Ok(class)
    }

    fn apply_one<'a>(&'a self, wanted: &'a Wanted) -> BoxFuture<'a, Result<Option<String>, StorageError>> {
        async move {
            let applied = self
                .cluster
                .apply_dynamic(Owner::Storage, &wanted.resource, &wanted.object);
            let live = applied
                .await
                .map_err(StorageError::while_("applying the storage provisioner"))?;
            Ok(wanted.is_a("StorageClass").then(|| live.uid()).flatten())
        }
        .boxed()
    }

    async fn retain(&self, volumes: &[VolumePatch]) -> Result<(), StorageError> {
        for patch in volumes {
            match self
                .cluster
                .patch_exactly::<PersistentVolume>(patch.volume(), patch.operations())
                .await
            {
                Ok(()) | Err(ClusterError::Missing { .. }) => {}
                Err(source) => return Err(StorageError::while_("keeping the application's volumes")(source)),
            }
        }
        Ok(())
    }

    /// The last look: a watch may lag behind.
    async fn check_controllers(&self) -> Result<(), StorageError> {
        if controllers::now(&self.cluster).await?.bundled {
            return Err(StorageError::BundledBack);
        }
        Ok(())
    }

    /// What cannot be recorded is proven again next time; nothing worse.
    fn remember(&self, class_uid: Option<&str>) {
        let Some(uid) = class_uid else { return };
        let proof = Proof {
            storage_class_uid: uid.to_owned(),
            provisioner_image: self.settings.images.provisioner.as_str().to_owned(),
            passed_at: iso_millis(self.clock.now()),
        };
        if let Err(error) = StorageRecord::load(&self.record).store(&self.record, proof) {
            tracing::warn!(
                error = chain(&error),
                "the storage test is not on record and will be repeated"
            );
        }
    }

    fn objects(&self) -> Result<Vec<Wanted>, StorageError> {
        wanted::objects(&self.settings.images).map_err(StorageError::Defective)
    }

    async fn observe(
        &self,
        objects: &[Wanted],
        msp: &Wanted,
        host: HostSide,
    ) -> Result<Observed, StorageError> {
        let record = StorageRecord::load(&self.record);
        let images = &self.settings.images;
        let aim = Aim {
            objects,
            msp,
            record: &record,
            images,
        };
        observe(&self.cluster, &aim, host).await
    }
}

/// A test that was begun and not cleaned up after. Dropped while it is owed, by a cancelled or overdue
/// run, it cleans up in the background and keeps the lock until that is done. A process that is killed
/// leaves it to the next run's sweep.
struct Debt {
    storage: Storage,
    lock: Arc<StorageLock>,
    owed: bool,
}

impl Drop for Debt {
    fn drop(&mut self) {
        if !self.owed {
            return;
        }
        let (storage, lock) = (self.storage.clone(), Arc::clone(&self.lock));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = clean_up(&storage.cluster, storage.settings.limits.gone).await {
                    tracing::warn!(
                        error = chain(&error),
                        "the next storage run removes what the test left"
                    );
                }
                drop(lock);
            });
        }
    }
}
