//! Commands that take turns.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use appliance_kubectl_queue::{DEPTH, Entry, Event, Lane, Launch, Queue, QueueResult, READS_AT_ONCE};
use tokio_util::sync::CancellationToken;

use super::harness::{LONG, kill, lives, number_in, shell, starter, until};

fn queue() -> Queue {
    Queue::new("kubectl", starter())
}

fn change(queue: &Queue, launch: Launch) -> Entry {
    queue.submit(Lane::Change, launch, CancellationToken::new())
}

fn read(queue: &Queue, launch: Launch) -> Entry {
    queue.submit(Lane::Read, launch, CancellationToken::new())
}

/// Runs until somebody ends it; says who it is in the file `pid`.
fn hanging(dir: &Path) -> Launch {
    shell("echo $$ >pid; exec sleep 600").dir(dir)
}

async fn next_works(queue: &Queue) {
    let result = change(queue, shell("echo next")).result().await;
    assert_eq!(
        (result.ok, result.stdout.as_str()),
        (true, "next\n"),
        "{result:?}"
    );
}

/// 40 case 37.
#[tokio::test]
async fn of_two_changes_the_second_starts_when_the_first_is_done() {
    let queue = queue();
    let mut events = queue.events();
    let first = change(&queue, shell("sleep 0.2"));
    let second = change(&queue, shell("true"));
    let (first, second) = (first.result().await, second.result().await);
    assert!(first.ok && second.ok, "{first:?} {second:?}");
    assert!(second.queued_ms >= 150, "{second:?}");
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(match event {
            Event::Started { id, .. } => format!("start{id}"),
            Event::Done(result) => format!("done{}", result.id),
        });
    }
    assert_eq!(told, ["start1", "done1", "start2", "done2"]);
}

/// 40 case 40, its end.
#[tokio::test]
async fn after_one_whose_pipes_stay_open_the_next_command_runs() {
    let queue = queue();
    let limit = Duration::from_secs(1);
    let result = change(&queue, shell("setsid sleep 600 & echo $!; wait").limit(limit))
        .result()
        .await;
    assert_eq!((result.status, result.outcome), (124, "timed_out"), "{result:?}");
    assert!(
        result.stderr.contains("Command timed out after 1000ms"),
        "{result:?}"
    );
    next_works(&queue).await;
    kill(result.stdout.trim().parse().unwrap());
}

/// 40 case 41.
#[tokio::test]
async fn after_one_that_cannot_be_started_the_next_command_runs() {
    let queue = queue();
    for launch in [
        shell("true").args(["x".repeat(200 * 1024)]),
        shell("true").args(["a\0b"]),
        Launch::new("/no/such/binary"),
    ] {
        let result = change(&queue, launch).result().await;
        assert_eq!(
            (result.ok, result.status, result.outcome),
            (false, 1, "not_started"),
            "{result:?}"
        );
        assert!(result.stderr.starts_with("starting "), "{}", result.stderr);
        next_works(&queue).await;
    }
}

/// 40 case 42.
#[tokio::test]
async fn a_cancelled_command_is_499_and_its_child_never_was() {
    let (queue, dir) = (queue(), tempfile::tempdir().unwrap());
    let mut events = queue.events();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let launch = shell("touch started").dir(dir.path());
    let result = queue.submit(Lane::Change, launch, cancel).result().await;
    assert_eq!((result.status, result.outcome), (499, "cancelled"), "{result:?}");
    assert!(result.stderr.contains("cancelled"), "{result:?}");
    assert!(!dir.path().join("started").exists());
    assert!(
        matches!(events.try_recv(), Ok(Event::Done(_))),
        "it is not told to have started"
    );
    next_works(&queue).await;
}

#[tokio::test]
async fn a_command_that_is_cancelled_while_it_waits_is_never_started() {
    let (queue, dir) = (queue(), tempfile::tempdir().unwrap());
    let first = change(&queue, hanging(dir.path()));
    number_in(&dir.path().join("pid")).await;
    let cancel = CancellationToken::new();
    let second = queue.submit(
        Lane::Change,
        shell("touch started").dir(dir.path()),
        cancel.clone(),
    );
    cancel.cancel();
    assert_eq!(second.result().await.status, 499);
    drop(first);
    next_works(&queue).await;
    assert!(!dir.path().join("started").exists());
}

