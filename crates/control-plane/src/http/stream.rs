//! `/api/status/stream`: server-sent events, each made of two documents when its reader can take it.
//!
//! Nothing is buffered for a reader. hyper asks for the next event only when the one before is out, and
//! then the reader gets what differs from what it was sent last, whatever came between.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Peer;
use super::error::{ApiError, ApiResult};
use super::session::{self, SignedIn};
use super::wire::Streams;
use crate::app::App;
use crate::status::{Document, Place, TooMany};

/// When to try again where all places are taken, in seconds.
const RETRY_AFTER: u64 = 10;
/// The id of the last event that a reader had before it lost its stream.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Asks proxies not to hold events back.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// `GET /api/status/stream`: the document, then its changes, until somebody has enough of it.
pub(super) async fn open(
    State(app): State<App>,
    SignedIn(session): SignedIn,
    peer: Peer,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let place = app.status.place(session.id()).map_err(|TooMany| too_many())?;
    let reader = Reader::new(app, peer, &headers, place);
    let events = futures::stream::unfold(reader, Reader::next);
    let mut response = Response::new(Body::from_stream(events));
    response.extensions_mut().insert(Streams);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    Ok(response)
}

fn too_many() -> ApiError {
    ApiError::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_many_streams",
        "Too many pages follow this appliance already. Close some, or reload this one in a moment.",
    )
    .retry_after(RETRY_AFTER)
}

/// One reader of the stream.
struct Reader {
    app: App,
    peer: Peer,
    cookies: HeaderMap,
    documents: watch::Receiver<Arc<Document>>,
    /// What it was sent last.
    sent: Arc<Document>,
    /// Parts of the event that is being sent.
    parts: VecDeque<Bytes>,
    alive_at: Instant,
    check_at: Instant,
    has_ended: bool,
    _place: Place,
}

impl Reader {
    fn new(app: App, peer: Peer, headers: &HeaderMap, place: Place) -> Self {
        let mut documents = app.status.follow();
        let sent = Arc::clone(&documents.borrow_and_update());
        let mut parts = VecDeque::from([Bytes::from_static(b"retry: 2000\n\n")]);
        let has_it = headers
            .get(LAST_EVENT_ID)
            .is_some_and(|id| id.as_bytes() == sent.id().as_bytes());
        if !has_it {
            parts.extend(sent.snapshot_event(app.status.age(&sent)));
        }
        let mut cookies = HeaderMap::new();
        for cookie in headers.get_all(header::COOKIE) {
            cookies.append(header::COOKIE, cookie.clone());
        }
        let now = Instant::now();
        Self {
            alive_at: now + app.limits.stream_alive,
            check_at: now + app.limits.stream_check,
            app,
            peer,
            cookies,
            documents,
            sent,
            parts,
            has_ended: false,
            _place: place,
        }
    }

    /// The next part of the stream; `None` when it is over.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            if let Some(part) = self.parts.pop_front() {
                return Some((Ok(part), self));
            }
            if self.has_ended {
                return None;
            }
            tokio::select! {
                biased;
                () = self.app.status.stopping().cancelled() => self.end("stopping"),
                () = sleep_until(self.check_at) => self.check(),
                () = sleep_until(self.alive_at) => {
                    self.alive_at = Instant::now() + self.app.limits.stream_alive;
                    self.parts.push_back(Bytes::from_static(b": alive\n\n"));
                }
                // The sender lives as long as `app`.
                Ok(()) = self.documents.changed() => self.tell(),
            }
        }
    }

    fn tell(&mut self) {
        let newest = Arc::clone(&self.documents.borrow_and_update());
        if newest.id() != self.sent.id() {
            self.parts.push_back(newest.change_from(&self.sent));
            self.sent = newest;
        }
    }

    fn check(&mut self) {
        self.check_at = Instant::now() + self.app.limits.stream_check;
        if session::of(&self.app, Some(self.peer), &self.cookies).is_none() {
            self.end("signed_out");
        }
    }

    fn end(&mut self, reason: &str) {
        self.has_ended = true;
        let event = format!("event: end\ndata: {{\"reason\":\"{reason}\"}}\n\n");
        self.parts.push_back(event.into());
    }
}
