//! A box on which everything works, and ways to break it.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::findings::FindingId;
use crate::names::{APPLICATION, BOOTSTRAP_JOB, SERVICES};
use crate::readiness::inventory::{KUSTOMIZATIONS, PARTS};
use crate::readiness::observed::*;
use crate::readiness::wire::{Blocker, ComponentKind};
use crate::readiness::{Verdict, judge};

/// When everything is judged.
pub(super) fn now() -> Timestamp {
    "2026-01-02T12:00:00Z".parse().unwrap()
}

/// So many seconds before.
pub(super) fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub(super) fn condition(kind: &str, status: &str, reason: &str, message: &str, seconds: i64) -> Condition {
    Condition {
        kind: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        since: Some(ago(seconds)),
        observed_generation: None,
    }
}

pub(super) fn objects<T>(items: impl IntoIterator<Item = (String, T)>) -> Reading<Objects<T>> {
    let known = items.into_iter().collect();
    Reading::of(
        Objects {
            known,
            ..Objects::default()
        },
        now(),
    )
}

pub(super) fn workload(name: &str) -> Workload {
    Workload {
        namespace: "msp".to_owned(),
        name: name.to_owned(),
        generation: 2,
        observed_generation: 2,
        desired: 1,
        ready: 1,
        updated: 1,
        available: 1,
        conditions: vec![condition(
            "Available",
            "True",
            "MinimumReplicasAvailable",
            "",
            3600,
        )],
        created: Some(ago(7200)),
        ..Workload::default()
    }
}

pub(super) fn pod(name: &str, owner: (&str, &str)) -> Pod {
    Pod {
        namespace: "msp".to_owned(),
        name: name.to_owned(),
        uid: format!("uid-{name}"),
        owner: Some((owner.0.to_owned(), owner.1.to_owned())),
        node: Some("box".to_owned()),
        phase: "Running".to_owned(),
        created: Some(ago(7200)),
        conditions: vec![condition("Ready", "True", "", "", 3600)],
        containers: vec![Container {
            name: "main".to_owned(),
            image: "ghcr.io/nine-minds/x:1".to_owned(),
            ready: true,
            state: ContainerState::Running {
                since: Some(ago(3600)),
            },
            ..Container::default()
        }],
        ..Pod::default()
    }
}

pub(super) fn flux(kind: FluxKind, namespace: &str, name: &str) -> FluxObject {
    FluxObject {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        generation: 3,
        observed_generation: 3,
        conditions: vec![condition("Ready", "True", "Succeeded", "done", 3600)],
        revision: Some("1.4.1@sha256:aa".to_owned()),
        created: Some(ago(7200)),
        ..FluxObject::default()
    }
}

fn keyed<T>(namespace: &str, name: &str, value: T) -> (String, T) {
    (format!("{namespace}/{name}"), value)
}

fn application_pod() -> Pod {
    let gate = Container {
        name: "wait-for-bootstrap".to_owned(),
        ready: true,
        state: ContainerState::Terminated(Ended::default()),
        ..Container::default()
    };
    Pod {
        init_containers: vec![gate],
        ..pod(
            "alga-core-sebastian-5d8f-x",
            ("ReplicaSet", "alga-core-sebastian-5d8f"),
        )
    }
}

fn healthy_cluster() -> Cluster {
    let parts = |wanted: ComponentKind| {
        let of = PARTS.iter().filter(move |part| part.kind == wanted);
        objects(of.map(|part| keyed("msp", part.name, workload(part.name))))
    };
    let node = Node {
        name: "box".to_owned(),
        conditions: vec![condition("Ready", "True", "KubeletReady", "", 7200)],
        unschedulable: false,
    };
    let in_flux =
        |kind: FluxKind| move |name: &str| keyed("flux-system", name, flux(kind, "flux-system", name));
    let parents = ["alga-appliance"].into_iter().chain(KUSTOMIZATIONS);
    Cluster {
        api: Reading::of((), now()),
        nodes: objects([("box".to_owned(), node)]),
        pods: objects([
            keyed("msp", "db-0", pod("db-0", ("StatefulSet", "db"))),
            keyed("msp", "alga-core-sebastian-5d8f-x", application_pod()),
        ]),
        deployments: parts(ComponentKind::Deployment),
        stateful_sets: parts(ComponentKind::StatefulSet),
        jobs: objects([]),
        claims: objects([keyed(
            "msp",
            "data-db-0",
            Claim {
                namespace: "msp".to_owned(),
                name: "data-db-0".to_owned(),
                phase: "Bound".to_owned(),
                created: Some(ago(7200)),
                ..Claim::default()
            },
        )]),
        sources: objects([
            in_flux(FluxKind::OciRepository)("alga-appliance"),
            in_flux(FluxKind::HelmRepository)("alga-charts"),
        ]),
        kustomizations: objects(parents.map(in_flux(FluxKind::Kustomization))),
        helm_releases: objects(SERVICES.iter().map(|name| {
            keyed(
                "alga-system",
                name,
                flux(FluxKind::HelmRelease, "alga-system", name),
            )
        })),
        events: Reading::of(Vec::new(), now()),
    }
}