/// W-7.
#[tokio::test]
async fn a_change_never_waits_for_reads_and_no_more_than_three_reads_run() {
    let queue = queue();
    let dirs: Vec<_> = (0..READS_AT_ONCE).map(|_| tempfile::tempdir().unwrap()).collect();
    let reads: Vec<_> = dirs.iter().map(|dir| read(&queue, hanging(dir.path()))).collect();
    for dir in &dirs {
        number_in(&dir.path().join("pid")).await;
    }
    let mut events = queue.events();
    let waiting = read(&queue, shell("true"));
    next_works(&queue).await;
    while let Ok(event) = events.try_recv() {
        assert!(
            !matches!(event, Event::Started { id, .. } if id == waiting.id()),
            "a fourth read runs"
        );
    }
    drop(reads);
    assert!(waiting.result().await.ok);
}

#[tokio::test]
async fn changes_are_strictly_serial() {
    let (queue, dir) = (queue(), tempfile::tempdir().unwrap());
    let script = "mkdir busy || exit 9; sleep 0.01; rmdir busy";
    let entries: Vec<_> = (0..20)
        .map(|_| change(&queue, shell(script).dir(dir.path())))
        .collect();
    for entry in entries {
        let result = entry.result().await;
        assert!(result.ok, "{result:?}: {}", result.stderr);
    }
}

#[tokio::test]
async fn what_finds_its_lane_full_is_refused_at_once() {
    let (queue, dir) = (queue(), tempfile::tempdir().unwrap());
    let entries: Vec<_> = (0..=DEPTH).map(|_| change(&queue, hanging(dir.path()))).collect();
    let refused = change(&queue, shell("true")).result().await;
    assert_eq!(
        (refused.ok, refused.outcome),
        (false, "queue_full"),
        "{refused:?}"
    );
    assert_eq!(refused.id, entries.len() as u64 + 1);
    assert!(refused.stderr.contains("try again"), "{refused:?}");
    assert!(
        read(&queue, shell("true")).result().await.ok,
        "the other lane is full too"
    );
    drop(entries);
    // They leave as the runtime comes to them.
    let room = async { while change(&queue, shell("true")).result().await.outcome == "queue_full" {} };
    tokio::time::timeout(LONG, room).await.unwrap();
}

#[tokio::test]
async fn the_limit_counts_from_the_moment_it_was_asked_for() {
    let (queue, dir) = (queue(), tempfile::tempdir().unwrap());
    let first = change(&queue, hanging(dir.path()));
    let launch = shell("touch started")
        .dir(dir.path())
        .limit(Duration::from_millis(300));
    let late = change(&queue, launch).result().await;
    assert_eq!((late.status, late.outcome), (124, "timed_out"), "{late:?}");
    assert!(
        late.queued_ms >= 300 && late.stderr.contains("timed out after 300ms"),
        "{late:?}"
    );
    drop(first);
    next_works(&queue).await;
    assert!(!dir.path().join("started").exists());
}

#[tokio::test]
async fn the_next_change_starts_only_when_a_dropped_one_is_gone() {
    let (queue, dir) = (queue(), tempfile::tempdir().unwrap());
    let first = change(
        &queue,
        shell("trap '' TERM; echo $$ >pid; while :; do sleep 0.01; done").dir(dir.path()),
    );
    let pid = number_in(&dir.path().join("pid")).await;
    let second = change(&queue, shell("! kill -0 $(cat pid) 2>/dev/null").dir(dir.path()));
    drop(first);
    let second = second.result().await;
    assert!(second.ok, "{second:?}");
    assert!(!lives(pid));
}

#[tokio::test]
async fn input_and_secrets_in_arguments_are_in_no_result() {
    let queue = queue();
    let launch = shell("cat >/dev/null; echo done")
        .args(["--token=canary-a"])
        .stdin("canary-b");
    let result = change(&queue, launch).result().await;
    let text = serde_json::to_string(&*result).unwrap();
    assert!(result.ok && !text.contains("canary"), "{text}");
    assert!(!format!("{queue:?} {result:?}").contains("canary"));
}

#[tokio::test]
async fn nobody_has_to_listen_and_a_listener_that_goes_away_harms_nobody() {
    let queue = queue();
    drop(queue.events());
    next_works(&queue).await;
    let results: Vec<Arc<QueueResult>> = {
        let slow = queue.events();
        let result = change(&queue, shell("true")).result().await;
        until("two events", || (slow.len() == 2).then_some(())).await;
        vec![result]
    };
    assert!(results[0].ok);
    assert_eq!(change(&queue, shell("true").limit(LONG)).id(), 3);
}
