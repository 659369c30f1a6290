//! Connections: accepted within limits, watched while they last, drained at the end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Front;
use super::admission::{Admission, Place, is_node};
use super::limits::Limits;
use super::wire::{Pulse, Streams, Wire};

/// Largest header block, request line included.
const MAX_HEAD: usize = 16 * 1024;
/// Largest part of a body that is held before its handler takes it.
const MAX_BUFFER: usize = 64 * 1024;
/// How long accepting rests when the process is out of file descriptors.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Serves `front` on `listener` until `stop`, then lets requests in flight end within the drain limit.
pub(crate) async fn serve(listener: TcpListener, front: Front, limits: Limits, stop: CancellationToken) {
    let admission = Admission::new(limits.clone());
    let server = Arc::new(Server { front, limits, stop });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = server.stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    if let Some(place) = place(&admission, &stream, peer) {
                        connections.spawn(Arc::clone(&server).connection(stream, peer, place));
                    }
                }
                Err(error) => rest(&error).await,
            },
        }
    }
    drop(listener);
    let drained = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(server.limits.drain, drained).await.is_err() {
        tracing::warn!(
            left = connections.len(),
            "requests were still running at the end of the drain time"
        );
    }
}

/// A place for the connection; without one it is closed at once.
fn place(admission: &Admission, stream: &TcpStream, peer: SocketAddr) -> Option<Place> {
    let local = || {
        stream
            .local_addr()
            .is_ok_and(|local| is_node(peer.ip(), local.ip()))
    };
    let place = admission.admit(peer.ip(), local);
    if place.is_none() {
        tracing::debug!(%peer, "too many connections");
    }
    place
}

/// A connection that died in the queue is nothing; a lack of descriptors passes when others close.
async fn rest(error: &io::Error) {
    if error.kind() == io::ErrorKind::ConnectionAborted {
        return;
    }
    tracing::warn!(%error, "accepting a connection");
    tokio::time::sleep(ACCEPT_REST).await;
}

struct Server {
    front: Front,
    limits: Limits,
    stop: CancellationToken,
}

impl Server {
    /// One connection, from its first byte to its last.
    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, _place: Place) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "turning off the delay of small segments");
        }
        let pulse = Pulse::new();
        let wire = Wire::new(stream, Arc::clone(&pulse), self.limits.linger);
        let front = &self.front;
        let watched = Arc::clone(&pulse);
        let handle = service_fn(move |request| {
            watched.handling();
            let (front, pulse) = (front.clone(), Arc::clone(&watched));
            async move {
                let response = front.answer(request, peer.ip()).await;
                if response.extensions().get::<Streams>().is_some() {
                    pulse.streaming();
                }
                Ok::<_, Infallible>(response.map(|body| Answer { body, pulse }))
            }
        });
        let connection = http1::Builder::new()
            .max_header_size(MAX_HEAD)
            .max_buf_size(MAX_BUFFER)
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(wire), handle);
        self.watch(connection, &pulse).await;
    }

    /// Drives a connection until it ends or has lasted too long in what it does.
    async fn watch<C>(&self, connection: C, pulse: &Pulse)
    where
        C: Future<Output = hyper::Result<()>> + Graceful,
    {
        let mut connection = pin!(connection);
        let mut timer = pin!(tokio::time::sleep(
            self.limits.keep_alive.min(self.limits.head_read)
        ));
        let mut draining = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended");
                    }
                    return;
                }
                () = &mut timer => {
                    let now = tokio::time::Instant::now();
                    match pulse.deadline(&self.limits) {
                        Some(deadline) if deadline <= now => return,
                        Some(deadline) => timer.as_mut().reset(deadline),
                        None => timer.as_mut().reset(now + self.limits.keep_alive.min(self.limits.head_read)),
                    }
                }
                () = self.stop.cancelled(), if !draining => {
                    draining = true;
                    connection.as_mut().drain();
                }
            }
        }
    }
}

/// A connection that can be told to end after the request in flight.
trait Graceful {
    fn drain(self: Pin<&mut Self>);
}

impl<I, S> Graceful for http1::Connection<I, S>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = Answer, Error = Infallible>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    fn drain(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// The body of an answer; tells the connection's pulse when hyper is done with it.
struct Answer {
    body: Body,
    pulse: Arc<Pulse>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.pulse.answered();
    }
}
