//! What an operator is told when the cluster gives no answer; of its own words nothing.

use std::error::Error;

use appliance_common::cluster::ClusterError;
use appliance_common::process::chain;
use http::StatusCode;

use crate::http::error::ApiError;
use crate::workloads::{NoLog, RESTARTABLE, ReadError, RestartError};

/// When one of the logs that are followed may have ended.
const RETRY_SECONDS: u64 = 5;

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match &error {
            ReadError::Cluster(cluster) => failed(&error, said(cluster)),
            ReadError::TooSlow(_) => failed(&error, UNREACHABLE),
            ReadError::Broken(_) => failed(
                &error,
                ("log_unavailable", "The log broke off in the middle. Try again."),
            ),
            ReadError::NoSuchPod(_) => failed(
                &error,
                (
                    "pod_not_found",
                    "There is no such pod any more. Look at the list of pods again.",
                ),
            ),
            ReadError::NoSuchLog { why, .. } => failed(&error, no_log(*why)),
            ReadError::TooManyFollowed => ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_streams",
                "As many logs are being followed as there can be. Close one, then try again.",
            )
            .retry_after(RETRY_SECONDS),
        }
    }
}

impl From<RestartError> for ApiError {
    fn from(error: RestartError) -> Self {
        let conflict = |code, sentence: String| ApiError::new(StatusCode::CONFLICT, code, sentence);
        match error {
            RestartError::NotAllowed => ApiError::new(
                StatusCode::BAD_REQUEST,
                "workload_not_restartable",
                format!(
                    "Only these workloads of namespace msp can be restarted: {}.",
                    RESTARTABLE.join(", ")
                ),
            ),
            RestartError::Busy(error) => {
                tracing::info!(error = chain(&error), "a workload was not restarted");
                conflict(
                    "operation_in_progress",
                    "Something else is changing this appliance. Wait until it is done, then try again."
                        .to_owned(),
                )
            }
            RestartError::Absent(name) => ApiError::new(
                StatusCode::NOT_FOUND,
                "workload_not_found",
                format!("{name} is not installed on this appliance."),
            ),
            RestartError::Paused(name) => conflict(
                "workload_paused",
                format!("Somebody has paused the rollout of {name}; until it goes on, nothing is restarted."),
            ),
            RestartError::Cluster(error) => error.into(),
        }
    }
}

type Told = (&'static str, &'static str);

const UNREACHABLE: Told = (
    "cluster_unreachable",
    "The cluster on this box does not answer. Check that k3s runs (systemctl status k3s), then try again.",
);

fn failed(error: &ReadError, (code, sentence): Told) -> ApiError {
    ApiError::upstream(code, sentence, error as &dyn Error)
}

fn said(error: &ClusterError) -> Told {
    match error {
        ClusterError::NotConfigured { .. } => (
            "cluster_not_configured",
            "The control plane does not know its way to the cluster yet. Check that k3s runs on this box \
             (systemctl status k3s), then try again.",
        ),
        ClusterError::Unreachable { .. } | ClusterError::TooSlow { .. } => UNREACHABLE,
        ClusterError::Forbidden { .. } => (
            "cluster_forbidden",
            "The control plane lacks a right it needs for this. Run alga-control-plane-reapply on the host to \
             restore its roles, then try again.",
        ),
        ClusterError::Missing { .. } => (
            "cluster_kind_missing",
            "The cluster on this box does not know this kind of object. Its version may be another than this \
             appliance was made for: make a support bundle.",
        ),
        ClusterError::Unintelligible { .. } => (
            "cluster_answer_unusable",
            "The cluster's answer cannot be understood. Its version may be another than this appliance was made \
             for: make a support bundle.",
        ),
        ClusterError::Refused { .. }
        | ClusterError::Raced { .. }
        | ClusterError::NotReached { .. }
        | ClusterError::Failed { .. } => (
            "cluster_refused",
            "The cluster declined this. Try again; if it stays, make a support bundle.",
        ),
    }
}

fn no_log(why: NoLog) -> Told {
    match why {
        NoLog::NotStarted => (
            "container_not_started",
            "The container has not been started yet, so there is no log. The events say what it waits for.",
        ),
        NoLog::NoPreviousRun => (
            "no_previous_run",
            "There is no log of an earlier run: the container was not restarted, or the log was cleared away.",
        ),
        NoLog::ContainerNotNamed => (
            "container_not_named",
            "The pod has several containers. Say which one's log it is to be.",
        ),
        NoLog::NoSuchContainer => ("container_not_found", "The pod has no container of that name."),
        NoLog::Other => (
            "log_unavailable",
            "There is no log to be had of this container now. The events may say why.",
        ),
    }
}