/// Case 1: everything works.
pub(super) fn healthy() -> Observed {
    let document = json!({
        "status": "release-config-complete", "phase": "registry-release-source",
        "lastAction": "The release is handed to Flux",
    });
    Observed {
        at: now(),
        install: Install {
            document: Ok(Some(document)),
            is_installed: true,
            editable: false,
            bootstrap: Some(Bootstrap {
                state: BootstrapState::Complete,
                attempts: 1,
                last_error: None,
                log_excerpt: None,
                log_pod: None,
                was_complete: true,
                job_uid: Some("job-1".to_owned()),
                since: Some(ago(3600)),
            }),
            login_url: Some("https://psa.example".to_owned()),
            release: Some("1.4.1".to_owned()),
            ..Install::default()
        },
        cluster: healthy_cluster(),
        login: Some(answered(302, Some("/msp/dashboard"))),
        ..Observed::default()
    }
}

pub(super) fn answered(status: u16, location: Option<&str>) -> LoginProbe {
    LoginProbe {
        url: "https://psa.example".to_owned(),
        at: ago(10),
        outcome: LoginOutcome::Answered {
            status,
            location: location.map(str::to_owned),
        },
        certificate_trusted: Some(true),
    }
}

pub(super) fn silent(cause: &str) -> LoginProbe {
    LoginProbe {
        outcome: LoginOutcome::Silent(cause.to_owned()),
        certificate_trusted: None,
        ..answered(200, None)
    }
}

/// A healthy box, changed.
pub(super) fn with(change: impl FnOnce(&mut Observed)) -> Observed {
    let mut seen = healthy();
    change(&mut seen);
    seen
}

/// A box before its hand-over: a state document, nothing in the cluster.
pub(super) fn early(document: serde_json::Value) -> Observed {
    with(|seen| {
        seen.install = Install {
            document: Ok(Some(document)),
            ..Install::default()
        };
        let nodes = seen.cluster.nodes.clone();
        seen.cluster = Cluster {
            api: Reading::of((), now()),
            nodes,
            pods: objects([]),
            deployments: objects([]),
            stateful_sets: objects([]),
            jobs: objects([]),
            claims: objects([]),
            sources: objects([]),
            kustomizations: objects([]),
            helm_releases: objects([]),
            events: Reading::of(Vec::new(), now()),
        };
        seen.login = None;
    })
}

#[expect(clippy::unnecessary_wraps, reason = "it fills a field that is optional")]
pub(super) fn trouble(kind: TroubleKind) -> Option<Trouble> {
    Some(Trouble {
        kind,
        message: "connection refused".to_owned(),
        since: Some(ago(90)),
    })
}

/// The API server is gone: nothing is current.
pub(super) fn cut_off(seen: &mut Observed) {
    let kind = TroubleKind::Unreachable;
    let cluster = &mut seen.cluster;
    cluster.api.trouble = trouble(kind);
    cluster.nodes.trouble = trouble(kind);
    cluster.pods.trouble = trouble(kind);
    cluster.deployments.trouble = trouble(kind);
    cluster.stateful_sets.trouble = trouble(kind);
    cluster.jobs.trouble = trouble(kind);
    cluster.claims.trouble = trouble(kind);
    cluster.sources.trouble = trouble(kind);
    cluster.kustomizations.trouble = trouble(kind);
    cluster.helm_releases.trouble = trouble(kind);
    cluster.events.trouble = trouble(kind);
}

pub(super) fn deployment<'a>(seen: &'a mut Observed, name: &str) -> &'a mut Workload {
    let key = format!("msp/{name}");
    seen.cluster.deployments.last.known.get_mut(&key).unwrap()
}

pub(super) fn stateful_set<'a>(seen: &'a mut Observed, name: &str) -> &'a mut Workload {
    let key = format!("msp/{name}");
    seen.cluster.stateful_sets.last.known.get_mut(&key).unwrap()
}

