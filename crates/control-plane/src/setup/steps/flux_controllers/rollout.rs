//! Watching controllers start: done when all of them run, failed as soon as the cause is plain.

use std::collections::BTreeMap;
use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError, Follow, Followed, Judgement};
use appliance_common::process::chain;
use futures::StreamExt;
use futures::stream::BoxStream;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::manifest::rolled_out;
use crate::setup::pods::{Trouble, trouble};

/// Longest wait for the controllers of a namespace.
const LIMIT: Duration = Duration::from_mins(5);
/// How long a cause may last before it counts: a pull that failed once is tried again at once.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long controllers may start before their pods are asked why they do not.
const CURIOUS_AFTER: Duration = Duration::from_secs(8);

/// Waits until every Deployment of `names` runs what it should.
pub(super) async fn watch(
    cx: &StepContext,
    cluster: &Cluster,
    namespace: &str,
    names: &[&str],
) -> Result<(), Failure> {
    let follow = |resource: &ApiResource| {
        cluster.follow(&Follow {
            resource,
            namespace: Some(namespace),
            name: None,
        })
    };
    let mut deployments = follow(&ApiResource::erase::<Deployment>(&()));
    let mut pods = None;
    let (deadline, curious) = (Instant::now() + LIMIT, Instant::now() + CURIOUS_AFTER);
    let mut seen = Seen::default();
    loop {
        let open = seen.open(names);
        if open.is_empty() && seen.known {
            return Ok(());
        }
        if let Some((name, trouble)) = seen.lasting_trouble(&open) {
            return Err(broken(name, &trouble));
        }
        if Instant::now() >= deadline {
            return Err(late(&open));
        }
        if let Some((name, reason)) = open.first() {
            let done = names.len() - open.len();
            cx.say(format!(
                "{done} of {} controllers run; {name}: {reason}",
                names.len()
            ));
        }
        let look = seen.next_look().min(deadline);
        let look = if pods.is_none() { look.min(curious) } else { look };
        let news = async {
            tokio::select! {
                Some(shown) = deployments.next() => News::Deployments(shown),
                Some(shown) = next_of(&mut pods) => News::Pods(shown),
                () = sleep_until(look) => News::None,
            }
        };
        match cx.meter.waiting(news).await {
            News::Deployments(shown) => seen.take_deployments(shown)?,
            // Without the pods the causes stay unknown; whether the controllers run is still seen.
            News::Pods(shown) => seen.take_pods(shown),
            News::None => {}
        }
        if pods.is_none() && Instant::now() >= curious {
            pods = Some(follow(&ApiResource::erase::<Pod>(&())));
        }
    }
}

/// What a stream shows next; nothing while there is none.
async fn next_of(shown: &mut Option<Shown>) -> Option<Result<Followed, ClusterError>> {
    match shown {
        Some(shown) => shown.next().await,
        None => std::future::pending().await,
    }
}

/// What a wait ends with.
enum News {
    Deployments(Result<Followed, ClusterError>),
    Pods(Result<Followed, ClusterError>),
    /// It was time to look again.
    None,
}

type Shown = BoxStream<'static, Result<Followed, ClusterError>>;

#[derive(Default)]
struct Seen {
    /// Whether the Deployments were listed at all.
    known: bool,
    deployments: Followed,
    pods: Followed,
    /// Since when a controller is in trouble.
    since: BTreeMap<String, Instant>,
}

impl Seen {
    fn take_deployments(&mut self, shown: Result<Followed, ClusterError>) -> Result<(), Failure> {
        match shown {
            Ok(live) => (self.known, self.deployments) = (true, live),
            Err(error @ ClusterError::Forbidden { .. }) => return Err(super::failure(&error)),
            Err(error) => tracing::debug!(error = chain(&error), "the watch of the controllers is disturbed"),
        }
        Ok(())
    }

    fn take_pods(&mut self, shown: Result<Followed, ClusterError>) {
        match shown {
            Ok(live) => self.pods = live,
            Err(error) => tracing::debug!(error = chain(&error), "the watch of the pods is disturbed"),
        }
    }

