//! Follows the bootstrap Job, the releases and the application's Deployment, and records what changes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::clock::iso_millis;
use appliance_common::cluster::{Cluster, ClusterError, Follow, Followed};
use appliance_common::meter::Meter;
use appliance_common::names::{APPLICATION, BOOTSTRAP_JOB, namespace};
use appliance_common::process::chain;
use futures::StreamExt;
use futures::stream::BoxStream;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1;
use kube::api::ApiResource;
use kube::core::GroupVersionKind;
use tokio::time::{Instant, sleep_until};

use super::seen::{Evidence, Job, JobEnd, Observed, Release, is_available};
use super::{BootstrapRecord, BootstrapState, evidence, excerpt, password};
use crate::setup::Setup;
use crate::setup::noting::record;
use crate::setup::recorder::Recorder;
use crate::setup::run::Event;

/// How long a watch may be disturbed before what it last showed is not believed any more.
const GRACE: Duration = Duration::from_secs(20);
/// Pause before something that failed is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Follows the release for ever: until everything has come about, and again when a later release brings
/// another Job. Can be dropped and begun again at any time.
pub(in crate::setup) async fn follow(setup: &Setup, recorder: &Recorder) -> Result<Infallible, ClusterError> {
    let cluster = setup.settings().cluster.open(Arc::new(Meter::default())).await?;
    let mut watch = Watch::new(setup, recorder);
    if !watch.last.is_over() {
        watch.see_through(&cluster).await;
    }
    loop {
        watch.another_job(&cluster).await;
        watch.see_through(&cluster).await;
    }
}

type Shown = BoxStream<'static, Result<Followed, ClusterError>>;

struct Streams {
    jobs: Shown,
    releases: Shown,
    application: Shown,
}

impl Streams {
    fn open(cluster: &Cluster) -> Self {
        let helm_release = GroupVersionKind::gvk("helm.toolkit.fluxcd.io", "v2", "HelmRelease");
        let helm_release = ApiResource::from_gvk(&helm_release);
        let deployment = ApiResource::erase::<Deployment>(&());
        Self {
            jobs: jobs(cluster),
            releases: open(cluster, &helm_release, namespace::ALGA_SYSTEM, None),
            application: open(cluster, &deployment, namespace::MSP, Some(APPLICATION)),
        }
    }
}

fn jobs(cluster: &Cluster) -> Shown {
    let job = ApiResource::erase::<v1::Job>(&());
    open(cluster, &job, namespace::MSP, Some(BOOTSTRAP_JOB))
}

fn open(cluster: &Cluster, resource: &ApiResource, namespace: &str, name: Option<&str>) -> Shown {
    let namespace = Some(namespace);
    cluster.follow(&Follow {
        resource,
        namespace,
        name,
    })
}

/// What a watch shows, and since when it is disturbed.
#[derive(Default)]
struct Reading {
    live: Option<Followed>,
    disturbed: Option<(Instant, String)>,
}

impl Reading {
    fn take(&mut self, shown: Result<Followed, ClusterError>) {
        match shown {
            Ok(live) => (self.live, self.disturbed) = (Some(live), None),
            Err(error) => {
                let now = Instant::now();
                // Waiting does not bring a right that is missing.
                let since = match (&error, &self.disturbed) {
                    (ClusterError::Forbidden { .. }, _) => now.checked_sub(GRACE).unwrap_or(now),
                    (_, Some((since, _))) => *since,
                    (_, None) => now,
                };
                self.disturbed = Some((since, chain(&error)));
            }
        }
    }

    /// What is believed; `None` while nothing was shown yet.
    fn believed(&self) -> Option<Result<&Followed, String>> {
        match (&self.disturbed, &self.live) {
            (Some((since, reason)), _) if since.elapsed() >= GRACE => Some(Err(reason.clone())),
            (_, live) => live.as_ref().map(Ok),
        }
    }
}

struct Watch<'a> {
    setup: &'a Setup,
    recorder: &'a Recorder,
    last: BootstrapRecord,
    jobs: Reading,
    releases: Reading,
    application: Reading,
    /// Failures of the Job whose log was read.
    excerpted: Option<(String, u32)>,
    /// Whether a Job that came and went while nobody watched was looked for.
    looked_back: bool,
    /// When something that failed is tried again.
    again: Option<Instant>,
}

impl<'a> Watch<'a> {
    fn new(setup: &'a Setup, recorder: &'a Recorder) -> Self {
        let known = recorder.board().view().history.bootstrap.clone();
        let now = iso_millis(setup.clock.now());
        Self {
            setup,
            recorder,
            last: known.unwrap_or_else(|| BootstrapRecord::nothing_yet(&now)),
            jobs: Reading::default(),
            releases: Reading::default(),
            application: Reading::default(),
            excerpted: None,
            looked_back: false,
            again: None,
        }
    }

    /// Follows Job, releases and application until nothing is left to wait for.
    async fn see_through(&mut self, cluster: &Cluster) {
        let mut streams = Streams::open(cluster);
        loop {
            let wake = self.next_look();
            tokio::select! {
                Some(shown) = streams.jobs.next() => self.jobs.take(shown),
                Some(shown) = streams.releases.next() => self.releases.take(shown),
                Some(shown) = streams.application.next() => self.application.take(shown),
                () = sleep_until(wake) => {}
            }
            if self.look(cluster).await && self.last.is_over() {
                break;
            }
        }
        tracing::info!("the release is installed: its bootstrap is complete and all its parts are ready");
        // What is shown later is older than what the next streams begin with.
        (self.jobs, self.releases, self.application) = Default::default();
    }

