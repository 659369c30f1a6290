//! A law: what is said depends on what there is, not on the order in which the watches tell of it.
//!
//! Each object has a history, which its watch tells in its order; how the histories of different objects
//! come between each other is anybody's guess, and so is whether a watch tells them or a list.

use appliance_common::names::{APPLICATION, BOOTSTRAP_JOB};
use appliance_common::readiness::observed::{
    Condition, Container, ContainerState, FluxKind, Install, LoginOutcome, LoginProbe,
};
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::super::board;
use super::*;

/// Objects of the law: kind, namespace, name.
const OBJECTS: [(Kind, &str, &str); 18] = [
    (Kind::Node, "", "box"),
    (Kind::StatefulSet, "msp", "db"),
    (Kind::StatefulSet, "msp", "redis"),
    (Kind::Deployment, "msp", "pgbouncer"),
    (Kind::Deployment, "msp", APPLICATION),
    (Kind::Deployment, "msp", "temporal"),
    (Kind::Pod, "msp", "db-0"),
    (Kind::Pod, "msp", "temporal-5f-x"),
    (Kind::Job, "msp", BOOTSTRAP_JOB),
    (Kind::Claim, "msp", "data-db-0"),
    (Kind::Release, "alga-system", "alga-core"),
    (Kind::Release, "alga-system", "temporal"),
    (Kind::Kustomization, "flux-system", "alga-platform"),
    (Kind::OciRepository, "flux-system", "alga-appliance"),
    (Kind::HelmRepository, "flux-system", "alga-appliance"),
    (Kind::HelmRepository, "flux-system", "alga-charts"),
    (Kind::Event, "msp", "db-0.1"),
    (Kind::Event, "msp", "db-0.2"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Node,
    StatefulSet,
    Deployment,
    Pod,
    Job,
    Claim,
    Release,
    Kustomization,
    OciRepository,
    HelmRepository,
    Event,
}

/// What a watch tells of an object at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Gone,
    Unclear,
    /// As it is then; the number makes it differ.
    Is(u8),
}

fn now() -> Timestamp {
    Timestamp::from_second(1_000_000).unwrap()
}

fn ago(seconds: u8) -> Timestamp {
    now() - jiff::SignedDuration::from_secs(i64::from(seconds) * 100)
}

fn conditions(kind: &str, number: u8) -> Vec<Condition> {
    vec![Condition {
        kind: kind.to_owned(),
        status: ["True", "False", "Unknown"][usize::from(number % 3)].to_owned(),
        reason: "Progressing".to_owned(),
        since: Some(ago(number)),
        ..Condition::default()
    }]
}

fn workload(namespace: &str, name: &str, number: u8) -> Workload {
    let ready = i32::from(number % 2);
    Workload {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        generation: i64::from(number),
        observed_generation: i64::from(number),
        desired: 1,
        ready,
        available: ready,
        conditions: conditions("Available", 1 - number % 2),
        ..Workload::default()
    }
}

fn pod_of(namespace: &str, name: &str, number: u8) -> Pod {
    let owner = match name.rsplit_once('-') {
        Some((set, "0")) => ("StatefulSet", set),
        Some((set, _)) => ("ReplicaSet", set),
        None => ("Pod", name),
    };
    let state = match number % 3 {
        0 => ContainerState::Running { since: None },
        1 => ContainerState::Waiting {
            reason: "CrashLoopBackOff".to_owned(),
            message: String::new(),
        },
        _ => ContainerState::Waiting {
            reason: "ErrImagePull".to_owned(),
            message: "not found".to_owned(),
        },
    };
    Pod {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        owner: Some((owner.0.to_owned(), owner.1.to_owned())),
        phase: "Running".to_owned(),
        conditions: conditions("Ready", number),
        containers: vec![Container {
            name: "main".to_owned(),
            restarts: u32::from(number),
            state,
            ..Container::default()
        }],
        ..Pod::default()
    }
}

fn flux(kind: FluxKind, namespace: &str, name: &str, number: u8) -> FluxObject {
    FluxObject {
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        generation: 1 + i64::from(number % 2),
        observed_generation: 1,
        conditions: conditions("Ready", number),
        ..FluxObject::default()
    }
}

/// What is shown of an object of type `T`.
fn shown<T>(key: String, told: Told, make: impl FnOnce(u8) -> T) -> Shown<T> {
    match told {
        Told::Gone => Shown::Gone(key),
        Told::Unclear => Shown::Put(key, Err("odd".to_owned())),
        Told::Is(number) => Shown::Put(key, Ok(make(number))),
    }
}

