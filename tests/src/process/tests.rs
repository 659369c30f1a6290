use std::io::Read;
use std::time::{Duration, Instant};

use super::*;

fn launch(dir: &Path, script: &str) -> Launch {
    Launch {
        name: "child".into(),
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        env: Vec::new(),
        dir: dir.to_owned(),
    }
}

/// Waits until a process is gone, or is only an entry nobody has collected yet.
fn gone(pid: u32) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if stat.is_empty() || stat.contains(") Z ") {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

/// The pid that the script wrote to its output, once it has.
fn reported_pid(process: &Process) -> u32 {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Ok(pid) = process.output().unwrap().trim().parse() {
            return pid;
        }
        assert!(Instant::now() < deadline, "the child reported nothing");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn dropping_a_process_ends_its_children_too() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(&launch(dir.path(), "sleep 600 & echo $!; wait")).unwrap();
    let (child, grandchild) = (process.id(), reported_pid(&process));
    drop(process);
    assert!(gone(child) && gone(grandchild));
}

#[test]
fn a_paused_process_stands_still_and_can_be_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(&launch(dir.path(), "echo $$; exec sleep 600")).unwrap();
    let pid = reported_pid(&process);
    for _ in 0..3 {
        process.pause().unwrap();
        assert!(
            std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .unwrap()
                .contains(") T ")
        );
        process.resume().unwrap();
    }
    process.pause().unwrap();
    drop(process);
    assert!(gone(pid));
}

#[test]
fn the_guard_ends_the_group_when_our_end_of_its_pipe_closes_as_it_does_when_we_are_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(&launch(dir.path(), "sleep 600 & echo $!; wait")).unwrap();
    let grandchild = reported_pid(&process);
    drop(process.guard.0.stdin.take());
    assert!(!process.child.wait().unwrap().success());
    assert!(gone(grandchild));
}

#[test]
fn a_child_whose_gate_never_opens_does_nothing() {
    let mut child = shell(GATE)
        .args(["/bin/echo", "started"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert_eq!((child.wait().unwrap().code(), output.as_str()), (Some(1), ""));
}

#[test]
fn a_guarded_directory_is_removed_by_its_guard_too() {
    let mut dir = GuardedDir::new("alga-test-").unwrap();
    std::fs::create_dir(dir.path().join("inside")).unwrap();
    drop(dir.guard.0.stdin.take());
    assert!(dir.guard.0.wait().unwrap().success());
    assert!(!dir.path().exists());
}
