//! Why the cluster gave no answer to a reader.

use std::io;
use std::time::Duration;

use appliance_common::cluster::ClusterError;

/// Why a reading failed; one variant for each thing a reader is told.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The cluster did not do what was asked.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// There is no such pod.
    #[error("there is no such pod")]
    NoSuchPod(#[source] ClusterError),
    /// There is no such log.
    #[error("there is no such log")]
    NoSuchLog {
        /// Why not.
        why: NoLog,
        /// What the cluster said.
        source: ClusterError,
    },
    /// The deadline of the whole reading passed.
    #[error("no whole answer within {} s", .0.as_secs())]
    TooSlow(Duration),
    /// The connection broke in the middle of a log.
    #[error("reading a log")]
    Broken(#[source] io::Error),
    /// As many logs are followed as there may be.
    #[error("too many logs are followed")]
    TooManyFollowed,
}

/// Why a pod that is there has no such log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLog {
    /// The container has not been started.
    NotStarted,
    /// There was no run before the current one, or it was cleared away.
    NoPreviousRun,
    /// The pod has several containers and none was named.
    ContainerNotNamed,
    /// The pod has no container of that name.
    NoSuchContainer,
    /// Something else.
    Other,
}

impl ReadError {
    /// The same, of a log.
    pub(super) fn of_log(self) -> Self {
        match self {
            Self::Cluster(missing @ ClusterError::Missing { .. }) => Self::NoSuchPod(missing),
            Self::Cluster(refused @ ClusterError::Refused { .. }) => Self::NoSuchLog {
                why: no_log(&refused),
                source: refused,
            },
            other => other,
        }
    }
}

/// The server has one status for all of these and says the rest in words only:
/// `pkg/registry/core/pod/strategy.go` and `pkg/kubelet/kubelet.go` of Kubernetes.
fn no_log(refused: &ClusterError) -> NoLog {
    let ClusterError::Refused { source, .. } = refused else {
        return NoLog::Other;
    };
    let Some(status) = source.status() else {
        return NoLog::Other;
    };
    let said = |words: &str| status.message.contains(words);
    if said("previous terminated container") {
        NoLog::NoPreviousRun
    } else if said("is waiting to start") || said("is not available") {
        NoLog::NotStarted
    } else if said("a container name must be specified") {
        NoLog::ContainerNotNamed
    } else if said("is not valid for pod") {
        NoLog::NoSuchContainer
    } else {
        NoLog::Other
    }
}