fn show(picture: &mut Picture, object: usize, told: Told) {
    let (kind, namespace, name) = OBJECTS[object];
    let key = if namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}/{name}")
    };
    let of = |kind: FluxKind| move |number| flux(kind, namespace, name, number);
    match kind {
        Kind::Node => picture.show_nodes(shown(key, told, |number| Node {
            name: name.to_owned(),
            conditions: conditions("Ready", number),
            unschedulable: false,
        })),
        Kind::StatefulSet => {
            picture.show_stateful_sets(shown(key, told, |number| workload(namespace, name, number)));
        }
        Kind::Deployment => {
            picture.show_deployments(shown(key, told, |number| workload(namespace, name, number)));
        }
        Kind::Pod => picture.show_pods(shown(key, told, |number| pod_of(namespace, name, number))),
        Kind::Job => picture.show_jobs(shown(key, told, |number| Job {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: number.to_string(),
            conditions: conditions(["Complete", "Failed"][usize::from(number % 2)], 0),
            ..Job::default()
        })),
        Kind::Claim => picture.show_claims(shown(key, told, |number| Claim {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            phase: ["Bound", "Pending", "Lost"][usize::from(number % 3)].to_owned(),
            created: Some(ago(number)),
            ..Claim::default()
        })),
        Kind::Release => picture.show_helm_releases(shown(key, told, of(FluxKind::HelmRelease))),
        Kind::Kustomization => picture.show_kustomizations(shown(key, told, of(FluxKind::Kustomization))),
        Kind::OciRepository => picture.show_oci_repositories(shown(key, told, of(FluxKind::OciRepository))),
        Kind::HelmRepository => {
            picture.show_helm_repositories(shown(key, told, of(FluxKind::HelmRepository)));
        }
        Kind::Event => picture.show_events(shown(key, told, |number| Event {
            kind: "Warning".to_owned(),
            reason: "Failed".to_owned(),
            namespace: namespace.to_owned(),
            about_kind: "Pod".to_owned(),
            about_name: "db-0".to_owned(),
            message: format!("failed to pull, {name}: {number}"),
            // Two events of one second.
            at: Some(ago(number / 2)),
            count: 1,
            ..Event::default()
        })),
    }
}

/// A box that is installed, whose watches are all open and have shown nothing yet.
fn opened() -> Picture {
    fn open<T>(picture: &mut Picture, show: fn(&mut Picture, Shown<T>)) {
        for shown in [Shown::Begin, Shown::Done, Shown::Open] {
            show(picture, shown);
        }
    }
    let mut picture = Picture::default();
    picture.turn_to(now());
    picture.show_api(Ok(()));
    picture.settle(now(), Some(now()));
    open(&mut picture, Picture::show_nodes);
    open(&mut picture, Picture::show_pods);
    open(&mut picture, Picture::show_deployments);
    open(&mut picture, Picture::show_stateful_sets);
    open(&mut picture, Picture::show_jobs);
    open(&mut picture, Picture::show_claims);
    open(&mut picture, Picture::show_oci_repositories);
    open(&mut picture, Picture::show_helm_repositories);
    open(&mut picture, Picture::show_kustomizations);
    open(&mut picture, Picture::show_helm_releases);
    open(&mut picture, Picture::show_events);
    picture.show_login(Some(LoginProbe {
        url: "https://psa.example".to_owned(),
        at: now(),
        outcome: LoginOutcome::Answered {
            status: 200,
            location: None,
        },
        certificate_trusted: Some(true),
    }));
    picture.observed.install = Install {
        is_installed: true,
        login_url: Some("https://psa.example".to_owned()),
        ..Install::default()
    };
    picture
}

/// The document after these histories, of which each object's next word comes whenever `order` names it.
fn document(histories: &[Vec<Told>], order: &[usize]) -> Map<String, Value> {
    let mut picture = opened();
    let mut next = vec![0; histories.len()];
    for &object in order {
        show(&mut picture, object, histories[object][next[object]]);
        next[object] += 1;
    }
    picture.settle(now(), Some(now()));
    board::keys(&picture).0.unwrap()
}

fn told() -> impl Strategy<Value = Told> {
    prop_oneof![
        1 => Just(Told::Gone),
        1 => Just(Told::Unclear),
        6 => (0..6_u8).prop_map(Told::Is),
    ]
}

/// The history of each object, and an order in which they are told.
fn histories() -> impl Strategy<Value = (Vec<Vec<Told>>, Vec<usize>)> {
    prop::collection::vec(prop::collection::vec(told(), 0..4), OBJECTS.len()).prop_flat_map(|histories| {
        let words = histories.iter().enumerate();
        let order: Vec<usize> = words
            .flat_map(|(object, history)| vec![object; history.len()])
            .collect();
        (Just(histories), Just(order).prop_shuffle())
    })
}

proptest! {
    #[test]
    fn the_order_in_which_watches_tell_does_not_change_what_is_said((histories, order) in histories()) {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        prop_assert_eq!(document(&histories, &order), document(&histories, &sorted));
    }

    /// Whoever sees only how it came out, as a list shows it, says the same as whoever saw it come about.
    #[test]
    fn a_list_tells_what_the_watch_has_told((histories, order) in histories()) {
        let last: Vec<Vec<Told>> = histories
            .iter()
            .map(|history| history.last().copied().into_iter().collect())
            .collect();
        let once: Vec<usize> = (0..last.len()).filter(|object| !last[*object].is_empty()).collect();
        prop_assert_eq!(document(&histories, &order), document(&last, &once));
    }
}

#[test]
fn the_documents_of_the_law_differ_where_the_objects_do() {
    let histories = |number| vec![vec![Told::Is(number)]; OBJECTS.len()];
    let order: Vec<usize> = (0..OBJECTS.len()).collect();
    assert_ne!(document(&histories(0), &order), document(&histories(1), &order));
}
