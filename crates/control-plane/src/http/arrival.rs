//! Whether a request arrived whole. hyper closes a connection whose request was answered before its
//! body was read, without a word; a client that keeps connections would lose its next request.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};

/// Tells whether the last of a request's body was read.
#[derive(Debug)]
pub(super) struct Arrival(Arc<AtomicBool>);

impl Arrival {
    /// Before anything of `body` was read.
    pub(super) fn of(body: &impl HttpBody) -> Self {
        Self(Arc::new(AtomicBool::new(body.is_end_stream())))
    }

    /// `body`, watched to its end.
    pub(super) fn watch(&self, body: Body) -> Body {
        Body::new(Watched {
            body,
            whole: Arc::clone(&self.0),
        })
    }

    /// Whether nothing of the body is left.
    pub(super) fn is_whole(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

struct Watched {
    body: Body,
    whole: Arc<AtomicBool>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.whole.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
