//! What operators look at and change on a running appliance (30 §§9, 11; 40 §§8.2, 8.3): the state of
//! releases and licence, the licence itself, the application's address, the administrator's password.
//!
//! Each change holds the appliance's lock, is seen through whoever stops waiting, and may be made twice.
//! `part` keeps what is shown, `status` puts it together, `license`, `app_url` and `reset` change things.

mod app_update;
pub mod app_url;
mod application;
mod cluster_view;
mod conflict;
mod control_plane;
mod exec_rights;
pub mod license;
mod offer;
mod owner;
mod part;
pub mod reset;
mod status;
mod upgrade;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::cluster::{Cluster, ClusterError, ClusterSource};
use appliance_common::host::lock_appliance;
use appliance_common::meter::Meter;
use appliance_common::names::file;
use appliance_common::release::policy::UsePolicy;
use appliance_common::release::registry::RegistrySettings;
use appliance_common::state_file::{FileLock, LockError};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;

use crate::selection::SelectionFile;
use status::Parts;

/// What this process was told that matters here.
#[derive(Debug, Clone)]
pub struct ManageSettings {
    /// `install-state.json`.
    pub state_file: PathBuf,
    /// `release-selection.json`.
    pub selection_file: PathBuf,
    /// The cluster.
    pub cluster: ClusterSource,
    /// The registry; host, repository and DNS servers are those of the selection, where it names them.
    pub registry: RegistrySettings,
    /// What a release may name.
    pub policy: UsePolicy,
    /// Age at which the owner of an update is taken for dead.
    pub owner_max_age: Duration,
    /// The kernel's id of this boot.
    pub boot_id: String,
}

/// The handle; cheap to clone.
#[derive(Clone)]
pub struct Manage(Arc<Inner>);

/// What all handles share.
struct Inner {
    settings: ManageSettings,
    clock: Clock,
    cluster: OnceCell<Cluster>,
    parts: Parts,
    resets: reset::Board,
    unsaved: license::Unsaved,
    /// Held by whoever brings a recorded address about.
    taking_up: tokio::sync::Mutex<()>,
    /// What runs beside the server.
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl fmt::Debug for Manage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manage")
            .field("settings", &self.0.settings)
            .finish_non_exhaustive()
    }
}

impl Manage {
    /// A handle; asks nothing yet.
    #[must_use]
    pub fn open(settings: ManageSettings, clock: Clock) -> Self {
        Self(Arc::new_cyclic(|inner| Inner {
            parts: Parts::new(inner, &clock),
            cluster: OnceCell::new(),
            resets: reset::Board::open(
                settings.state_file.with_file_name(file::PASSWORD_RESETS),
                clock.clone(),
            ),
            settings,
            unsaved: license::Unsaved::default(),
            taking_up: tokio::sync::Mutex::default(),
            tasks: Mutex::default(),
            clock,
        }))
    }

    /// Takes up what a stop left: an address that is not in the cluster yet, a licence that is not in the
    /// recovery seed yet, objects of a password reset; and mends the rights that an older release gave.
    pub fn resume(&self) {
        self.beside(Self::take_up_address);
        self.beside(Self::sweep_resets);
        self.beside(Self::settle_license);
        self.beside(Self::mend_rights);
    }

    /// Ends what [`Manage::resume`] began, as a crash would.
    pub fn stop(&self) {
        for task in self.tasks().drain(..) {
            task.abort();
        }
    }

    /// Runs something beside the server, until it ends or the server stops.
    fn beside<F: Future<Output = ()> + Send + 'static>(&self, work: impl FnOnce(Self) -> F) {
        let mut tasks = self.tasks();
        tasks.retain(|task| !task.is_finished());
        tasks.push(tokio::spawn(work(self.clone())));
    }

    fn tasks(&self) -> std::sync::MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock of every change of the appliance.
    fn lock(&self, what: &str) -> Result<FileLock, LockError> {
        let path = self.0.settings.state_file.with_file_name(file::UPDATE_LOCK);
        let note = format!("{what} (control plane, pid {})", std::process::id());
        lock_appliance(&path, &note)
    }

    fn selection_file(&self) -> SelectionFile {
        SelectionFile::at(&self.0.settings.selection_file)
    }

    /// Whether this box has chosen no release yet: then nothing of ours is in its cluster.
    async fn has_no_release(&self) -> bool {
        let file = self.selection_file();
        matches!(
            tokio::task::spawn_blocking(move || file.load()).await,
            Ok(Ok(None))
        )
    }

    async fn cluster(&self) -> Result<&Cluster, ClusterError> {
        self.0.cluster().await
    }

    /// The licence in use may be another one now.
    fn outdate_license(&self) {
        self.0.parts.license.outdate();
    }
}

impl Inner {
    /// The cluster. A failure is not kept: the next one who asks tries again.
    async fn cluster(&self) -> Result<&Cluster, ClusterError> {
        let open = || self.settings.cluster.open(Arc::new(Meter::default()));
        self.cluster.get_or_try_init(open).await
    }
}
