//! How a child ends: by itself, by its deadline, by a cancellation, by being dropped.

use std::time::Duration;

use appliance_kubectl_queue::Outcome;
use tokio_util::sync::CancellationToken;

use super::harness::{LONG, collected, ended, lives, number_in, reported, run, shell, starter};

/// Long enough for a shell to say that it is ready.
const SHORT: Duration = Duration::from_secs(1);

/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

#[tokio::test]
async fn an_exit_code_is_reported_as_it_is() {
    for code in [0, 1, 124, 127, 255] {
        let finished = run(shell(&format!("exit {code}"))).await;
        assert!(
            matches!(finished.outcome, Outcome::Exited(found) if found == code),
            "{finished:?}"
        );
        assert_eq!(finished.outcome.ok(), code == 0);
    }
}

#[tokio::test]
async fn death_by_a_signal_is_never_a_success() {
    // 35 is a real-time signal, which has no name.
    for signal in [6, 9, 15, 35] {
        let finished = run(shell(&format!("kill -{signal} $$"))).await;
        assert!(
            matches!(finished.outcome, Outcome::Signalled(found) if found == signal),
            "{finished:?}"
        );
        assert_eq!((finished.outcome.ok(), finished.outcome.status()), (false, 1));
    }
}

#[tokio::test]
async fn a_child_that_is_late_gets_time_to_clean_up_and_its_last_words_are_kept() {
    let script = "trap 'echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
    let finished = run(shell(script).limit(SHORT)).await;
    assert!(
        matches!(finished.outcome, Outcome::TimedOut(limit) if limit == SHORT),
        "{finished:?}"
    );
    assert_eq!(finished.stdout.text(), "ready\ncleaned\n");
    assert_eq!((finished.outcome.ok(), finished.outcome.status()), (false, 124));
}

/// 40 case 39.
#[tokio::test]
async fn a_child_that_ignores_term_is_killed_two_seconds_later() {
    let script = "trap '' TERM; echo $$; while :; do sleep 0.01; done";
    let finished = run(shell(script).limit(SHORT)).await;
    assert!(matches!(finished.outcome, Outcome::TimedOut(_)), "{finished:?}");
    assert!(finished.took >= SHORT + GRACE, "{finished:?}");
    collected(reported(&finished)).await;
}

#[tokio::test]
async fn a_child_that_is_stopped_ends_too() {
    let finished = run(shell("trap 'echo woken; exit' TERM; kill -STOP $$").limit(SHORT)).await;
    assert!(matches!(finished.outcome, Outcome::TimedOut(_)), "{finished:?}");
    assert_eq!(finished.stdout.text(), "woken\n");
}

#[tokio::test]
async fn a_cancelled_child_gets_time_to_clean_up() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let script = "trap 'echo cleaned; exit 3' TERM; echo $$ >pid; while :; do sleep 0.01; done";
    let child = starter().start(shell(script).dir(dir.path()), cancel.clone());
    number_in(&dir.path().join("pid")).await;
    cancel.cancel();
    let finished = child.finished().await;
    assert!(matches!(finished.outcome, Outcome::Cancelled), "{finished:?}");
    assert_eq!(
        (finished.outcome.status(), finished.stdout.text().as_str()),
        (499, "cleaned\n")
    );
}

/// 40 case 42, its first half.
#[tokio::test]
async fn what_is_cancelled_before_it_starts_is_never_started() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let finished = starter()
        .start(shell("touch started").dir(dir.path()), cancel)
        .finished()
        .await;
    assert!(matches!(finished.outcome, Outcome::Cancelled), "{finished:?}");
    assert!(!dir.path().join("started").exists());
}

/// 40 case 42, its second half: the deadline passes while the cancelled child is given time.
#[tokio::test]
async fn cancelled_and_then_late_is_cancelled() {
    let dir = tempfile::tempdir().unwrap();
    let cancel = CancellationToken::new();
    let limit = Duration::from_secs(2);
    let script = "trap '' TERM; echo $$ >pid; while :; do sleep 0.01; done";
    let child = starter().start(shell(script).dir(dir.path()).limit(limit), cancel.clone());
    number_in(&dir.path().join("pid")).await;
    cancel.cancel();
    let finished = child.finished().await;
    assert!(
        finished.took >= limit,
        "the deadline has not passed: {finished:?}"
    );
    assert_eq!(finished.outcome.status(), 499, "{finished:?}");
}

#[tokio::test]
async fn a_dropped_child_is_killed_with_its_group_and_collected() {
    let dir = tempfile::tempdir().unwrap();
    let script = "trap '' TERM; (exec sleep 600) & echo $! >inner; echo $$ >pid; wait";
    let child = starter().start(shell(script).dir(dir.path()), CancellationToken::new());
    let leader = number_in(&dir.path().join("pid")).await;
    let inner = number_in(&dir.path().join("inner")).await;
    assert!(lives(leader) && lives(inner));
    drop(child);
    collected(leader).await;
    ended(inner).await;
}

#[tokio::test]
async fn a_child_whose_end_nobody_waits_for_any_more_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let child = starter().start(
        shell("echo $$ >pid; exec sleep 600").dir(dir.path()),
        CancellationToken::new(),
    );
    let waiting = tokio::spawn(child.finished());
    let pid = number_in(&dir.path().join("pid")).await;
    waiting.abort();
    collected(pid).await;
}

#[test]
fn the_end_of_the_runtime_is_the_end_of_its_children() {
    let dir = tempfile::tempdir().unwrap();
    let build = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let runtime = build();
    // Kept, so that it is not the end of its thread that kills them.
    let starter = starter();
    let (child, pid) = runtime.block_on(async {
        let launch = shell("echo $$ >pid; exec sleep 600").dir(dir.path()).limit(LONG);
        let child = starter.start(launch, CancellationToken::new());
        (child, number_in(&dir.path().join("pid")).await)
    });
    drop(runtime);
    build().block_on(collected(pid));
    let finished = build().block_on(child.finished());
    assert!(matches!(finished.outcome, Outcome::Unknown(_)), "{finished:?}");
}
