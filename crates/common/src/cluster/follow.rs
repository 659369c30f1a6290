//! Following objects of one kind: after each change, all of them as they are now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::stream::{self, BoxStream, StreamExt};
use kube::ResourceExt;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, watcher};

use super::call::classify;
use super::read::attempt;
use super::{Attempt, Cluster, ClusterError};

/// Objects by their names, as one watch shows them.
pub type Followed = BTreeMap<String, DynamicObject>;

/// Changes as they come; an error is a disturbance that passes or is told again.
pub(crate) type Changes = BoxStream<'static, Result<watcher::Event<DynamicObject>, watcher::Error>>;

/// Which objects are followed.
#[derive(Debug, Clone)]
pub struct Follow<'a> {
    /// Their kind.
    pub resource: &'a ApiResource,
    /// Their namespace, if their kind has one.
    pub namespace: Option<&'a str>,
    /// The one with this name, or all of them.
    pub name: Option<&'a str>,
}

impl Cluster {
    /// The objects as they are, again after each change. A watch that is disturbed says why and goes
    /// on by itself, with growing pauses; the stream does not end.
    #[must_use]
    pub fn follow(&self, what: &Follow<'_>) -> BoxStream<'static, Result<Followed, ClusterError>> {
        let name = what.name.unwrap_or_default();
        let attempt = attempt("watching", what.resource, what.namespace, name);
        let api = self.api(what.resource, what.namespace);
        let events = self.watched(&api, &of_name(what.name));
        let mut held = Held::default();
        let shown = move |event| {
            std::future::ready(match event {
                Ok(event) => held.take(event).then(|| Ok(held.live.clone())),
                Err(error) => Some(Err(disturbed(&attempt, error))),
            })
        };
        events.filter_map(shown).boxed()
    }

    /// First all there are, then each change: in one request where the server can do that (streaming lists,
    /// on by default since Kubernetes 1.34), else in two.
    ///
    /// <https://kubernetes.io/docs/reference/using-api/api-concepts/#streaming-lists>
    pub(super) fn watched(&self, api: &Api<DynamicObject>, config: &watcher::Config) -> Changes {
        let (meter, streams) = (Arc::clone(&self.meter), Arc::clone(&self.streams_lists));
        let in_two = watcher(api.clone(), config.clone()).default_backoff().boxed();
        self.meter.count_request();
        if !streams.load(Ordering::Relaxed) {
            self.meter.count_request();
            return in_two;
        }
        let in_one = watcher(api.clone(), config.clone().streaming_lists());
        let opening = (in_one.default_backoff().boxed(), Some(in_two));
        let next = move |(mut changes, mut in_two): (Changes, Option<Changes>)| {
            let (meter, streams) = (Arc::clone(&meter), Arc::clone(&streams));
            async move {
                loop {
                    let change = changes.next().await?;
                    match &change {
                        Ok(watcher::Event::Init) => {}
                        Ok(_) => in_two = None,
                        Err(error) if is_not_understood(error) => {
                            if let Some(in_two) = in_two.take() {
                                streams.store(false, Ordering::Relaxed);
                                meter.count_request();
                                meter.count_request();
                                changes = in_two;
                                continue;
                            }
                        }
                        Err(_) => {}
                    }
                    return Some((change, (changes, in_two)));
                }
            }
        };
        stream::unfold(opening, next).boxed()
    }
}

/// A watch of the objects with this name, or of all.
pub(super) fn of_name(name: Option<&str>) -> watcher::Config {
    let config = watcher::Config::default();
    match name {
        Some(name) => config.fields(&format!("metadata.name={name}")),
        None => config,
    }
}

/// An older server refuses a list in a watch.
fn is_not_understood(error: &watcher::Error) -> bool {
    let code = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code,
        _ => 0,
    };
    matches!(code, 400 | 422)
}

/// What the watch has shown so far.
#[derive(Debug, Default)]
struct Held {
    live: Followed,
    /// The list under way, which replaces what is held once it is whole.
    listed: Followed,
}

impl Held {
    /// Takes an event; whether there is something new to show.
    fn take(&mut self, event: watcher::Event<DynamicObject>) -> bool {
        match event {
            watcher::Event::Init => {
                self.listed.clear();
                return false;
            }
            watcher::Event::InitApply(object) => {
                keep(&mut self.listed, object);
                return false;
            }
            watcher::Event::InitDone => self.live = std::mem::take(&mut self.listed),
            watcher::Event::Apply(object) => keep(&mut self.live, object),
            watcher::Event::Delete(object) => drop(self.live.remove(&object.name_any())),
        }
        true
    }
}

fn keep(into: &mut Followed, mut object: DynamicObject) {
    object.metadata.managed_fields = None;
    into.insert(object.name_any(), object);
}

fn disturbed(attempt: &Attempt, error: watcher::Error) -> ClusterError {
    match error {
        watcher::Error::InitialListFailed(cause)
        | watcher::Error::WatchStartFailed(cause)
        | watcher::Error::WatchFailed(cause) => classify(attempt, cause),
        other => ClusterError::Unintelligible {
            attempt: attempt.clone(),
            source: Box::new(other),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str) -> DynamicObject {
        serde_json::from_value(json!({"metadata": {"name": name}})).unwrap()
    }

    #[test]
    fn a_list_under_way_shows_nothing_and_replaces_all_when_it_is_whole() {
        let mut held = Held::default();
        for (event, shows) in [
            (watcher::Event::Init, false),
            (watcher::Event::InitApply(object("a")), false),
            (watcher::Event::InitDone, true),
            (watcher::Event::Apply(object("b")), true),
            (watcher::Event::Delete(object("a")), true),
        ] {
            assert_eq!(held.take(event), shows);
        }
        assert_eq!(held.live.keys().collect::<Vec<_>>(), ["b"]);
        for event in [watcher::Event::Init, watcher::Event::InitApply(object("c"))] {
            assert!(!held.take(event));
        }
        assert_eq!(held.live.keys().collect::<Vec<_>>(), ["b"]);
        assert!(held.take(watcher::Event::InitDone));
        assert_eq!(held.live.keys().collect::<Vec<_>>(), ["c"]);
    }
}
