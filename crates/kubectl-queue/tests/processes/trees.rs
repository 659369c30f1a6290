//! Children that have children.

use std::time::Duration;

use appliance_kubectl_queue::Outcome;

use super::harness::{ended, kill, lives, number_in, reported, run, shell};

/// Long enough for a shell to make its children.
const SHORT: Duration = Duration::from_secs(1);

/// 40 case 40, W-10.
#[tokio::test]
async fn a_grandchild_in_its_own_session_that_holds_the_output_does_not_hold_up_the_result() {
    let finished = run(shell("setsid sleep 600 & echo $!")).await;
    assert!(finished.outcome.ok(), "{finished:?}");
    let grandchild = reported(&finished);
    assert!(lives(grandchild), "the result came only at the grandchild's end");
    kill(grandchild);
}

/// The same with a leader that does not end by itself.
#[tokio::test]
async fn a_grandchild_that_holds_the_output_does_not_hold_up_a_time_out() {
    let finished = run(shell("setsid sleep 600 & echo $!; wait").limit(SHORT)).await;
    assert!(matches!(finished.outcome, Outcome::TimedOut(_)), "{finished:?}");
    let grandchild = reported(&finished);
    assert!(lives(grandchild), "the result came only at the grandchild's end");
    kill(grandchild);
}

#[tokio::test]
async fn a_tree_that_ignores_term_is_killed_whole() {
    let dir = tempfile::tempdir().unwrap();
    let script = "trap '' TERM
        (trap '' TERM; (trap '' TERM; while :; do sleep 0.01; done) & echo $! >deep; wait) &
        echo $! >inner
        wait";
    let finished = run(shell(script).dir(dir.path()).limit(SHORT)).await;
    assert!(matches!(finished.outcome, Outcome::TimedOut(_)), "{finished:?}");
    for name in ["inner", "deep"] {
        ended(number_in(&dir.path().join(name)).await).await;
    }
}

#[tokio::test]
async fn what_a_child_leaves_behind_in_its_group_ends_with_it() {
    let finished = run(shell("sleep 600 >/dev/null 2>&1 & echo $!")).await;
    assert!(finished.outcome.ok(), "{finished:?}");
    ended(reported(&finished)).await;
}

#[tokio::test]
async fn a_child_that_forks_and_whose_pipes_close_late_has_its_own_outcome() {
    let finished = run(shell(
        "(sleep 600 & sleep 600 & sleep 600) & echo out; echo err >&2; exit 7",
    ))
    .await;
    assert!(matches!(finished.outcome, Outcome::Exited(7)), "{finished:?}");
    assert_eq!(
        (finished.stdout.text(), finished.stderr.text()),
        ("out\n".into(), "err\n".into())
    );
}

#[tokio::test]
async fn a_child_leads_a_process_group_of_its_own() {
    let finished = run(shell("read -r _ _ _ _ group _ </proc/$$/stat; echo $$ $group")).await;
    let text = finished.stdout.text();
    let (pid, group) = text.trim().split_once(' ').unwrap();
    assert_eq!(pid, group);
    assert_ne!(group, std::process::id().to_string());
}
