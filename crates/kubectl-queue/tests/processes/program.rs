//! The program that operators' scripts call.

use std::io::Write;
use std::process::{Output, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Value;

use super::harness::{number_in, program, script};

/// Its exit code and the JSON it printed, which is one line.
fn finished(output: &Output) -> (Option<i32>, Value) {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert_eq!(text.lines().count(), 1, "{output:?}");
    (output.status.code(), serde_json::from_str(text).unwrap())
}

#[test]
fn a_result_is_one_line_of_json_and_the_exit_code_is_the_programs_own() {
    let output = script(&[], "echo out; echo err >&2; exit 3").output().unwrap();
    let (code, result) = finished(&output);
    assert_eq!(code, Some(3));
    assert_eq!(
        (&result["ok"], &result["status"], &result["outcome"]),
        (&false.into(), &3.into(), &"exited".into())
    );
    assert_eq!(
        (&result["stdout"], &result["stderr"]),
        (&"out\n".into(), &"err\n".into())
    );
    assert_eq!((&result["queue"], &result["id"]), (&"kubectl".into(), &1.into()));
    assert_eq!(result["command"], "sh -c 'echo out; echo err >&2; exit 3'");
}

#[test]
fn every_other_end_has_the_exit_code_that_help_promises() {
    let help = program().args(["run", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let missing = &["run", "--", "/no/such/program"][..];
    for (arguments, code, outcome) in [
        (&["run", "--", "sh", "-c", "exit 0"][..], 0, "exited"),
        (&["run", "--", "sh", "-c", "kill -9 $$"], 1, "signalled"),
        (
            &["run", "--timeout-ms", "300", "--", "sleep", "600"],
            124,
            "timed_out",
        ),
        (&["run", "--", "/etc/passwd"], 126, "not_started"),
        (missing, 127, "not_started"),
    ] {
        let (found, result) = finished(&program().args(arguments).output().unwrap());
        assert_eq!(
            (found, &result["outcome"]),
            (Some(code), &outcome.into()),
            "{arguments:?}"
        );
        assert!(code == 0 || help.contains(&code.to_string()), "{code}: {help}");
    }
}

#[test]
fn a_wrong_command_line_runs_nothing_and_says_how_it_is_right() {
    for arguments in [
        &[][..],
        &["run"],
        &["run", "true"],
        &["run", "--timeout-ms", "x", "--", "true"],
    ] {
        let output = program().args(arguments).output().unwrap();
        assert_eq!(
            (output.status.code(), output.stdout.len()),
            (Some(2), 0),
            "{output:?}"
        );
    }
    let version = program().arg("--version").output().unwrap();
    assert!(version.status.success() && version.stdout.starts_with(b"kubectl-queue "));
}

#[tokio::test]
async fn a_stop_signal_cancels_the_command_and_there_is_a_result() {
    for (signal, name) in [
        (Signal::SIGTERM, "term"),
        (Signal::SIGINT, "int"),
        (Signal::SIGHUP, "hup"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let child = script(
            &[],
            "trap 'echo cleaned; exit' TERM; echo $$ >pid; while :; do sleep 0.01; done",
        )
        .current_dir(dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        number_in(&dir.path().join("pid")).await;
        nix::sys::signal::kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        let (code, result) = finished(&child.wait_with_output().unwrap());
        assert_eq!(
            (code, &result["status"]),
            (Some(130), &499.into()),
            "{name}: {result}"
        );
        assert_eq!(result["stdout"], "cleaned\n", "{name}");
    }
}

#[test]
fn runs_that_name_the_same_lock_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..6)
        .map(|_| {
            let mut command = script(
                &["--lock", "lock"],
                "mkdir busy || exit 9; sleep 0.02; rmdir busy",
            );
            command.current_dir(dir.path()).stdout(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for child in children {
        let (code, result) = finished(&child.wait_with_output().unwrap());
        assert_eq!(code, Some(0), "{result}");
    }
}

#[tokio::test]
async fn the_wait_for_the_lock_is_within_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let mut holder = script(&["--lock", "lock"], "echo $$ >pid; exec sleep 600");
    let mut holder = holder
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    number_in(&dir.path().join("pid")).await;
    let mut late = script(&["--lock", "lock", "--timeout-ms", "300"], "touch started");
    let (code, result) = finished(&late.current_dir(dir.path()).output().unwrap());
    assert_eq!(
        (code, &result["outcome"]),
        (Some(124), &"timed_out".into()),
        "{result}"
    );
    assert!(!dir.path().join("started").exists());
    holder.kill().unwrap();
    holder.wait().unwrap();
    let mut unusable = script(&["--lock", "none/lock"], "touch started");
    let output = unusable.current_dir(dir.path()).output().unwrap();
    assert_eq!(
        (output.status.code(), output.stdout.len()),
        (Some(1), 0),
        "{output:?}"
    );
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("none/lock"),
        "{output:?}"
    );
}

#[test]
fn only_named_variables_and_asked_for_input_are_handed_over() {
    let mut command = script(&["--env", "ASKED", "--stdin"], "cat; echo $ASKED-$OTHER");
    command.env("ASKED", "asked").env("OTHER", "other");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"canary\n").unwrap();
    let (_, result) = finished(&child.wait_with_output().unwrap());
    assert_eq!(result["stdout"], "canary\nasked-\n");

    let mut command = script(&[], "cat");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(b"canary\n");
    let (_, result) = finished(&child.wait_with_output().unwrap());
    assert_eq!(result["stdout"], "");
}

#[test]
fn the_cap_keeps_the_end_when_that_is_asked_for() {
    let output = script(&["--cap-bytes", "1024", "--keep", "tail"], "seq 1 10000")
        .output()
        .unwrap();
    let (_, result) = finished(&output);
    assert_eq!(
        (&result["truncated"], &result["stdoutBytes"]),
        (&true.into(), &48_894.into())
    );
    assert!(result["stdout"].as_str().unwrap().ends_with("9999\n10000\n"));
}
