//! Pods by what owns them and events by what they are about, so that each rule looks up instead of walking.

use std::collections::HashMap;

use super::observed::{Cluster, Event, Pod};

type Key<'a> = (&'a str, &'a str, &'a str);

/// Look-ups over one observation; made once for each judgement.
#[derive(Debug, Default)]
pub(super) struct Index<'a> {
    pods: HashMap<Key<'a>, Vec<&'a Pod>>,
    events: HashMap<Key<'a>, Vec<&'a Event>>,
}

impl<'a> Index<'a> {
    pub(super) fn new(cluster: &'a Cluster) -> Self {
        let mut index = Self::default();
        if let Ok(pods) = cluster.pods.current() {
            for pod in pods.known.values().filter(|pod| !pod.deleting) {
                let (kind, name) = owner(pod);
                let of = index.pods.entry((pod.namespace.as_str(), kind, name));
                of.or_default().push(pod);
            }
        }
        for event in &cluster.events.last {
            let key = (
                event.namespace.as_str(),
                event.about_kind.as_str(),
                event.about_name.as_str(),
            );
            index.events.entry(key).or_default().push(event);
        }
        for events in index.events.values_mut() {
            events.sort_by_key(|event| event.at);
        }
        index
    }

    /// Pods of a workload that are not going away.
    pub(super) fn pods_of<'b>(&'b self, namespace: &'b str, kind: &'b str, name: &'b str) -> &'b [&'a Pod] {
        self.pods.get(&(namespace, kind, name)).map_or(&[], Vec::as_slice)
    }

    /// Events about an object, oldest first.
    pub(super) fn events_of<'b>(
        &'b self,
        namespace: &'b str,
        kind: &'b str,
        name: &'b str,
    ) -> &'b [&'a Event] {
        self.events
            .get(&(namespace, kind, name))
            .map_or(&[], Vec::as_slice)
    }

    /// Events about this very pod: another of the same name had another UID.
    pub(super) fn events_of_pod(&self, pod: &Pod) -> Vec<&'a Event> {
        let events = self.events_of(&pod.namespace, "Pod", &pod.name).iter();
        let is_same =
            |event: &&&Event| event.about_uid.is_empty() || pod.uid.is_empty() || event.about_uid == pod.uid;
        events.filter(is_same).copied().collect()
    }
}

/// Kind and name of the workload a pod belongs to: of a `ReplicaSet`'s pod, its Deployment, whose name is the
/// set's without the hash.
pub(super) fn owner(pod: &Pod) -> (&str, &str) {
    match &pod.owner {
        Some((kind, name)) if kind == "ReplicaSet" => (
            "Deployment",
            name.rsplit_once('-').map_or(name, |(workload, _)| workload),
        ),
        Some((kind, name)) => (kind, name),
        None => ("Pod", &pod.name),
    }
}
