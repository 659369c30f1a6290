//! Programs that cannot be started. Case 41 of 40 as far as it is about one child; `queue.rs` has its rest.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use appliance_kubectl_queue::{Gate, Launch, Outcome, Starter};
use tokio_util::sync::CancellationToken;

use super::harness::{run, shell};

/// What the result says of a program that must not start, as one text.
async fn error(launch: Launch) -> String {
    let finished = run(launch).await;
    let Outcome::NotStarted(error) = &finished.outcome else {
        panic!("it was started: {finished:?}");
    };
    assert_eq!((finished.outcome.ok(), finished.outcome.status()), (false, 1));
    assert_eq!(
        (finished.stdout.seen(), finished.stderr.seen()),
        (0, 0),
        "{finished:?}"
    );
    error.to_string()
}

fn executable(dir: &Path, content: &[u8]) -> PathBuf {
    let file = dir.join("program");
    fs::File::create(&file).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    appliance_common::state_file::replace(&file, content, 0o755).unwrap();
    file
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named_with_where_it_was_looked_for() {
    let message = error(Launch::new("no-such-program").env("PATH", "/usr/bin:/opt/none")).await;
    for part in [
        "no-such-program",
        "/usr/bin/no-such-program",
        "/opt/none/no-such-program",
        "install it",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_program_is_named_with_what_to_do() {
    assert!(error(Launch::new("/etc/passwd")).await.contains("chmod +x"));
    let dir = tempfile::tempdir().unwrap();
    let garbage = executable(dir.path(), b"\x00\x01 no program");
    assert!(
        error(Launch::new(garbage))
            .await
            .contains("no program for this machine")
    );
}

#[tokio::test]
async fn a_script_without_its_interpreter_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let script = executable(dir.path(), b"#!/no/such/interpreter\n");
    let message = error(Launch::new(script)).await;
    assert!(
        message.contains("interpreter") && message.contains("missing"),
        "{message}"
    );
}

#[tokio::test]
async fn a_working_directory_that_is_not_there_is_named() {
    assert!(
        error(shell("true").dir("/no/such/directory"))
            .await
            .contains("/no/such/directory")
    );
}

#[tokio::test]
async fn an_argument_that_is_too_long_says_where_to_put_it() {
    let message = error(shell("true").args(["x".repeat(200 * 1024)])).await;
    assert!(
        message.contains("/bin/sh") && message.contains("standard input"),
        "{message}"
    );
    assert!(message.len() < 1000, "{} bytes", message.len());
}

#[tokio::test]
async fn a_zero_byte_is_refused_by_name() {
    assert!(error(shell("true").args(["a\0b"])).await.contains("zero byte"));
}

#[tokio::test]
async fn a_gate_that_is_not_there_is_what_is_named() {
    let starter = Starter::new(Gate::at("/no/such/gate")).unwrap();
    let finished = starter
        .start(shell("true"), CancellationToken::new())
        .finished()
        .await;
    let Outcome::NotStarted(error) = &finished.outcome else {
        panic!("it was started: {finished:?}");
    };
    assert!(error.to_string().contains("/no/such/gate"), "{error}");
}

#[tokio::test]
async fn a_program_that_ends_like_a_gate_that_stayed_closed_has_its_own_outcome() {
    let finished = run(shell("echo 00000000000000000000000000000000 2 >&2; exit 127")).await;
    assert!(matches!(finished.outcome, Outcome::Exited(127)), "{finished:?}");
    assert_eq!(finished.stderr.text(), "00000000000000000000000000000000 2\n");
}
