//! How long a server may be silent, on a clock that is turned by hand.

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::AtomicUsize;

use http::{Request, Response};
use kube::client::Body;
use tower::service_fn;

use super::*;

/// An API server that takes every question and answers none; and how many it took.
fn mute() -> (Cluster, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let service = service_fn(move |_: Request<Body>| {
        count.fetch_add(1, Ordering::Relaxed);
        pending::<Result<Response<Body>, Infallible>>()
    });
    let client = kube::Client::new(service, "default");
    (Cluster::new(client, ASK_LIMIT, Arc::default()), asked)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_asked_soon_and_sooner_where_leases_beat() {
    for (beats, patience) in [(true, BEATS_MISSED), (false, NOTHING_HEARD)] {
        let (cluster, asked) = mute();
        let link = Link::new();
        link.sign();
        if beats {
            link.beat();
        }
        let began = Instant::now();
        let cause = link.watch_over(&cluster).await;
        assert_eq!(
            began.elapsed().as_secs(),
            (patience + ASK_LIMIT).as_secs(),
            "{cause}"
        );
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_has_the_server_asked_at_once() {
    let (cluster, _) = mute();
    let link = Link::new();
    link.sign();
    link.suspect();
    let began = Instant::now();
    let cause = link.watch_over(&cluster).await;
    assert_eq!(began.elapsed().as_secs(), ASK_LIMIT.as_secs());
    assert!(cause.contains("no answer within 5 s"), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn while_signs_of_life_come_nobody_is_asked() {
    let (cluster, asked) = mute();
    let link = Link::new();
    link.sign();
    link.beat();
    let beating = async {
        for _ in 0..360 {
            sleep(Duration::from_secs(10)).await;
            link.sign();
            link.beat();
        }
    };
    tokio::select! {
        cause = link.watch_over(&cluster) => panic!("{cause}"),
        () = beating => {}
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0);
}