    /// Those that do not run yet, and why not.
    fn open<'a>(&mut self, names: &[&'a str]) -> Vec<(&'a str, String)> {
        let open: Vec<_> = names
            .iter()
            .filter_map(|name| {
                let deployment = self.deployments.get(*name);
                let reason = match rolled_out(deployment) {
                    Judgement::Reached => return None,
                    Judgement::Waiting(reason) | Judgement::Failed(reason) => reason,
                };
                let trouble = deployment.and_then(|deployment| self.trouble_of(deployment));
                Some((*name, trouble.map_or(reason, |trouble| trouble.to_string())))
            })
            .collect();
        self.note_since(&open);
        open
    }

    fn note_since(&mut self, open: &[(&str, String)]) {
        let in_trouble: Vec<_> = open
            .iter()
            .filter(|(name, _)| {
                self.deployments
                    .get(*name)
                    .is_some_and(|live| self.trouble_of(live).is_some())
            })
            .map(|(name, _)| (*name).to_owned())
            .collect();
        self.since.retain(|name, _| in_trouble.contains(name));
        for name in in_trouble {
            self.since.entry(name).or_insert_with(Instant::now);
        }
    }

    fn lasting_trouble<'a>(&self, open: &[(&'a str, String)]) -> Option<(&'a str, Trouble)> {
        open.iter().find_map(|(name, _)| {
            let lasts = self.since.get(*name)?.elapsed() >= PATIENCE;
            let trouble = self.trouble_of(self.deployments.get(*name)?)?;
            lasts.then_some((*name, trouble))
        })
    }

    fn next_look(&self) -> Instant {
        let now = Instant::now();
        let ends = self.since.values().map(|since| *since + PATIENCE);
        ends.min().unwrap_or(now + LIMIT)
    }

    /// What keeps the newest pod of a Deployment from running, or the Deployment from having one.
    fn trouble_of(&self, deployment: &DynamicObject) -> Option<Trouble> {
        let own = self.pods.values().filter(|pod| selects(deployment, pod));
        let newest = own.max_by_key(|pod| pod.metadata.creation_timestamp.clone());
        newest.and_then(trouble).or_else(|| no_pod(deployment))
    }
}

fn selects(deployment: &DynamicObject, pod: &DynamicObject) -> bool {
    let wanted = deployment
        .data
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object);
    let labels = pod.metadata.labels.as_ref();
    wanted.is_some_and(|wanted| {
        wanted.iter().all(|(key, value)| {
            labels.and_then(|labels| labels.get(key)).map(String::as_str) == value.as_str()
        })
    })
}

/// The API server refuses the pods themselves: a quota, an admission rule.
fn no_pod(deployment: &DynamicObject) -> Option<Trouble> {
    let conditions = deployment.data.pointer("/status/conditions")?.as_array()?;
    let failure = conditions
        .iter()
        .find(|condition| condition["type"] == "ReplicaFailure" && condition["status"] == "True")?;
    Some(Trouble {
        reason: failure["reason"].as_str().unwrap_or("ReplicaFailure").to_owned(),
        message: failure["message"].as_str().unwrap_or_default().to_owned(),
    })
}

fn broken(name: &str, trouble: &Trouble) -> Failure {
    let (category, next) = match trouble.reason.as_str() {
        "ImagePullBackOff" | "ErrImagePull" | "InvalidImageName" | "ErrImageNeverPull" => (
            "image-pull",
            "Check that this box reaches the registry of the image named (DNS, proxy, firewall), then try again.",
        ),
        "Unschedulable" => (
            "unschedulable",
            "Make room on this box (memory, CPU, disk pressure) or remove what keeps the node from taking pods, \
             then try again.",
        ),
        _ => (
            "workload-failed",
            "Look at the log of this controller's pod in flux-system, mend what it says, then try again.",
        ),
    };
    let message = format!("Flux's {name} does not start");
    Failure::new(Blame::InstallFlux, category, message, trouble.to_string(), next).passing()
}

fn late(open: &[(&str, String)]) -> Failure {
    let (name, reason) = open
        .first()
        .map_or(("controllers", "nothing was seen of them"), |(name, reason)| {
            (*name, reason)
        });
    Failure::new(
        Blame::InstallFlux,
        "not-ready-in-time",
        format!("Flux's {name} did not start within {} s", LIMIT.as_secs()),
        reason,
        "Look at the events of its pod in flux-system; often the box is short of memory or disk. Then try again.",
    )
    .passing()
}