pub(super) fn release<'a>(seen: &'a mut Observed, name: &str) -> &'a mut FluxObject {
    let key = format!("alga-system/{name}");
    seen.cluster.helm_releases.last.known.get_mut(&key).unwrap()
}

pub(super) fn kustomization<'a>(seen: &'a mut Observed, name: &str) -> &'a mut FluxObject {
    let key = format!("flux-system/{name}");
    seen.cluster.kustomizations.last.known.get_mut(&key).unwrap()
}

pub(super) fn source<'a>(seen: &'a mut Observed, name: &str) -> &'a mut FluxObject {
    let key = format!("flux-system/{name}");
    seen.cluster.sources.last.known.get_mut(&key).unwrap()
}

/// Nothing of a workload is ready for so long.
pub(super) fn down(workload: &mut Workload, seconds: i64) {
    (workload.ready, workload.available) = (0, 0);
    workload.conditions = vec![condition(
        "Available",
        "False",
        "MinimumReplicasUnavailable",
        "",
        seconds,
    )];
}

/// Adds a pod that is not ready, with one container in this state.
pub(super) fn add_pod(seen: &mut Observed, name: &str, owner: (&str, &str), state: ContainerState) {
    let mut pod = pod(name, owner);
    pod.conditions = vec![condition("Ready", "False", "ContainersNotReady", "", 600)];
    pod.phase = match state {
        ContainerState::Waiting { .. } => "Pending",
        ContainerState::Running { .. } | ContainerState::Terminated(_) | ContainerState::Unknown => "Running",
    }
    .to_owned();
    pod.containers[0].ready = false;
    pod.containers[0].state = state;
    pod.created = Some(ago(600));
    seen.cluster.pods.last.known.insert(format!("msp/{name}"), pod);
}

pub(super) fn waiting(reason: &str, message: &str) -> ContainerState {
    ContainerState::Waiting {
        reason: reason.to_owned(),
        message: message.to_owned(),
    }
}

pub(super) fn event(about: &str, reason: &str, message: &str, seconds: i64) -> Event {
    Event {
        kind: "Warning".to_owned(),
        reason: reason.to_owned(),
        namespace: "msp".to_owned(),
        about_kind: "Pod".to_owned(),
        about_name: about.to_owned(),
        about_uid: format!("uid-{about}"),
        message: message.to_owned(),
        at: Some(ago(seconds)),
        count: 1,
    }
}

pub(super) fn job(uid: &str, condition_kind: Option<&str>) -> (String, Job) {
    let conditions =
        condition_kind.map(|kind| condition(kind, "True", "BackoffLimitExceeded", "gave up", 60));
    let job = Job {
        namespace: "msp".to_owned(),
        name: BOOTSTRAP_JOB.to_owned(),
        uid: uid.to_owned(),
        conditions: conditions.into_iter().collect(),
        created: Some(ago(300)),
        ..Job::default()
    };
    (format!("msp/{BOOTSTRAP_JOB}"), job)
}

#[expect(clippy::unnecessary_wraps, reason = "it fills a field that is optional")]
pub(super) fn latch(state: BootstrapState, uid: &str, excerpt: Option<&str>) -> Option<Bootstrap> {
    Some(Bootstrap {
        state,
        attempts: 7,
        last_error: (state == BootstrapState::Failed).then(|| "BackoffLimitExceeded: gave up".to_owned()),
        log_excerpt: excerpt.map(str::to_owned),
        log_pod: excerpt.map(|_| format!("{BOOTSTRAP_JOB}-x")),
        was_complete: false,
        job_uid: Some(uid.to_owned()),
        since: Some(ago(1000)),
    })
}

pub(super) fn ids(verdict: &Verdict) -> Vec<FindingId> {
    verdict.blockers.iter().map(|blocker| blocker.id).collect()
}

/// The blockers of a changed healthy box.
pub(super) fn blockers(change: impl FnOnce(&mut Observed)) -> Vec<Blocker> {
    judge(&with(change)).blockers
}

/// The application is down and its pod says why.
pub(super) fn application_pod_waits(seen: &mut Observed, state: ContainerState) {
    down(deployment(seen, APPLICATION), 600);
    seen.cluster
        .pods
        .last
        .known
        .remove("msp/alga-core-sebastian-5d8f-x");
    add_pod(
        seen,
        "alga-core-sebastian-77-y",
        ("ReplicaSet", "alga-core-sebastian-77"),
        state,
    );
    seen.login = Some(silent("connection refused"));
}
