//! A client of the host agent: one connection a call, a deadline, a bounded answer.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{
    AgentRefusal, ConvergeMode, ConvergeStorage, HostFacts, Operations, RightsConverged, SetupRights,
    StorageConverged, SupportCaptures, UpgradeStarted, route,
};

/// Deadline of one call, unless another is asked for.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Largest answer that is read.
const MAX_ANSWER: usize = 256 * 1024;
/// Largest answer with captures: each is a megabyte at most, as JSON writes it.
const MAX_CAPTURES: usize = 64 * 1024 * 1024;
/// What the agent says of a route it does not know.
const UNKNOWN_ROUTE: &str = "not found";

/// Why the agent did not answer as asked; one variant for each thing a caller does differently.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// No socket, or nobody listens on it: there is no agent here.
    #[error("the host agent is not running ({})", socket.display())]
    Absent {
        /// Where it should listen.
        socket: PathBuf,
    },
    /// It runs and does not know the route.
    #[error("the host agent is too old for {path}")]
    TooOld {
        /// The route.
        path: &'static str,
    },
    /// Something else on the host has to end first.
    #[error("the host agent is busy: {reason}")]
    Busy {
        /// Its words.
        reason: String,
    },
    /// It declined or failed.
    #[error("the host agent could not do {path} ({status}): {reason}")]
    Refused {
        /// The route.
        path: &'static str,
        /// The status.
        status: StatusCode,
        /// Its words.
        reason: String,
    },
    /// It did not answer in time.
    #[error("the host agent did not answer {path} within {} s", limit.as_secs())]
    TooSlow {
        /// The route.
        path: &'static str,
        /// The deadline.
        limit: Duration,
    },
    /// The connection failed.
    #[error("talking to the host agent at {}", socket.display())]
    Transport {
        /// The socket.
        socket: PathBuf,
        /// What the connection said.
        source: io::Error,
    },
    /// The answer is not what the route promises.
    #[error("the host agent's answer to {path} cannot be understood")]
    Unintelligible {
        /// The route.
        path: &'static str,
        /// Where reading stopped.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl AgentError {
    /// Whether there is no agent that could answer: none, or one from before the route.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. } | Self::TooOld { .. })
    }
}

/// The host agent behind a socket. Cheap to clone; connects for each call.
#[derive(Debug, Clone)]
pub struct AgentClient {
    socket: PathBuf,
    limit: Duration,
}

impl AgentClient {
    /// The agent that listens at `socket`.
    pub fn at(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
            limit: CALL_LIMIT,
        }
    }

    /// The same, with another deadline for one call.
    #[must_use]
    pub fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Where the agent listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What the host is and how it is doing.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn host_facts(&self) -> Result<HostFacts, AgentError> {
        self.call(Method::GET, route::HOST_FACTS, Bytes::new()).await
    }

    /// Looks at the host's side of storage, or puts it right.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn converge_storage(&self, mode: ConvergeMode) -> Result<StorageConverged, AgentError> {
        let path = route::STORAGE_CONVERGE;
        self.call(Method::POST, path, body(path, &ConvergeStorage { mode })?)
            .await
    }

    /// Takes the channel's image of the control plane.
    ///
    /// # Errors
    /// See [`AgentError`]; [`AgentError::Busy`] while another operation changes the appliance.
    pub async fn upgrade_control_plane(&self) -> Result<UpgradeStarted, AgentError> {
        self.call(Method::POST, route::CONTROL_PLANE_UPGRADE, Bytes::new())
            .await
    }

    /// Has the control plane given the rights that setup needs, or takes them back.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn setup_rights(&self, wanted: bool) -> Result<RightsConverged, AgentError> {
        let path = route::SETUP_RIGHTS;
        self.call(Method::POST, path, body(path, &SetupRights { wanted })?)
            .await
    }

    /// Diagnostics of the host, without secrets; whatever hangs there is in the answer.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn support_captures(&self) -> Result<SupportCaptures, AgentError> {
        self.call(Method::POST, route::SUPPORT_BUNDLE, Bytes::new()).await
    }

    /// How the host's own operations stand.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub async fn operations(&self) -> Result<Operations, AgentError> {
        self.call(Method::GET, route::OPERATIONS, Bytes::new()).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &'static str,
        body: Bytes,
    ) -> Result<T, AgentError> {
        let limit = self.limit;
        let answered = timeout(limit, self.exchange(method, path, body)).await;
        let (status, bytes) = answered.unwrap_or(Err(AgentError::TooSlow { path, limit }))?;
        if !status.is_success() {
            return Err(refusal(path, status, &bytes));
        }
        serde_json::from_slice(&bytes).map_err(|error| unintelligible(path, error))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &'static str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), AgentError> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| self.unconnected(error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.transport(error))?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| unintelligible(path, error))?;
        let exchange = async {
            let answer = sender
                .send_request(request)
                .await
                .map_err(|error| self.transport(error))?;
            let (head, body) = answer.into_parts();
            let limit = if path == route::SUPPORT_BUNDLE {
                MAX_CAPTURES
            } else {
                MAX_ANSWER
            };
            let body = Limited::new(body, limit).collect().await;
            let bytes = body
                .map_err(|source| AgentError::Unintelligible { path, source })?
                .to_bytes();
            Ok((head.status, bytes))
        };
        // The connection makes progress only while it is polled; both end with this call.
        tokio::pin!(exchange, connection);
        tokio::select! {
            biased;
            result = &mut exchange => result,
            ended = &mut connection => match ended {
                Ok(()) => exchange.await,
                Err(error) => Err(self.transport(error)),
            },
        }
    }

    fn unconnected(&self, error: io::Error) -> AgentError {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => AgentError::Absent {
                socket: self.socket.clone(),
            },
            _ => self.transport(error),
        }
    }

    fn transport(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> AgentError {
        AgentError::Transport {
            socket: self.socket.clone(),
            source: io::Error::other(error),
        }
    }
}

fn body(path: &'static str, request: &impl Serialize) -> Result<Bytes, AgentError> {
    let bytes = serde_json::to_vec(request).map_err(|error| unintelligible(path, error))?;
    Ok(bytes.into())
}

fn unintelligible(
    path: &'static str,
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> AgentError {
    AgentError::Unintelligible {
        path,
        source: error.into(),
    }
}

/// What a status that is no success means; a body that is not the agent's own is not repeated.
fn refusal(path: &'static str, status: StatusCode, bytes: &[u8]) -> AgentError {
    let reason = serde_json::from_slice::<AgentRefusal>(bytes)
        .map_or_else(|_| "it did not say why".to_owned(), |refusal| refusal.error);
    match status {
        StatusCode::NOT_FOUND if reason == UNKNOWN_ROUTE => AgentError::TooOld { path },
        StatusCode::CONFLICT => AgentError::Busy { reason },
        status => AgentError::Refused { path, status, reason },
    }
}

#[cfg(test)]
mod tests;
