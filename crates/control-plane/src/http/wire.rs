//! The socket under a connection, watched: how long a request has been arriving, how long nothing
//! has, and how long an answer has gone unread.
//!
//! hyper has one header time-out and answers what it cannot parse by itself. The product promises
//! two time-outs and our headers on every answer, so both are seen to here.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::limits::Limits;
use super::{guard, parse_error};

/// Nothing of the next request has arrived.
const IDLE: u8 = 0;
/// The head of a request is arriving.
const HEAD: u8 = 1;
/// A request is with its handler, or its answer is on its way.
const BUSY: u8 = 2;
/// An answer that does not end is on its way.
const STREAM: u8 = 3;

/// Bytes of a stream that the kernel may hold for a reader that is slow: what it gets next shall be new.
const STREAM_BUFFER: usize = 64 * 1024;

/// How long a reader of a stream may leave bytes unacknowledged: a machine that was switched off says nothing.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// Marks an answer that goes on until somebody has enough of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams;

/// What a connection is doing, and since when.
#[derive(Debug)]
pub(super) struct Pulse {
    born: Instant,
    phase: AtomicU8,
    /// Milliseconds after `born` at which the phase began or its last byte was written.
    since: AtomicU64,
    /// Like `since`: when a write first had to wait, plus one; 0 while writes go through.
    stalled: AtomicU64,
}

impl Pulse {
    /// A connection that has just been accepted: its first request is awaited like a head.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            born: Instant::now(),
            phase: AtomicU8::new(HEAD),
            since: AtomicU64::new(0),
            stalled: AtomicU64::new(0),
        })
    }

    /// A request was parsed and is being handled.
    pub(super) fn handling(&self) {
        self.phase.store(BUSY, Ordering::Relaxed);
    }

    /// The answer does not end.
    pub(super) fn streaming(&self) {
        self.phase.store(STREAM, Ordering::Relaxed);
    }

    fn is_streaming(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == STREAM
    }

    /// The last of an answer was handed over.
    pub(super) fn answered(&self) {
        self.touch();
        self.phase.store(IDLE, Ordering::Relaxed);
    }

    /// When the connection has lasted too long in what it does; `None` while it may go on.
    pub(super) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let at = |millis: u64, limit: Duration| Some(self.born + Duration::from_millis(millis) + limit);
        let since = self.since.load(Ordering::Relaxed);
        match (
            self.phase.load(Ordering::Relaxed),
            self.stalled.load(Ordering::Relaxed),
        ) {
            (IDLE, _) => at(since, limits.keep_alive),
            (HEAD, _) => at(since, limits.head_read),
            (_, 0) => None,
            (STREAM, stalled) => at(stalled - 1, limits.stream_stall),
            (_, stalled) => at(stalled - 1, limits.write_stall),
        }
    }

    fn received(&self) {
        if self.phase.load(Ordering::Relaxed) == IDLE {
            self.touch();
            self.phase.store(HEAD, Ordering::Relaxed);
        }
    }

    fn wrote(&self) {
        self.stalled.store(0, Ordering::Relaxed);
        if self.phase.load(Ordering::Relaxed) == IDLE {
            self.touch();
        }
    }

    fn write_waits(&self) {
        if self.stalled.load(Ordering::Relaxed) == 0 {
            self.stalled.store(self.age() + 1, Ordering::Relaxed);
        }
    }

    fn touch(&self) {
        self.since.store(self.age(), Ordering::Relaxed);
    }

    fn age(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A socket that keeps its [`Pulse`], answers parse errors in our words and closes gently.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    pulse: Arc<Pulse>,
    /// Bytes of the request line so far, and whether its end was seen.
    line: (usize, bool),
    /// Our answer in place of hyper's, as far as it is not written.
    substitute: Bytes,
    linger: Duration,
    lingering: Option<Pin<Box<Sleep>>>,
    /// The kernel was told that this is a stream.
    is_tuned: bool,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, pulse: Arc<Pulse>, linger: Duration) -> Self {
        Self {
            stream,
            pulse,
            line: (0, false),
            substitute: Bytes::new(),
            linger,
            lingering: None,
            is_tuned: false,
        }
    }

    /// Has the kernel hold little for a stream, and give up a reader that is not there any more.
    fn tune(&mut self) {
        if self.is_tuned || !self.pulse.is_streaming() {
            return;
        }
        self.is_tuned = true;
        let tuned = setsockopt(&self.stream, sockopt::SndBuf, &STREAM_BUFFER).and_then(|()| {
            let limit = u32::try_from(UNACKNOWLEDGED.as_millis()).unwrap_or(u32::MAX);
            setsockopt(&self.stream, sockopt::TcpUserTimeout, &limit)
        });
        if let Err(error) = tuned {
            tracing::debug!(%error, "tuning the socket of a stream");
        }
    }

    fn note_written(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(_) => self.pulse.wrote(),
            Poll::Pending => self.pulse.write_waits(),
        }
    }

    fn note_received(&mut self, bytes: &[u8]) {
        self.pulse.received();
        let (length, ended) = self.line;
        if !ended {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            self.line = (length + end.unwrap_or(bytes.len()), end.is_some());
        }
    }

    /// hyper writes by itself only while no request is with its handler. A request that came in one
    /// packet with the one before it is parsed without another read, so the phase may still be [`IDLE`].
    fn substitute_for(&self, bytes: &[u8]) -> Option<Bytes> {
        if matches!(self.pulse.phase.load(Ordering::Relaxed), BUSY | STREAM) {
            return None;
        }
        parse_error::replacement(bytes, self.line.0 > guard::MAX_TARGET)
    }

    fn poll_substitute(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.substitute.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.substitute))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let _ = self.substitute.split_to(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        if let received @ [_, ..] = &buf.filled()[before..] {
            this.note_received(received);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if let Some(substitute) = this.substitute_for(bytes) {
            this.substitute = substitute;
            return Poll::Ready(Ok(bytes.len()));
        }
        this.line = (0, false);
        this.tune();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.note_written(&written);
        written
    }

    /// Without it hyper would copy every body into a buffer of the connection, and keep that.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let first = parts.iter().find(|part| !part.is_empty());
        if let Some(substitute) = first.and_then(|bytes| this.substitute_for(bytes)) {
            this.substitute = substitute;
            return Poll::Ready(Ok(parts.iter().map(|part| part.len()).sum()));
        }
        this.line = (0, false);
        this.tune();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, parts);
        this.note_written(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_substitute(cx)
    }

    /// Says that nothing more will come and reads the rest for a moment: closing a socket with unread
    /// bytes resets it, and the client would lose the answer that tells it why (RFC 9112, 9.6).
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_substitute(cx))?;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        }
        let linger = this.linger;
        let timer = this
            .lingering
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(linger)));
        let mut scratch = [0_u8; 4096];
        while timer.as_mut().poll(cx).is_pending() {
            let mut buf = ReadBuf::new(&mut scratch);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf))?;
            if buf.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
