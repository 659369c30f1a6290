//! What an operator looks at in the cluster: namespaces, Deployments, pods with their logs, events; and the
//! one thing done to them, restarting a workload of the application.
//!
//! `names` says what a name is, `rows` makes rows of objects, `tail` and `lines` hold a log within limits;
//! all of these are pure. This file and `connection` ask the cluster: so many at once, each within a
//! deadline, and no longer than somebody waits for the answer.

mod connection;
mod error;
mod follow;
pub mod lines;
pub mod names;
mod restart;
pub mod rows;
pub mod tail;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::cluster::{
    Access, Cluster, ClusterError, ClusterSource, ContainerRun, Listed, LogStream,
};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Event, Namespace, Pod};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use connection::Connection;
use names::{ContainerName, NamespaceName, PodName, Scope};
use rows::{DeploymentRow, EventRow, Found, NamespaceRow, Newest, PodRow};
use tail::{Tail, Tailed};

pub use error::{NoLog, ReadError};
pub use follow::Following;
pub use restart::{RESTARTABLE, RestartError, Restarted};

/// Calls for readers that are under way at once.
const CALLS: usize = 8;
/// How many of these may be logs.
const LOGS: usize = 6;
/// Logs that are followed at once.
const FOLLOWED: usize = 32;
/// Events that are told of one namespace, or of all; the newest.
const EVENTS: usize = 200;
/// As much of a log as is answered; the newest.
const LOG_BYTES: usize = 1024 * 1024;

/// What this part was told.
#[derive(Debug, Clone)]
pub struct WorkloadSettings {
    /// Where the cluster is, and how long one call may take.
    pub cluster: ClusterSource,
    /// How long a list may take, with all its pages.
    pub list_limit: Duration,
    /// How long a log may take.
    pub log_limit: Duration,
    /// Kernel lock of every change of the appliance.
    pub lock_file: PathBuf,
}

/// Which log is asked for.
#[derive(Debug, Clone)]
pub struct LogQuery {
    /// The pod's namespace.
    pub namespace: NamespaceName,
    /// The pod.
    pub pod: PodName,
    /// The container; a pod that has one needs no name of it.
    pub container: Option<ContainerName>,
    /// Newest lines, at most.
    pub lines: u32,
    /// Of which run.
    pub run: ContainerRun,
}

impl LogQuery {
    fn stream(&self, follow: bool) -> LogStream<'_> {
        LogStream {
            namespace: self.namespace.as_str(),
            pod: self.pod.as_str(),
            container: self.container.as_ref().map(ContainerName::as_str),
            lines: self.lines,
            run: self.run,
            follow,
        }
    }
}

/// Whether pods can be reached into.
#[derive(Debug)]
pub enum PodAccess {
    /// Both rights are there.
    Allowed,
    /// At least one is missing.
    Refused,
    /// It could not be asked.
    Unknown(ReadError),
}

/// The handle; cheap to clone.
#[derive(Debug, Clone)]
pub struct Workloads(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: WorkloadSettings,
    clock: Clock,
    connection: Connection,
    calls: Semaphore,
    logs: Semaphore,
    followed: Arc<Semaphore>,
}

