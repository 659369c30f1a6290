//! The look at storage after a start: a box that was set up before gets back what it needs, without
//! anybody asking. A box that was not is left alone (50 W31).

mod log;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use appliance_common::meter::Meter;
use appliance_common::names::file;
use appliance_common::process::chain;
use appliance_common::state_file::LockError;
use appliance_common::storage::{Storage, StorageError};
use futures::FutureExt;
use tokio::task::AbortHandle;

use super::Setup;
use log::RepairLog;

/// How long the provisioner may take to be seen running.
const SEEN_WITHIN: Duration = Duration::from_secs(5);
/// First pause after a look or repair that did not succeed; it doubles up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// Longest pause.
const MAX_PAUSE: Duration = Duration::from_mins(10);

/// The task; it ends when this is dropped, when storage runs, or when there is nothing to repair.
#[derive(Debug)]
#[must_use = "the repair ends when this is dropped"]
pub struct StorageRepair(AbortHandle);

impl Drop for StorageRepair {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why an attempt has to be repeated.
#[derive(Debug, thiserror::Error)]
enum Attempt {
    #[error("reaching the cluster")]
    Cluster(#[source] appliance_common::cluster::ClusterError),
    #[error("the appliance is busy")]
    Busy(#[source] LockError),
    #[error("looking at storage, or repairing it")]
    Storage(#[source] StorageError),
}

impl Setup {
    /// Looks at storage after `delay` and repairs it if that is needed. Returns at once.
    pub fn repair_storage(&self, delay: Duration) -> StorageRepair {
        let setup = self.clone();
        StorageRepair(tokio::spawn(async move { setup.repair_until_it_runs(delay).await }).abort_handle())
    }

    async fn repair_until_it_runs(&self, delay: Duration) {
        tokio::time::sleep(delay).await;
        let mut pause = FIRST_PAUSE;
        loop {
            match AssertUnwindSafe(self.repair_once()).catch_unwind().await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => {
                    tracing::warn!(
                        error = chain(&error),
                        "storage is looked at again in {} s",
                        pause.as_secs()
                    );
                }
                Err(_) => tracing::error!("the storage repair stopped because of a defect and begins anew"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    async fn repair_once(&self) -> Result<(), Attempt> {
        let opened = self.settings.cluster.open(Meter::default().into()).await;
        let cluster = opened.map_err(Attempt::Cluster)?;
        let storage = Storage::new(cluster.clone(), self.settings.storage.clone(), self.clock.clone());
        if !storage.was_proven() && self.selection().is_none() {
            tracing::debug!("storage was never set up here: nothing to repair");
            return Ok(());
        }
        if storage.runs(SEEN_WITHIN).await.map_err(Attempt::Storage)? {
            return Ok(());
        }
        let _lock = self.lock("a storage repair").map_err(Attempt::Busy)?;
        let log = RepairLog::at(self.settings.beside_state(file::STORAGE_LOG), self.clock.clone());
        log.say("storage does not run as it should: repairing it");
        self.gain_rights(&cluster).await;
        let repaired = storage.converge(&|text| log.say(&text)).await;
        self.drop_rights().await;
        match &repaired {
            Ok(report) => log.say(&report.summary()),
            Err(error) => log.say(&chain(error)),
        }
        repaired.map(drop).map_err(Attempt::Storage)
    }
}
