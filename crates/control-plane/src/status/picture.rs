//! The one picture of the box, and how changes get into it.
//!
//! A change is a closure over the picture: whoever observes sends it, the board's task applies it. So the
//! picture has one owner and no locks, and each observer knows its own part of it only.

mod feed;

use appliance_common::agent_api::DiskFacts;
use appliance_common::readiness::Observed;
use appliance_common::readiness::observed::{
    Claim, Event, FluxObject, Job, LoginProbe, NetworkProbe, Node, Objects, Pod, Reading, Trouble,
    TroubleKind, Workload,
};
use jiff::Timestamp;

use super::local::Local;
use super::watch::events::Newest;
pub(super) use feed::{Change, Feed, Shown};

/// Why nothing of the cluster is known when its server is gone.
const UNREACHABLE: &str = "the Kubernetes API server does not answer";

/// What is between a reading and the next.
#[derive(Debug)]
struct Side<T> {
    /// Why this kind is not current, beside the API server as a whole.
    own: Option<Trouble>,
    /// The list under way.
    listing: Option<Objects<T>>,
}

/// Everything that is known of the box.
#[derive(Debug, Default)]
pub(super) struct Picture {
    /// What rules read.
    pub(super) observed: Observed,
    /// What is shown and not judged.
    pub(super) local: Local,
    /// Why the API server does not answer.
    down: Option<Trouble>,
    now: Timestamp,
    nodes: Side<Node>,
    pods: Side<Pod>,
    deployments: Side<Workload>,
    stateful_sets: Side<Workload>,
    jobs: Side<Job>,
    claims: Side<Claim>,
    oci_repositories: (Side<FluxObject>, Reading<Objects<FluxObject>>),
    helm_repositories: (Side<FluxObject>, Reading<Objects<FluxObject>>),
    kustomizations: Side<FluxObject>,
    helm_releases: Side<FluxObject>,
    events: Side<Event>,
    newest: Newest,
    /// The newest of the list under way.
    newest_listed: Newest,
    events_changed: bool,
}

impl<T> Default for Side<T> {
    /// Nothing was shown yet.
    fn default() -> Self {
        Self {
            own: Reading::<()>::default().trouble,
            listing: None,
        }
    }
}

/// What is told of an object by what was known of it before.
trait Dated: Sized {
    /// Notes when something of it was first seen.
    fn date(&mut self, _before: Option<&Self>, _now: Timestamp) {}
}

impl Dated for Node {}
impl Dated for Pod {}
impl Dated for Job {}
impl Dated for Claim {}

impl Dated for Workload {
    fn date(&mut self, before: Option<&Self>, now: Timestamp) {
        let known = before.filter(|before| before.generation == self.generation);
        self.generation_seen = known.and_then(|before| before.generation_seen).or(Some(now));
    }
}

impl Dated for FluxObject {
    fn date(&mut self, before: Option<&Self>, now: Timestamp) {
        let known = before.filter(|before| before.generation == self.generation);
        self.generation_seen = known.and_then(|before| before.generation_seen).or(Some(now));
    }
}

impl<T: Dated> Side<T> {
    fn take(&mut self, reading: &mut Reading<Objects<T>>, shown: Shown<T>, now: Timestamp) {
        match shown {
            Shown::Begin => self.listing = Some(Objects::default()),
            Shown::Page(objects) => {
                let listing = self.listing.get_or_insert_default();
                for (key, mut object) in objects {
                    if let Ok(object) = &mut object {
                        object.date(reading.last.known.get(&key), now);
                    }
                    put(listing, key, object);
                }
            }
            Shown::Done => {
                reading.last = self.listing.take().unwrap_or_default();
                self.own = None;
            }
            Shown::Open => self.own = None,
            Shown::Put(key, mut object) => {
                if let Ok(object) = &mut object {
                    object.date(reading.last.known.get(&key), now);
                }
                put(&mut reading.last, key, object);
            }
            Shown::Gone(key) => remove(&mut reading.last, &key),
            Shown::Trouble(kind, message) => self.troubled(kind, message, now),
        }
    }
}

