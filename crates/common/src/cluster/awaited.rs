//! Changes that somebody waits for: what holds them up is told, and a watch that has gone silent is opened anew.
//!
//! A connection that a firewall has forgotten, or a server that hangs, ends no watch by itself: the client would
//! wait for as long as the server had promised to stream (five minutes).

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::watcher;
use tokio::time::{Instant, timeout};

use super::follow::{Changes, of_name};
use super::read::attempt;
use super::{Attempt, Cluster};
use crate::meter::NOTICE;
use crate::process::chain;

/// How long nothing may change until a watch is asked again what there is.
const SILENCE: Duration = Duration::from_secs(15);

/// A watch, and how to open it again.
struct Awaited {
    cluster: Cluster,
    attempt: Attempt,
    api: Api<DynamicObject>,
    config: watcher::Config,
    changes: Changes,
    /// There was a list, so that silence may mean that nothing changes.
    is_listed: bool,
    heard_at: Instant,
}

impl Cluster {
    /// What happens to the objects of a kind that have one name, in any namespace.
    pub(crate) fn changes_of_named(&self, resource: &ApiResource, name: &str) -> Changes {
        let watching = attempt("watching", resource, None, name);
        self.awaited(watching, self.api(resource, None), of_name(Some(name)))
    }

    /// First all objects there are, then each change, again and again from the beginning.
    pub(super) fn awaited(
        &self,
        attempt: Attempt,
        api: Api<DynamicObject>,
        config: watcher::Config,
    ) -> Changes {
        let awaited = Awaited {
            changes: self.watched(&api, &config),
            cluster: self.clone(),
            attempt,
            api,
            config,
            is_listed: false,
            heard_at: Instant::now(),
        };
        let next = |mut awaited: Awaited| async { Some((awaited.next().await?, awaited)) };
        stream::unfold(awaited, next).boxed()
    }
}

impl Awaited {
    async fn next(&mut self) -> Option<Result<watcher::Event<DynamicObject>, watcher::Error>> {
        loop {
            let silence = SILENCE.saturating_sub(self.heard_at.elapsed());
            let patience = if self.is_listed { silence } else { NOTICE };
            match timeout(patience, self.changes.next()).await {
                Ok(change) => {
                    let change = change?;
                    self.heard(&change);
                    return Some(change);
                }
                Err(_) if self.heard_at.elapsed() >= SILENCE => self.open_anew(),
                Err(_) => self.cluster.hindered(&self.attempt, "no answer yet"),
            }
        }
    }

    fn heard(&mut self, change: &Result<watcher::Event<DynamicObject>, watcher::Error>) {
        match change {
            // The first event of a list comes before its request.
            Ok(watcher::Event::Init) => self.is_listed = false,
            Ok(watcher::Event::InitApply(_)) => self.heard_at = Instant::now(),
            Ok(_) => {
                self.is_listed = true;
                self.heard_at = Instant::now();
                self.cluster.meter.unhindered();
            }
            Err(error) => {
                self.heard_at = Instant::now();
                self.cluster.hindered(&self.attempt, &chain(error));
            }
        }
    }

    fn open_anew(&mut self) {
        self.changes = self.cluster.watched(&self.api, &self.config);
        self.is_listed = false;
        self.heard_at = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use futures::stream::BoxStream;
    use http::{Request, Response};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::client::Body;
    use serde_json::json;
    use tower_test::mock;

    use super::*;
    use crate::meter::Meter;

    type Answer = StreamBody<BoxStream<'static, Result<Frame<Bytes>, std::io::Error>>>;

    /// What a server sends first that streams a list.
    fn listed() -> Vec<u8> {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "resourceVersion": "1"}});
        let mut end = object.clone();
        end["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        let events = [("ADDED", object), ("BOOKMARK", end)];
        let lines = events.map(|(kind, object)| format!("{}\n", json!({"type": kind, "object": object})));
        lines.concat().into_bytes()
    }

    /// A response that begins and never ends.
    fn unending(begin: Vec<u8>) -> Response<Answer> {
        let begin = stream::iter([Ok(Frame::data(begin.into()))]);
        Response::new(StreamBody::new(begin.chain(stream::pending()).boxed()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_goes_silent_is_opened_anew_and_one_that_never_speaks_is_told_of() {
        let (service, mut handle) = mock::pair::<Request<Body>, Response<Answer>>();
        let told = Arc::new(Mutex::new(Vec::new()));
        let teller = Arc::clone(&told);
        let meter = Meter::telling(move |by| teller.lock().unwrap().extend(by));
        let client = kube::Client::new(service, "default");
        let cluster = Cluster::new(client, Duration::from_secs(1), Arc::new(meter));
        let resource = ApiResource::erase::<ConfigMap>(&());
        let mut changes = cluster.changes_of_named(&resource, "a");

        let server = tokio::spawn(async move {
            let (_, first) = handle.next_request().await.unwrap();
            first.send_response(unending(listed()));
            let (_, never) = handle.next_request().await.unwrap();
            let (_, third) = handle.next_request().await.unwrap();
            third.send_response(unending(listed()));
            drop(never);
        });
        let began = Instant::now();
        let mut lists = 0;
        while lists < 2 {
            lists += usize::from(matches!(changes.next().await, Some(Ok(watcher::Event::InitDone))));
        }
        server.await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 30, "twice the longest silence");
        let told = told.lock().unwrap();
        assert!(told[0].ends_with("no answer yet"), "{told:?}");
    }
}
