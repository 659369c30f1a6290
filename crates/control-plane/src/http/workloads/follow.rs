//! A log as server-sent events. Lines are taken from the cluster when the client has taken those before, so
//! nothing is held for one that does not read.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::header::{self, HeaderMap, HeaderValue};
use serde_json::json;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use crate::app::App;
use crate::http::wire::Streams;
use crate::http::{Peer, session};
use crate::workloads::Following;

/// Who reads.
pub(super) struct Reader {
    pub(super) app: App,
    pub(super) peer: Peer,
    pub(super) headers: HeaderMap,
}

impl Reader {
    fn is_signed_in(&self) -> bool {
        session::of(&self.app, Some(self.peer), &self.headers).is_some()
    }
}

/// The lines of `following`, until it ends, the session does, or the server.
pub(super) fn stream(reader: Reader, following: Following) -> Response {
    let limits = &reader.app.limits;
    let state = Streaming {
        alive: every(limits.stream_alive),
        session: every(limits.stream_check),
        reader,
        following,
    };
    let events = futures::stream::unfold(Some(state), |state| async {
        let mut state = state?;
        let (event, goes_on) = state.next().await;
        Some((Ok::<_, std::convert::Infallible>(event), goes_on.then_some(state)))
    });
    let mut response = Response::new(Body::from_stream(events));
    response.extensions_mut().insert(Streams);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn every(period: Duration) -> Interval {
    let mut interval = interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

struct Streaming {
    reader: Reader,
    following: Following,
    alive: Interval,
    session: Interval,
}

impl Streaming {
    /// The next event, and whether there is another.
    async fn next(&mut self) -> (Bytes, bool) {
        loop {
            tokio::select! {
                biased;
                () = self.reader.app.status.stopping().cancelled() => return (end("stopping"), false),
                _ = self.session.tick() => {
                    if !self.reader.is_signed_in() {
                        return (end("signed_out"), false);
                    }
                }
                lines = self.following.next() => return match lines {
                    Ok(Some(lines)) => (event("line", &json!(lines)), true),
                    Ok(None) => (end("ended"), false),
                    Err(error) => {
                        tracing::info!(%error, "a log that was followed broke off");
                        (end("failed"), false)
                    }
                },
                _ = self.alive.tick() => return (Bytes::from_static(b": alive\n\n"), true),
            }
        }
    }
}

fn end(reason: &str) -> Bytes {
    event("end", &json!({"reason": reason}))
}

/// JSON has no line breaks of its own, so one `data:` line holds it.
fn event(name: &str, data: &serde_json::Value) -> Bytes {
    format!("event: {name}\ndata: {data}\n\n").into()
}