impl<T> Side<T> {
    /// The same trouble goes on since it began.
    fn troubled(&mut self, kind: TroubleKind, message: String, now: Timestamp) {
        self.listing = None;
        let before = self.own.as_ref().filter(|before| before.kind == kind);
        let since = before.and_then(|before| before.since).or(Some(now));
        self.own = Some(Trouble { kind, message, since });
    }
}

fn put<T>(objects: &mut Objects<T>, key: String, object: Result<T, String>) {
    match object {
        Ok(object) => {
            objects.unclear.remove(&key);
            objects.known.insert(key, object);
        }
        Err(why) => {
            objects.known.remove(&key);
            objects.unclear.insert(key, why);
        }
    }
}

fn remove<T>(objects: &mut Objects<T>, key: &str) {
    objects.known.remove(key);
    objects.unclear.remove(key);
}

impl Picture {
    /// Changes that follow happen now.
    pub(super) fn turn_to(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Whether the API server answers; `Err` has the cause and since when not.
    pub(super) fn show_api(&mut self, answers: Result<(), (String, Timestamp)>) {
        self.down = answers.err().map(|(cause, since)| Trouble {
            kind: TroubleKind::Unreachable,
            message: format!("{UNREACHABLE}: {cause}"),
            since: Some(
                self.down
                    .as_ref()
                    .and_then(|before| before.since)
                    .unwrap_or(since),
            ),
        });
        if self.down.is_none() {
            self.observed.cluster.api.trouble = None;
        }
    }

    /// How full the disk under the application's volumes is, as far as anybody tells.
    pub(super) fn show_disk(&mut self, disk: Option<DiskFacts>) {
        self.observed.data_disk = disk;
    }

    /// What is recorded on the state volume.
    pub(super) fn show_local(&mut self, local: Local) {
        self.observed.install = local.install.clone();
        self.local = local;
    }

    /// The newest look at the application's address.
    pub(super) fn show_login(&mut self, probe: Option<LoginProbe>) {
        self.observed.login = probe;
    }

    /// The newest look at the network; `None` when nobody needs one.
    pub(super) fn show_network(&mut self, probe: Option<NetworkProbe>) {
        self.observed.network = probe;
    }

    pub(super) fn show_nodes(&mut self, shown: Shown<Node>) {
        self.nodes.take(&mut self.observed.cluster.nodes, shown, self.now);
    }

    pub(super) fn show_pods(&mut self, shown: Shown<Pod>) {
        self.pods.take(&mut self.observed.cluster.pods, shown, self.now);
    }

    pub(super) fn show_deployments(&mut self, shown: Shown<Workload>) {
        self.deployments
            .take(&mut self.observed.cluster.deployments, shown, self.now);
    }

    pub(super) fn show_stateful_sets(&mut self, shown: Shown<Workload>) {
        self.stateful_sets
            .take(&mut self.observed.cluster.stateful_sets, shown, self.now);
    }

    pub(super) fn show_jobs(&mut self, shown: Shown<Job>) {
        self.jobs.take(&mut self.observed.cluster.jobs, shown, self.now);
    }

    pub(super) fn show_claims(&mut self, shown: Shown<Claim>) {
        self.claims
            .take(&mut self.observed.cluster.claims, shown, self.now);
    }

    pub(super) fn show_oci_repositories(&mut self, shown: Shown<FluxObject>) {
        let (side, reading) = &mut self.oci_repositories;
        side.take(reading, shown, self.now);
        self.join_sources();
    }

    pub(super) fn show_helm_repositories(&mut self, shown: Shown<FluxObject>) {
        let (side, reading) = &mut self.helm_repositories;
        side.take(reading, shown, self.now);
        self.join_sources();
    }

    pub(super) fn show_kustomizations(&mut self, shown: Shown<FluxObject>) {
        self.kustomizations
            .take(&mut self.observed.cluster.kustomizations, shown, self.now);
    }

    pub(super) fn show_helm_releases(&mut self, shown: Shown<FluxObject>) {
        self.helm_releases
            .take(&mut self.observed.cluster.helm_releases, shown, self.now);
    }

    /// Only the newest events are kept; one that will not decode explains nothing.
    pub(super) fn show_events(&mut self, shown: Shown<Event>) {
        match shown {
            Shown::Begin => self.newest_listed = Newest::default(),
            Shown::Page(events) => {
                let understood = events
                    .into_iter()
                    .filter_map(|(key, event)| Some((key, event.ok()?)));
                understood.for_each(|(key, event)| self.newest_listed.put(key, event));
                return;
            }
            Shown::Done => {
                self.newest = std::mem::take(&mut self.newest_listed);
                self.events.own = None;
            }
            Shown::Open => self.events.own = None,
            Shown::Put(key, Ok(event)) => self.newest.put(key, event),
            Shown::Put(key, Err(_)) | Shown::Gone(key) => self.newest.remove(&key),
            Shown::Trouble(kind, message) => self.events.troubled(kind, message, self.now),
        }
        self.events_changed = true;
    }

    /// A Helm repository of the same namespace and name as an OCI repository is told apart by its kind.
    fn join_sources(&mut self) {
        let mut joined = self.oci_repositories.1.last.clone();
        let helm = &self.helm_repositories.1.last;
        let apart = |key: &String, taken: bool| {
            if taken {
                format!("HelmRepository:{key}")
            } else {
                key.clone()
            }
        };
        for (key, object) in &helm.known {
            let taken = joined.known.contains_key(key);
            joined.known.insert(apart(key, taken), object.clone());
        }
        for (key, why) in &helm.unclear {
            let taken = joined.unclear.contains_key(key);
            joined.unclear.insert(apart(key, taken), why.clone());
        }
        self.observed.cluster.sources.last = joined;
    }

    /// Makes the picture fit to be judged at `now`; `seen` is when the API server last said something.
    pub(super) fn settle(&mut self, now: Timestamp, seen: Option<Timestamp>) {
        if std::mem::take(&mut self.events_changed) {
            self.observed.cluster.events.last = self.newest.in_order();
        }
        let sources = self
            .oci_repositories
            .0
            .own
            .clone()
            .or_else(|| self.helm_repositories.0.own.clone());
        let down = self.down.as_ref();
        let cluster = &mut self.observed.cluster;
        let never = cluster
            .api
            .trouble
            .take()
            .filter(|trouble| trouble.kind == TroubleKind::NotYet);
        settle(&mut cluster.api, never.as_ref(), down, seen);
        // The cause is told once.
        let down = down.map(|down| Trouble {
            message: UNREACHABLE.to_owned(),
            ..down.clone()
        });
        let down = down.as_ref();
        settle(&mut cluster.nodes, self.nodes.own.as_ref(), down, seen);
        settle(&mut cluster.pods, self.pods.own.as_ref(), down, seen);
        settle(
            &mut cluster.deployments,
            self.deployments.own.as_ref(),
            down,
            seen,
        );
        settle(
            &mut cluster.stateful_sets,
            self.stateful_sets.own.as_ref(),
            down,
            seen,
        );
        settle(&mut cluster.jobs, self.jobs.own.as_ref(), down, seen);
        settle(&mut cluster.claims, self.claims.own.as_ref(), down, seen);
        settle(&mut cluster.sources, sources.as_ref(), down, seen);
        settle(
            &mut cluster.kustomizations,
            self.kustomizations.own.as_ref(),
            down,
            seen,
        );
        settle(
            &mut cluster.helm_releases,
            self.helm_releases.own.as_ref(),
            down,
            seen,
        );
        settle(&mut cluster.events, self.events.own.as_ref(), down, seen);
        self.observed.at = now;
    }
}

/// A reading's trouble is the server's, or else its own; without any it is as true as the last sign of life
/// is young.
fn settle<T>(
    reading: &mut Reading<T>,
    own: Option<&Trouble>,
    down: Option<&Trouble>,
    seen: Option<Timestamp>,
) {
    reading.trouble = down.or(own).cloned();
    if reading.trouble.is_none() {
        reading.at = seen;
    }
}

#[cfg(test)]
mod order;
#[cfg(test)]
mod tests;
