//! HTTP/1.1 over the socket: who may connect, how much and how long, and an end that lets requests finish.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::unistd::Uid;
use sd_notify::NotifyState;
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::routes::{Agent, refusal};
use crate::socket::SocketError;

/// Connections at once; the control plane opens one a call.
const CONNECTIONS: usize = 64;
/// Longest wait for a request's head.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// Largest body.
const BODY_LIMIT: usize = 16 * 1024;
/// Longest wait, at the end, for requests under way.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Why the agent does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error("starting a thread")]
    Thread(#[source] io::Error),
    #[error("opening the socket; see: ls -l /run/alga-appliance")]
    Socket(#[source] SocketError),
    #[error("listening for signals")]
    Signal(#[source] io::Error),
}

/// The signals that ask for the end.
pub(crate) struct Signals {
    terminated: Signal,
    interrupted: Signal,
}

impl Signals {
    /// From here on they no longer end the process by themselves: before anybody can connect.
    pub(crate) fn taken() -> Result<Self, ServeError> {
        Ok(Self {
            terminated: signal(SignalKind::terminate()).map_err(ServeError::Signal)?,
            interrupted: signal(SignalKind::interrupt()).map_err(ServeError::Signal)?,
        })
    }
}

/// Serves until SIGTERM or SIGINT; then nobody new is let in, requests under way end, and the socket goes.
pub(crate) async fn serve(
    listener: UnixListener,
    agent: Arc<Agent>,
    signals: Signals,
) -> Result<(), ServeError> {
    let Signals {
        mut terminated,
        mut interrupted,
    } = signals;
    tracing::info!(socket = %agent.settings.socket.display(), "the host agent listens");
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        tracing::debug!(%error, "nobody waits for a word that it is ready");
    }
    let (places, running) = (Arc::new(Semaphore::new(CONNECTIONS)), TaskTracker::new());
    loop {
        let accepted = tokio::select! {
            _ = terminated.recv() => break,
            _ = interrupted.recv() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                    tracing::warn!(CONNECTIONS, "too many connections: one was closed");
                    continue;
                };
                let agent = Arc::clone(&agent);
                running.spawn(async move {
                    connection(stream, agent).await;
                    drop(place);
                });
            }
            Err(error) => tracing::warn!(%error, "a connection could not be taken"),
        }
    }
    drop(listener);
    // A newer agent's socket may be there by now only after this process has ended.
    drop(std::fs::remove_file(&agent.settings.socket));
    running.close();
    if tokio::time::timeout(DRAIN_LIMIT, running.wait()).await.is_err() {
        tracing::warn!("requests were still under way at the end");
    }
    Ok(())
}

async fn connection(stream: UnixStream, agent: Arc<Agent>) {
    let peer = match stream.peer_cred() {
        Ok(peer) => peer.uid(),
        Err(error) => return tracing::warn!(%error, "a peer without a name was refused"),
    };
    if !is_welcome(peer, agent.settings.socket_gid, Uid::effective().as_raw()) {
        return tracing::warn!(uid = peer, "a connection of this user was refused");
    }
    let service = service_fn(move |request| answer(request, Arc::clone(&agent)));
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Root, the pod, and whoever the agent itself is: file modes alone would let a whole group in (case 40).
fn is_welcome(peer: u32, pod: u32, ours: u32) -> bool {
    [0, pod, ours].contains(&peer)
}

async fn answer(request: Request<Incoming>, agent: Arc<Agent>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => {
            return Ok(refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                "the body is larger than 16 KiB",
            ));
        }
    };
    // Compared as a whole, with the query: that is what boxes in the field rely on.
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    Ok(agent.answer(&head.method, target, &body).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 50, case 40.
    #[test]
    fn only_root_the_pod_and_the_agents_own_user_are_let_in() {
        assert!(is_welcome(0, 10001, 0) && is_welcome(10001, 10001, 0) && is_welcome(1000, 10001, 1000));
        assert!(!is_welcome(1000, 10001, 0));
    }
}