impl Workloads {
    /// Prepares to ask; asks nothing yet.
    #[must_use]
    pub fn new(settings: WorkloadSettings, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            connection: Connection::new(settings.cluster.clone()),
            settings,
            clock,
            calls: Semaphore::new(CALLS),
            logs: Semaphore::new(LOGS),
            followed: Arc::new(Semaphore::new(FOLLOWED)),
        }))
    }

    /// All namespaces, by name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn namespaces(&self) -> Result<Found<NamespaceRow>, ReadError> {
        let read = async |cluster: Cluster| {
            let add = |rows: &mut Vec<_>, object: Namespace| rows.push(NamespaceRow::from(object));
            cluster.fold(None, Vec::new, add).await
        };
        let mut found = Found::of("Namespace", self.asking(Lane::List, read).await?);
        found.rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Deployments with their `ReplicaSets`, by namespace and name. Without the `ReplicaSets` it is an answer
    /// all the same.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn deployments(&self, scope: &Scope) -> Result<Found<DeploymentRow>, ReadError> {
        let read = async |cluster: Cluster| {
            let deployments = cluster.fold(scope.namespace(), Vec::new, |all, one: Deployment| all.push(one));
            let sets = cluster.fold(scope.namespace(), Vec::new, |all, one: ReplicaSet| {
                all.push(rows::Set::from(one));
            });
            let (deployments, sets) = tokio::join!(deployments, sets);
            let sets = sets.unwrap_or_else(|error| {
                tracing::warn!(
                    error = appliance_common::process::chain(&error),
                    "Deployments are shown bare"
                );
                Listed {
                    made: Vec::new(),
                    unclear: Vec::new(),
                }
            });
            Ok((deployments?, sets))
        };
        let (listed, sets) = self.asking(Lane::List, read).await?;
        let rows = rows::joined(listed.made, &sets.made);
        let mut found = Found::with("Deployment", rows, listed.unclear);
        found.leave_out("ReplicaSet", sets.unclear);
        Ok(found)
    }

    /// Pods, by namespace and name.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn pods(&self, scope: &Scope) -> Result<Found<PodRow>, ReadError> {
        let read = async |cluster: Cluster| {
            let add = |rows: &mut Vec<_>, object: Pod| rows.push(PodRow::from(object));
            cluster.fold(scope.namespace(), Vec::new, add).await
        };
        let mut found = Found::of("Pod", self.asking(Lane::List, read).await?);
        found
            .rows
            .sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        Ok(found)
    }

    /// The newest events, oldest first.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn events(&self, scope: &Scope) -> Result<Found<EventRow>, ReadError> {
        let read = async |cluster: Cluster| {
            let add = |newest: &mut Newest, object: Event| newest.add(EventRow::from(object));
            cluster.fold(scope.namespace(), || Newest::of(EVENTS), add).await
        };
        let listed = self.asking(Lane::List, read).await?;
        Ok(Found::with("Event", listed.made.ascending(), listed.unclear))
    }

    /// The newest lines of a log, within a limit of bytes.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn log(&self, query: &LogQuery) -> Result<Tailed, ReadError> {
        let read = async |cluster: Cluster| {
            let mut bytes = cluster.stream_log(&query.stream(false)).await?;
            let mut tail = Tail::of(LOG_BYTES);
            loop {
                match bytes.next().await {
                    Ok(Some(chunk)) => tail.push(&chunk),
                    Ok(None) => return Ok(Ok(tail.ended())),
                    Err(error) => return Ok(Err(error)),
                }
            }
        };
        let read = self.asking(Lane::Log, read).await;
        read.map_err(ReadError::of_log)?.map_err(ReadError::Broken)
    }

    /// A log as it is written. The place it takes is given back when the answer is dropped.
    ///
    /// # Errors
    /// [`ReadError`], before the first line only.
    pub async fn follow(&self, query: &LogQuery) -> Result<Following, ReadError> {
        let place = Arc::clone(&self.0.followed).try_acquire_owned();
        let place = place.map_err(|_| ReadError::TooManyFollowed)?;
        let read = async |cluster: Cluster| cluster.stream_log(&query.stream(true)).await;
        let bytes = self.asking(Lane::Log, read).await;
        let bytes = bytes.map_err(ReadError::of_log)?;
        Ok(Following::new(bytes, place))
    }

    /// Whether pods can be reached into, asked anew each time: a right that was missing may be there now.
    pub async fn pod_access(&self) -> PodAccess {
        let may = |subresource| Access {
            verb: "get",
            resource: "pods",
            subresource,
        };
        let read = async |cluster: Cluster| {
            tokio::try_join!(cluster.may(may("exec")), cluster.may(may("portforward")))
        };
        match self.asking(Lane::List, read).await {
            Ok((true, true)) => PodAccess::Allowed,
            Ok(_) => PodAccess::Refused,
            Err(error) => PodAccess::Unknown(error),
        }
    }

    /// Asks the cluster when it is its turn; waiting for the turn counts.
    async fn asking<T>(
        &self,
        lane: Lane,
        read: impl AsyncFnOnce(Cluster) -> Result<T, ClusterError>,
    ) -> Result<T, ReadError> {
        let limit = match lane {
            Lane::List | Lane::Change => self.0.settings.list_limit,
            Lane::Log => self.0.settings.log_limit,
        };
        let asked = async {
            let _turns = self.turns(lane).await;
            let cluster = self.0.connection.get().await?;
            read(cluster).await.map_err(ReadError::from)
        };
        timeout(limit, asked)
            .await
            .unwrap_or(Err(ReadError::TooSlow(limit)))
    }

    /// The semaphores are never closed, so a turn always comes.
    async fn turns(&self, lane: Lane) -> [Option<SemaphorePermit<'_>>; 2] {
        match lane {
            Lane::Change => [None, None],
            Lane::List => [None, self.0.calls.acquire().await.ok()],
            Lane::Log => [
                self.0.logs.acquire().await.ok(),
                self.0.calls.acquire().await.ok(),
            ],
        }
    }
}

/// Who waits for whom.
#[derive(Debug, Clone, Copy)]
enum Lane {
    /// A list, or a short question.
    List,
    /// A log, which may take long: some turns are never theirs.
    Log,
    /// A change waits for no reader.
    Change,
}
