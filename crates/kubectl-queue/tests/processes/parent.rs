//! What becomes of a child when whoever started it ends.

use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Duration;

use appliance_kubectl_queue::Outcome;
use tokio_util::sync::CancellationToken;

use super::harness::{ended, lives, number_in, program, script, shell, starter, until};

#[tokio::test]
async fn a_child_dies_when_its_parent_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let endless = "trap '' TERM HUP INT; echo $$ >pid; while :; do sleep 0.01; done";
    let mut parent = script(&[], endless)
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let child = number_in(&dir.path().join("pid")).await;
    assert!(lives(child));
    parent.kill().unwrap();
    parent.wait().unwrap();
    ended(child).await;
}

/// However early it comes: before the fork, between fork and gate, in the gate, in the program.
#[tokio::test]
async fn no_child_outlives_a_parent_that_is_killed_at_any_moment() {
    let mark = format!("outlives-{}", std::process::id());
    for moment in 0..60 {
        let mut parent = script(&[], "while :; do sleep 0.01; done")
            .arg(&mark)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Not a wait for anything: the kill comes at another moment each time.
        std::thread::sleep(Duration::from_micros(200 * moment));
        parent.kill().unwrap();
        parent.wait().unwrap();
    }
    until("the end of all children", || {
        (alive_with(&mark) == 0).then_some(())
    })
    .await;
}

/// How many processes have `mark` for an argument.
fn alive_with(mark: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    lines
        .filter(|line| line.split(|byte| *byte == 0).any(|arg| arg == mark.as_bytes()))
        .count()
}

/// The race between fork and `prctl`, held open: this gate's parent is not the one it was made for.
#[test]
fn a_gate_whose_parent_is_gone_starts_nothing() {
    let gate = |parent: u32| {
        let mut gate = program();
        gate.arg0("kubectl-queue-gate")
            .args([&parent.to_string(), "mark", "/bin/echo", "echo", "started"]);
        gate.output().unwrap()
    };
    let gone = gate(1);
    assert_eq!(
        (gone.status.code(), gone.stdout.as_slice()),
        (Some(127), &b""[..])
    );
    // With the right parent the same gate opens.
    assert_eq!(gate(std::process::id()).stdout, b"started\n");
}

/// The kernel's signal comes at the end of the thread that started the child, so that must not be one of ours.
#[tokio::test]
async fn a_child_outlives_the_thread_that_asked_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let (starter, runtime) = (starter(), tokio::runtime::Handle::current());
    let launch = shell("echo $$ >pid; while [ ! -e go ]; do sleep 0.01; done; echo done").dir(dir.path());
    let asking = std::thread::spawn(move || {
        let _runtime = runtime.enter();
        // The last handle of the starter, too.
        starter.start(launch, CancellationToken::new())
    });
    let child = asking.join().unwrap();
    number_in(&dir.path().join("pid")).await;
    std::fs::File::create(dir.path().join("go")).unwrap();
    let finished = child.finished().await;
    assert!(matches!(finished.outcome, Outcome::Exited(0)), "{finished:?}");
    assert_eq!(finished.stdout.text(), "done\n");
}
