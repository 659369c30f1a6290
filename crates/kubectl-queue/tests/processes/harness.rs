//! Children to test with, and looks at what became of them.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use appliance_kubectl_queue::{Finished, Gate, Launch, Starter};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The program, which is the gate too: the `main` of a test is not ours.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-queue");

/// Longest time a condition may take, and how often it is looked at.
const LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Far longer than any test: what has this limit is ended by something else.
pub(crate) const LONG: Duration = Duration::from_mins(10);

pub(crate) fn starter() -> Starter {
    Starter::new(Gate::at(PROGRAM)).unwrap()
}

/// A script with the usual programs at hand.
pub(crate) fn shell(script: &str) -> Launch {
    Launch::new("/bin/sh")
        .args(["-c", script])
        .env("PATH", "/usr/bin:/bin")
        .limit(LONG)
}

/// Runs a child to its end.
pub(crate) async fn run(launch: Launch) -> Finished {
    starter().start(launch, CancellationToken::new()).finished().await
}

/// The program itself.
#[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
pub(crate) fn program() -> Command {
    Command::new(PROGRAM)
}

/// The program with `options` over a script.
pub(crate) fn script(options: &[&str], script: &str) -> Command {
    let mut command = program();
    command.arg("run").args(options).args(["--", "sh", "-c", script]);
    command
}

/// Waits until `look` has something.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {LIMIT:?}");
        sleep(LOOK_EVERY).await;
    }
}

/// The number in a file, once it is there with its line end.
pub(crate) async fn number_in(file: &Path) -> u32 {
    until(&format!("a number in {}", file.display()), || {
        let text = std::fs::read_to_string(file).ok()?;
        text.strip_suffix('\n')?.parse().ok()
    })
    .await
}

/// Waits until no process has this id any more: it has ended and its status is collected.
pub(crate) async fn collected(pid: u32) {
    until(&format!("the end of {pid}"), || stat(pid).is_none().then_some(())).await;
}

/// Waits until a process has ended. Whether somebody collected its status is not ours to say: it is an orphan.
pub(crate) async fn ended(pid: u32) {
    let zombie = |stat: String| stat.contains(") Z ");
    until(&format!("the end of {pid}"), || {
        stat(pid).is_none_or(zombie).then_some(())
    })
    .await;
}

pub(crate) fn lives(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| !stat.contains(") Z "))
}

fn stat(pid: u32) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()
}

/// The id that a child wrote to its standard output.
pub(crate) fn reported(finished: &Finished) -> u32 {
    finished.stdout.text().trim().parse().unwrap()
}

/// Kills an orphan that a test made on purpose.
pub(crate) fn kill(pid: u32) {
    let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
}
