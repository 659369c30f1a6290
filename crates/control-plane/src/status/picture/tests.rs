use appliance_common::readiness::observed::FluxKind;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn pod(name: &str) -> (String, Result<Pod, String>) {
    let pod = Pod {
        name: name.to_owned(),
        ..Pod::default()
    };
    (format!("n/{name}"), Ok(pod))
}

fn names(picture: &Picture) -> Vec<&str> {
    picture
        .observed
        .cluster
        .pods
        .last
        .known
        .keys()
        .map(String::as_str)
        .collect()
}

fn listed(picture: &mut Picture, pods: &[&str]) {
    picture.show_pods(Shown::Begin);
    picture.show_pods(Shown::Page(pods.iter().map(|name| pod(name)).collect()));
    picture.show_pods(Shown::Done);
}

#[test]
fn what_is_known_stays_until_a_new_list_is_whole() {
    let mut picture = Picture::default();
    listed(&mut picture, &["a", "b"]);
    picture.show_pods(Shown::Begin);
    picture.show_pods(Shown::Page(vec![pod("c")]));
    assert_eq!(names(&picture), ["n/a", "n/b"]);
    picture.show_pods(Shown::Done);
    assert_eq!(names(&picture), ["n/c"]);
}

#[test]
fn an_object_that_cannot_be_understood_is_unclear_and_its_kind_is_current() {
    let mut picture = Picture::default();
    listed(&mut picture, &["a", "b"]);
    picture.show_pods(Shown::Put("n/a".to_owned(), Err("not a pod".to_owned())));
    picture.settle(at(10), Some(at(9)));
    let pods = picture.observed.cluster.pods.current().unwrap();
    assert_eq!(pods.known.keys().collect::<Vec<_>>(), ["n/b"]);
    assert_eq!(pods.unclear["n/a"], "not a pod");
    let (key, back) = pod("a");
    picture.show_pods(Shown::Put(key, back));
    assert!(picture.observed.cluster.pods.last.unclear.is_empty());
    picture.show_pods(Shown::Gone("n/a".to_owned()));
    assert_eq!(names(&picture), ["n/b"]);
}

#[test]
fn while_the_server_is_silent_everything_is_old_and_says_since_when() {
    let mut picture = Picture::default();
    listed(&mut picture, &["a"]);
    picture.settle(at(10), Some(at(9)));
    assert_eq!(picture.observed.cluster.pods.at, Some(at(9)));
    assert_eq!(
        picture.observed.cluster.jobs.trouble.as_ref().unwrap().kind,
        TroubleKind::NotYet
    );
    picture.show_api(Err(("connection refused".to_owned(), at(9))));
    picture.show_api(Err(("timed out".to_owned(), at(30))));
    picture.settle(at(40), Some(at(9)));
    for trouble in [
        picture.observed.cluster.api.current().unwrap_err(),
        picture.observed.cluster.pods.current().unwrap_err(),
        picture.observed.cluster.jobs.current().unwrap_err(),
    ] {
        assert_eq!(
            (trouble.kind, trouble.since),
            (TroubleKind::Unreachable, Some(at(9)))
        );
    }
    let told = |trouble: &Trouble| trouble.message.clone();
    assert_eq!(
        told(picture.observed.cluster.api.current().unwrap_err()),
        "the Kubernetes API server does not answer: timed out"
    );
    assert_eq!(
        told(picture.observed.cluster.pods.current().unwrap_err()),
        "the Kubernetes API server does not answer",
        "the cause is told once"
    );
    assert_eq!(names(&picture), ["n/a"], "the last good answer is kept");
    picture.show_api(Ok(()));
    picture.settle(at(50), Some(at(50)));
    assert!(picture.observed.cluster.api.current().is_ok());
    assert_eq!(picture.observed.cluster.pods.at, Some(at(50)));
    assert_eq!(
        picture.observed.cluster.jobs.trouble.as_ref().unwrap().kind,
        TroubleKind::NotYet
    );
}

#[test]
fn a_kind_that_may_not_be_read_says_so_since_it_was_first_refused_and_recovers() {
    let mut picture = Picture::default();
    let refused = || Shown::Trouble(TroubleKind::Forbidden, "pods: forbidden".to_owned());
    for second in [5, 35] {
        picture.turn_to(at(second));
        picture.show_pods(refused());
    }
    picture.settle(at(40), Some(at(40)));
    let trouble = picture.observed.cluster.pods.current().unwrap_err();
    assert_eq!(
        (trouble.kind, trouble.since),
        (TroubleKind::Forbidden, Some(at(5)))
    );
    listed(&mut picture, &["a"]);
    picture.settle(at(41), Some(at(41)));
    assert!(picture.observed.cluster.pods.current().is_ok());
}

#[test]
fn sources_of_both_kinds_are_shown_together_even_with_one_name() {
    let mut picture = Picture::default();
    let source = |kind: FluxKind| {
        let object = FluxObject {
            kind,
            ..FluxObject::default()
        };
        ("flux-system/x".to_owned(), Ok(object))
    };
    picture.show_oci_repositories(Shown::Begin);
    picture.show_oci_repositories(Shown::Page(vec![source(FluxKind::OciRepository)]));
    picture.show_oci_repositories(Shown::Done);
    picture.settle(at(1), Some(at(1)));
    assert!(
        picture.observed.cluster.sources.current().is_err(),
        "one kind is not read yet"
    );
    picture.show_helm_repositories(Shown::Begin);
    picture.show_helm_repositories(Shown::Page(vec![source(FluxKind::HelmRepository)]));
    picture.show_helm_repositories(Shown::Done);
    picture.settle(at(1), Some(at(1)));
    let sources = picture.observed.cluster.sources.current().unwrap();
    assert_eq!(sources.known["flux-system/x"].kind, FluxKind::OciRepository);
    assert_eq!(
        sources.known["HelmRepository:flux-system/x"].kind,
        FluxKind::HelmRepository
    );
    picture.show_helm_repositories(Shown::Gone("flux-system/x".to_owned()));
    assert_eq!(picture.observed.cluster.sources.last.known.len(), 1);
}

#[test]
fn a_generation_is_dated_by_when_it_was_first_seen() {
    let mut picture = Picture::default();
    let workload = |generation| {
        let workload = Workload {
            generation,
            ..Workload::default()
        };
        ("n/a".to_owned(), Ok(workload))
    };
    let put = |picture: &mut Picture, second, generation| {
        picture.turn_to(at(second));
        let (key, object) = workload(generation);
        picture.show_deployments(Shown::Put(key, object));
        picture.observed.cluster.deployments.last.known["n/a"].generation_seen
    };
    assert_eq!(put(&mut picture, 1, 1), Some(at(1)));
    assert_eq!(put(&mut picture, 5, 1), Some(at(1)));
    assert_eq!(put(&mut picture, 9, 2), Some(at(9)));
    picture.turn_to(at(20));
    picture.show_deployments(Shown::Begin);
    picture.show_deployments(Shown::Page(vec![workload(2)]));
    picture.show_deployments(Shown::Done);
    let seen = picture.observed.cluster.deployments.last.known["n/a"].generation_seen;
    assert_eq!(seen, Some(at(9)), "a new list tells nothing new");
}