    /// Waits, with one watch, for a Job of another release; one that came and went unwatched is told too.
    async fn another_job(&mut self, cluster: &Cluster) {
        let mut jobs = jobs(cluster);
        loop {
            let wake = self.next_look();
            tokio::select! {
                Some(shown) = jobs.next() => self.jobs.take(shown),
                () = sleep_until(wake) => {}
            }
            self.again = None;
            let Some(Ok(live)) = self.jobs.believed() else {
                continue;
            };
            let job = live.get(BOOTSTRAP_JOB).map(Job::read);
            if job.as_ref().is_some_and(|job| self.last.is_news(job)) {
                break;
            }
            self.look_back(cluster, job).await;
            if !self.last.is_over() {
                break;
            }
        }
        self.jobs = Reading::default();
    }

    async fn look_back(&mut self, cluster: &Cluster, job: Option<Job>) {
        let mut seen = Observed {
            job: Ok(job),
            releases: Err("they were not looked at".to_owned()),
            evidence: None,
            release: self.selected(),
        };
        seen.evidence = self.evidence(cluster, &seen).await;
        let next = self.last.after(&seen, &iso_millis(self.setup.clock.now()));
        self.tell(next).await;
    }

    /// When to look without anything having been shown.
    fn next_look(&self) -> Instant {
        let now = Instant::now();
        let readings = [&self.jobs, &self.releases, &self.application];
        let ends = readings
            .into_iter()
            .filter_map(|reading| reading.disturbed.as_ref());
        let ends = ends.map(|(since, _)| *since + GRACE).filter(|end| *end > now);
        ends.chain(self.again)
            .min()
            .unwrap_or(now + Duration::from_hours(1))
    }

    /// Whether there was something to look at.
    async fn look(&mut self, cluster: &Cluster) -> bool {
        self.again = None;
        let (Some(jobs), Some(releases)) = (self.jobs.believed(), self.releases.believed()) else {
            return false;
        };
        let job = jobs.map(|jobs| jobs.get(BOOTSTRAP_JOB).map(Job::read));
        let mut seen = Observed {
            job,
            releases: releases.map(Release::read_all),
            evidence: None,
            release: self.selected(),
        };
        seen.evidence = self.evidence(cluster, &seen).await;
        let mut next = self.last.after(&seen, &iso_millis(self.setup.clock.now()));
        self.add_excerpt(cluster, &seen, &mut next).await;
        self.tell(next).await;
        if self.last.is_proven() && !self.last.password_removed {
            self.remove_password(cluster).await;
        }
        true
    }

    fn selected(&self) -> Option<String> {
        let version = self.setup.selection()?.selected_release_version;
        (!version.is_empty()).then_some(version)
    }

    /// Looks for what a Job that is gone has left, once the release that brings it is applied.
    async fn evidence(&mut self, cluster: &Cluster, seen: &Observed) -> Option<Evidence> {
        self.looked_back |= matches!(seen.job, Ok(Some(_)));
        let core = seen.releases.as_ref().ok().and_then(|releases| releases.first());
        let is_open = !self.last.is_latched() && core.is_some_and(|core| core.ready);
        let looks_back = self.last.is_latched() && !self.looked_back;
        if seen.job != Ok(None) || !(is_open || looks_back) {
            return None;
        }
        let application = self.application.believed().and_then(Result::ok);
        let application = application.and_then(|live| live.get(APPLICATION));
        // Of Jobs before the one that was seen, events may still be there.
        let was_seen = self.last.is_latched() || self.last.state == BootstrapState::Running;
        let since = self.last.since.parse().ok().filter(|_| was_seen);
        match evidence::find(cluster, since, application.is_some_and(is_available)).await {
            Ok(evidence) => {
                self.looked_back = true;
                evidence
            }
            Err(error) => {
                self.try_again("looking for what the bootstrap Job has left", &error);
                None
            }
        }
    }

    /// The log goes with the pods: it is read whenever another one has failed.
    async fn add_excerpt(&mut self, cluster: &Cluster, seen: &Observed, next: &mut BootstrapRecord) {
        let Ok(Some(job)) = &seen.job else { return };
        let failed = (job.uid.clone(), job.failures);
        let is_new =
            job.failures > 0 && job.end != JobEnd::Complete && self.excerpted.as_ref() != Some(&failed);
        if !is_new || next.is_complete() || next.is_news(job) {
            return;
        }
        let token = self.setup.setup_token();
        match excerpt::read(cluster, BOOTSTRAP_JOB, token.as_deref()).await {
            Ok(Some(read)) => {
                self.excerpted = Some(failed);
                (next.log_excerpt, next.log_pod) = (Some(read.tail), Some(read.pod));
                next.last_error = read.error.or(next.last_error.take());
            }
            Ok(None) => {}
            Err(error) => self.try_again("reading the log of the bootstrap Job", &error),
        }
    }

    async fn tell(&mut self, next: BootstrapRecord) {
        if next.tells_more_than(&self.last) {
            tracing::info!(state = ?next.state, attempts = next.attempts, error = next.last_error, "bootstrap");
            let bootstrap = Box::new(next.clone());
            record(self.recorder, Event::BootstrapObserved { bootstrap }).await;
        }
        self.last = next;
    }

    async fn remove_password(&mut self, cluster: &Cluster) {
        let _lock = self.setup.wait_for_lock(self.recorder).await;
        match password::remove(cluster).await {
            Ok(()) => {
                let next = BootstrapRecord {
                    password_removed: true,
                    at: iso_millis(self.setup.clock.now()),
                    ..self.last.clone()
                };
                self.tell(next).await;
            }
            Err(error) => self.try_again("removing the cleartext password from the cluster", &error),
        }
    }

    fn try_again(&mut self, doing: &str, error: &ClusterError) {
        tracing::warn!(error = chain(error), doing, "tried again soon");
        self.again = Some(Instant::now() + PAUSE);
    }
}
