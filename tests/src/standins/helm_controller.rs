//! Plays Flux's helm-controller: renders each `HelmRelease` with the real `helm` in the order of
//! `dependsOn`, applies the result, waits for the workloads and says how it went. On request it fails or
//! stalls releases by name.
//!
//! Not played: uninstalling when a release is deleted, rollback, drift detection, and the regular look at
//! each `interval`; values that change are seen when somebody asks for a reconciliation.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use kube::api::{Api, ApiResource, DynamicObject, ListParams};
use kube::{Client, ResourceExt};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::status::{self, Condition};
use super::{RETRY_AFTER, StandIn, resource};
use crate::apply;
use crate::cluster::client_of;
use crate::helm::Helm;
use crate::tools::Tools;

mod attempt;
mod health;
mod origin;
mod outcome;
mod release;
mod values;

use release::{Due, Release};

/// What the script has in mind for a release.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Plan {
    Fail(String),
    Stall,
}

/// How the bootstrap Job of the core ends, from the next attempt on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bootstrap {
    /// At once and well.
    #[default]
    Completes,
    /// With its first pod; the real one tries seven times in ten minutes.
    Fails,
    /// Not at all.
    Hangs,
}

/// The running player; dropping it ends it in the middle of whatever it does.
pub struct HelmController {
    player: Arc<Player>,
    _task: StandIn,
}

impl HelmController {
    /// Starts it on the cluster of a kubeconfig.
    ///
    /// # Errors
    /// The kubeconfig cannot be used or no directory can be made.
    pub async fn start(kubeconfig: &Path, tools: &Tools) -> Result<Self> {
        let player = Arc::new(Player {
            client: client_of(kubeconfig).await?,
            kubeconfig: kubeconfig.to_owned(),
            helm: Helm::new(tools)?,
            plans: Mutex::default(),
            bootstrap: Mutex::default(),
            running: Mutex::default(),
            failed: Mutex::default(),
            tasks: Mutex::default(),
        });
        let looking = player.clone();
        let task = StandIn::looking("helm-controller", move || looking.clone().look());
        Ok(Self { player, _task: task })
    }

    /// From now on every attempt of the release fails with this message.
    pub fn fail(&self, release: &str, message: &str) {
        lock(&self.player.plans).insert(release.to_owned(), Plan::Fail(message.to_owned()));
    }

    /// From now on attempts of the release do not come to an end.
    pub fn stall(&self, release: &str) {
        lock(&self.player.plans).insert(release.to_owned(), Plan::Stall);
    }

    /// From the next attempt on, the core's bootstrap Job ends like this.
    pub fn bootstrap(&self, ends: Bootstrap) {
        *lock(&self.player.bootstrap) = ends;
    }

    /// Ends [`HelmController::fail`] and [`HelmController::stall`]; a stalled attempt goes on.
    pub fn heal(&self, release: &str) {
        lock(&self.player.plans).remove(release);
    }
}

impl Drop for HelmController {
    fn drop(&mut self) {
        lock(&self.player.tasks).abort_all();
    }
}

struct Player {
    client: Client,
    kubeconfig: PathBuf,
    helm: Helm,
    plans: Mutex<BTreeMap<String, Plan>>,
    bootstrap: Mutex<Bootstrap>,
    /// Releases that are being worked on, by uid.
    running: Mutex<BTreeSet<String>>,
    /// When each release failed last, by uid.
    failed: Mutex<BTreeMap<String, Instant>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Player {
    /// One look at all releases: starts an attempt for each that is due.
    async fn look(self: Arc<Self>) -> Result<()> {
        while lock(&self.tasks).try_join_next().is_some() {}
        let all = apply::api(&self.client, &kind(), None)
            .list(&ListParams::default())
            .await?
            .items;
        for object in &all {
            let uid = object.uid().unwrap_or_default();
            if lock(&self.running).contains(&uid) {
                continue;
            }
            let rested = lock(&self.failed)
                .get(&uid)
                .is_none_or(|at| at.elapsed() >= RETRY_AFTER);
            match release::due(object, &all, rested) {
                Due::No => {}
                Due::WaitsFor(message) => self.say_it_waits(object, &message).await?,
                Due::Now => self.begin(object, uid),
            }
        }
        Ok(())
    }

    fn begin(self: &Arc<Self>, object: &DynamicObject, uid: String) {
        lock(&self.running).insert(uid.clone());
        let (player, object) = (self.clone(), object.clone());
        lock(&self.tasks).spawn(async move {
            match player.reconcile(&object).await {
                Ok(true) => drop(lock(&player.failed).remove(&uid)),
                Ok(false) => drop(lock(&player.failed).insert(uid.clone(), Instant::now())),
                Err(error) => {
                    tracing::debug!(error = format!("{error:#}"), "a release could not be worked on");
                }
            }
            lock(&player.running).remove(&uid);
        });
    }

    async fn say_it_waits(&self, object: &DynamicObject, message: &str) -> Result<()> {
        if status::condition_of(object, "Ready").is_some_and(|ready| ready["message"] == message) {
            return Ok(());
        }
        let ready = Condition {
            kind: "Ready",
            status: "False",
            reason: "DependencyNotReady",
            message,
        };
        let conditions = status::conditions(object, &[ready]);
        status::merge(
            &self.api(object),
            &object.name_any(),
            serde_json::json!({"conditions": conditions}),
        )
        .await
    }

    fn plan(&self, release: &Release<'_>) -> Option<Plan> {
        lock(&self.plans).get(&release.object.name_any()).cloned()
    }

    fn api(&self, object: &DynamicObject) -> Api<DynamicObject> {
        apply::api(&self.client, &kind(), object.namespace().as_deref())
    }
}

fn kind() -> ApiResource {
    resource("helm.toolkit.fluxcd.io", "v2", "HelmRelease", "helmreleases")
}

/// Nothing panics while holding these locks, and what they hold is whole at any moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
