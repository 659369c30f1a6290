//! Why the cluster did not do what was asked.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::said::Said;

/// What was tried, on what: `applying Secret msp/alga-psa-shared`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was being done: `reading`, `applying`, `waiting for`.
    pub verb: &'static str,
    /// The object's kind.
    pub kind: String,
    /// Its namespace, if it has one.
    pub namespace: Option<String>,
    /// Its name; empty for a list.
    pub name: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.kind)?;
        match (&self.namespace, self.name.as_str()) {
            (None, "") => Ok(()),
            (Some(namespace), "") => write!(f, " in {namespace}"),
            (None, name) => write!(f, " {name}"),
            (Some(namespace), name) => write!(f, " {namespace}/{name}"),
        }
    }
}

/// Why a call or a wait failed; one variant for each thing a caller does differently.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// There is no usable kubeconfig and this is not a pod.
    #[error("no way to the cluster: {} is not usable and there is no service account", kubeconfig.display())]
    NotConfigured {
        /// The kubeconfig that was looked for.
        kubeconfig: PathBuf,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No answer came: refused, reset, TLS, or the server said that it is overloaded to the end.
    #[error("{attempt}: the API server does not answer")]
    Unreachable {
        /// What was tried.
        attempt: Attempt,
        /// What the connection said.
        source: Said,
    },
    /// The deadline of the call passed.
    #[error("{attempt}: no answer within {} s", limit.as_secs())]
    TooSlow {
        /// What was tried.
        attempt: Attempt,
        /// The deadline.
        limit: Duration,
    },
    /// We are known and may not (403), or are not known (401).
    #[error("{attempt}: not allowed")]
    Forbidden {
        /// What was tried.
        attempt: Attempt,
        /// The server's words; they name the missing right.
        source: Said,
    },
    /// The kind itself, or the namespace of the object, does not exist.
    #[error("{attempt}: not there")]
    Missing {
        /// What was tried.
        attempt: Attempt,
        /// The server's words.
        source: Said,
    },
    /// The server understood and declined: invalid, immutable, in conflict.
    #[error("{attempt}: declined")]
    Refused {
        /// What was tried.
        attempt: Attempt,
        /// The server's words.
        source: Said,
    },
    /// Somebody else created the object between our reading and our writing.
    #[error("{name} was created by somebody else just now")]
    Raced {
        /// The object's name.
        name: String,
    },
    /// The answer is not an object of the kind that was asked for.
    #[error("{attempt}: the answer cannot be understood")]
    Unintelligible {
        /// What was tried.
        attempt: Attempt,
        /// Where decoding stopped.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A condition that was waited for did not come about in time.
    #[error("{attempt}: not after {} s: {last}", limit.as_secs())]
    NotReached {
        /// What was waited for.
        attempt: Attempt,
        /// How long.
        limit: Duration,
        /// What the object showed last.
        last: String,
    },
    /// A condition that was waited for can no longer come about.
    #[error("{attempt}: failed: {reason}")]
    Failed {
        /// What was waited for.
        attempt: Attempt,
        /// What the object shows.
        reason: String,
    },
}

impl ClusterError {
    /// Whether the same call can succeed later without anybody doing anything.
    #[must_use]
    pub fn transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TooSlow { .. }
            | Self::NotReached { .. }
            | Self::Raced { .. } => true,
            Self::NotConfigured { .. }
            | Self::Forbidden { .. }
            | Self::Missing { .. }
            | Self::Refused { .. }
            | Self::Unintelligible { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// Whether somebody else changed the object between our reading and our writing.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Raced { .. } => true,
            Self::Refused { source, .. } => source.status().is_some_and(|status| status.code == 409),
            Self::NotConfigured { .. }
            | Self::Unreachable { .. }
            | Self::TooSlow { .. }
            | Self::Forbidden { .. }
            | Self::Missing { .. }
            | Self::Unintelligible { .. }
            | Self::NotReached { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// Stable word for the kind of failure.
    #[must_use]
    pub fn category(&self) -> &'static str {
        match self {
            Self::NotConfigured { .. } => "cluster-not-configured",
            Self::Unreachable { .. } | Self::TooSlow { .. } => "cluster-unreachable",
            Self::Forbidden { .. } => "cluster-forbidden",
            Self::Missing { .. }
            | Self::Refused { .. }
            | Self::Raced { .. }
            | Self::Unintelligible { .. } => "cluster-refused",
            Self::NotReached { .. } => "not-ready-in-time",
            Self::Failed { .. } => "workload-failed",
        }
    }

    /// What the operator can do, in a sentence.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::NotConfigured { kubeconfig, .. } => format!(
                "Check that k3s runs on this box (systemctl status k3s) and that {} exists and can be read.",
                kubeconfig.display()
            ),
            Self::Unreachable { .. } | Self::TooSlow { .. } => {
                "Check that k3s runs on this box (systemctl status k3s); setup goes on from here once it answers."
                    .to_owned()
            }
            Self::Forbidden { .. } => {
                "The control plane lacks a right it needs. Run alga-control-plane-reapply on the host to restore \
                 its roles, then try again."
                    .to_owned()
            }
            Self::Missing { .. } | Self::Refused { .. } | Self::Raced { .. } | Self::Unintelligible { .. } => {
                "Try again; if it stays, make a support bundle: the message names the object that was declined."
                    .to_owned()
            }
            Self::NotReached { .. } => {
                "Look at the events of the object named in the message; often an image cannot be pulled or the \
                 box is short of memory or disk. Then try again."
                    .to_owned()
            }
            Self::Failed { .. } => {
                "Look at the log of the object named in the message, mend what it says, and try again.".to_owned()
            }
        }
    }
}
