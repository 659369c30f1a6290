//! A host agent that works: a real Unix socket, real HTTP, a host that is only remembered.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;
use tokio::task::{AbortHandle, JoinSet};

use crate::agent_api::{
    AgentRefusal, ConvergeMode, ConvergeStorage, HostFacts, HostItem, StorageConverged, UpgradeStarted, route,
};
use crate::random;

/// More than any client should read.
const FLOOD: usize = 4 * 1024 * 1024;

/// How the agent fails, at every route, until it is healed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentFault {
    /// This status, with this error.
    Refuse(u16, String),
    /// 200 and no JSON.
    Garbage,
    /// 200 and far too much.
    Flood,
    /// The request is read, and nothing is answered.
    Silence,
    /// The connection is closed in the middle.
    HangUp,
}

#[derive(Debug, Default)]
struct Host {
    facts: HostFacts,
    drift: BTreeSet<HostItem>,
    changes: usize,
    requests: Vec<String>,
    upgrades: usize,
    fault: Option<AgentFault>,
}

/// A running agent; dropping it stops it and takes its socket away.
#[derive(Debug)]
pub struct FakeAgent {
    dir: PathBuf,
    host: Arc<Mutex<Host>>,
    task: AbortHandle,
}

impl Drop for FakeAgent {
    fn drop(&mut self) {
        self.task.abort();
        // A directory that stays is litter in the system's temporary directory, nothing worse.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl FakeAgent {
    /// Listens on a socket of its own. The host has no drift and no facts yet.
    ///
    /// # Errors
    /// When the socket cannot be made.
    pub fn start() -> io::Result<Self> {
        let dir = std::env::temp_dir().join(format!("alga-agent-{}", random::id()));
        std::fs::create_dir(&dir)?;
        let listener = UnixListener::bind(dir.join("host-agent.sock"))?;
        let host = Arc::new(Mutex::new(Host::default()));
        let task = tokio::spawn(serve(listener, Arc::clone(&host))).abort_handle();
        Ok(Self { dir, host, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.join("host-agent.sock")
    }

    /// What it answers to `GET /v1/host-facts` from now on.
    pub fn set_facts(&self, facts: HostFacts) {
        locked(&self.host).facts = facts;
    }

    /// Makes these things on the host differ from what storage needs.
    pub fn drift(&self, items: impl IntoIterator<Item = HostItem>) {
        locked(&self.host).drift.extend(items);
    }

    /// How often it changed the host.
    #[must_use]
    pub fn changes(&self) -> usize {
        locked(&self.host).changes
    }

    /// Method and path of each request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        locked(&self.host).requests.clone()
    }

    /// Fails from now on.
    pub fn fail(&self, fault: AgentFault) {
        locked(&self.host).fault = Some(fault);
    }

    /// Ends [`FakeAgent::fail`].
    pub fn heal(&self) {
        locked(&self.host).fault = None;
    }
}

fn locked(host: &Mutex<Host>) -> MutexGuard<'_, Host> {
    host.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: UnixListener, host: Arc<Mutex<Host>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let host = Arc::clone(&host);
        connections.spawn(async move {
            let service = service_fn(|request| answer(request, &host));
            // A peer that hangs up in the middle is part of the game.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn answer(request: Request<Incoming>, host: &Mutex<Host>) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let fault = {
        let mut host = locked(host);
        host.requests.push(format!("{} {}", head.method, head.uri.path()));
        host.fault.clone()
    };
    match fault {
        None => Ok(honest(&head.method, head.uri.path(), &body, &mut locked(host))),
        Some(AgentFault::Refuse(status, error)) => Ok(refuse(status, &error)),
        Some(AgentFault::Garbage) => Ok(Response::new("<html>".into())),
        Some(AgentFault::Flood) => Ok(Response::new(vec![b' '; FLOOD].into())),
        Some(AgentFault::Silence) => std::future::pending().await,
        Some(AgentFault::HangUp) => Err(io::ErrorKind::ConnectionReset.into()),
    }
}

/// What an agent without a fault does.
fn honest(method: &Method, path: &str, body: &[u8], host: &mut Host) -> Response<Full<Bytes>> {
    match (method, path) {
        (&Method::GET, route::HOST_FACTS) => json(200, &host.facts),
        (&Method::POST, route::STORAGE_CONVERGE) => match serde_json::from_slice(body) {
            Ok(ConvergeStorage { mode }) => json(200, &converge(mode, host)),
            Err(error) => refuse(400, &error.to_string()),
        },
        (&Method::POST, route::CONTROL_PLANE_UPGRADE) => {
            host.upgrades += 1;
            let started = host.upgrades == 1;
            let answer = UpgradeStarted {
                ok: true,
                started,
                already_running: !started,
            };
            json(202, &answer)
        }
        _ => refuse(404, "not found"),
    }
}

fn converge(mode: ConvergeMode, host: &mut Host) -> StorageConverged {
    let drifted: Vec<_> = host.drift.iter().copied().collect();
    let changed = match mode {
        ConvergeMode::Look => Vec::new(),
        ConvergeMode::Mend => std::mem::take(&mut host.drift).into_iter().collect(),
    };
    host.changes += usize::from(!changed.is_empty());
    StorageConverged { drifted, changed }
}

fn refuse(status: u16, error: &str) -> Response<Full<Bytes>> {
    let (ok, error) = (false, error.to_owned());
    json(status, &AgentRefusal { ok, error })
}

fn json(status: u16, body: &impl serde::Serialize) -> Response<Full<Bytes>> {
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(bytes.into());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response
}
