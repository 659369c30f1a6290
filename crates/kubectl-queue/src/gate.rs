//! The gate: between fork and the program a moment of our own code, in which the kernel is told to kill the
//! child when we die.
//!
//! `prctl(PR_SET_PDEATHSIG)` can only be called by the child itself, and code of ours cannot run between fork
//! and exec without `unsafe`. So the child first executes our own program once more, under the gate's name;
//! that asks for the signal, looks whether we are still its parent, and becomes the program. If we died before
//! it asked, it has another parent by then and goes no further: there is no moment in which nobody would stop it.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{execv, getppid};
use tokio::signal::unix::{SignalKind, signal};

use crate::launch::Launch;

/// The name under which our program is a gate.
const NAME: &str = "kubectl-queue-gate";

/// The gate's own exit code: its program was not started.
const CLOSED: i32 = 127;

/// The running program's file, also after it was replaced on disk (`proc_pid_exe(5)`).
const OURSELVES: &str = "/proc/self/exe";

/// A program that can be a gate. `main` makes it first of all, so that it is one when it is started as one.
#[derive(Debug, Clone)]
pub struct Gate {
    program: PathBuf,
}

impl Gate {
    /// To be called first in `main`, before anything is read or opened. In a process that was started as a
    /// gate it does not return.
    #[must_use]
    pub fn enter() -> Self {
        let mut args = std::env::args_os();
        if args.next().as_deref() == Some(OsStr::new(NAME)) {
            std::process::exit(pass(args));
        }
        Self::at(OURSELVES)
    }

    /// Another program whose `main` begins with [`Gate::enter`]: for tests, whose `main` is not theirs.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        let program = program.into();
        Self { program }
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The gate to `program`. If the kernel refuses to execute that, the gate says so after `mark`, which
    /// nobody else knows.
    #[expect(clippy::disallowed_methods, reason = "this is the one runner of children")]
    pub(crate) fn command(&self, program: &Path, launch: &Launch, mark: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg0(NAME)
            .arg(std::process::id().to_string())
            .arg(mark)
            .arg(program)
            .arg(&launch.program)
            .args(&launch.args)
            .env_clear()
            .envs(launch.env.iter().map(|(name, value)| (name, value)))
            .process_group(0);
        if let Some(dir) = &launch.dir {
            command.current_dir(dir);
        }
        command
    }
}

/// What a gate does; returns only when the program was not started.
fn pass(mut args: impl Iterator<Item = OsString>) -> i32 {
    let (parent, mark, program) = (args.next(), args.next(), args.next());
    let (Some(parent), Some(mark), Some(program)) = (parent, mark, program) else {
        eprintln!("{NAME} is started by the queue and by nobody else: run `kubectl-queue --help`");
        return CLOSED;
    };
    let asked = set_pdeathsig(Signal::SIGKILL);
    if OsString::from(getppid().to_string()) != parent {
        return CLOSED;
    }
    let error = match asked {
        Ok(()) => become_program(program, args),
        Err(error) => error.into(),
    };
    let errno = error.raw_os_error().unwrap_or_default();
    eprintln!("{} {errno}", mark.to_string_lossy());
    CLOSED
}

/// Executes it, its name being the first of `args`; returns only when the kernel refuses. Not through
/// `Command::exec`: that is execvp(3), which hands what the kernel does not know to a shell.
fn become_program(program: OsString, args: impl Iterator<Item = OsString>) -> io::Error {
    let strings = args.map(|arg| CString::new(arg.into_vec()));
    let prepared =
        CString::new(program.into_vec()).and_then(|path| Ok((path, strings.collect::<Result<Vec<_>, _>>()?)));
    let (path, args) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return error.into(),
    };
    if let Err(error) = stop_ignoring_broken_pipes() {
        return error;
    }
    match execv(&path, &args) {
        Ok(never) => match never {},
        Err(error) => error.into(),
    }
}

/// Programs of Rust ignore SIGPIPE, and what is ignored stays so over execve(2). What is handled does not.
fn stop_ignoring_broken_pipes() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let _here = runtime.enter();
    signal(SignalKind::pipe()).map(drop)
}

/// Why the gate to a program stayed closed, if it did: from its exit code and all it wrote.
pub(crate) fn refusal(code: Option<i32>, mark: &str, stderr: &[u8]) -> Option<io::Error> {
    if code != Some(CLOSED) {
        return None;
    }
    let errno = std::str::from_utf8(stderr).ok()?.strip_prefix(mark)?.trim();
    errno.parse().ok().map(io::Error::from_raw_os_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gate_that_knows_the_mark_says_that_it_stayed_closed() {
        let refused = refusal(Some(127), "4f2a", b"4f2a 8\n").unwrap();
        assert_eq!(refused.raw_os_error(), Some(8));
        for (code, stderr) in [
            (Some(127), &b"4f2b 8\n"[..]),
            (Some(127), b"sh: 1: kubectl: not found\n"),
            (Some(127), b"4f2a 8\nand more"),
            (Some(1), b"4f2a 8\n"),
            (None, b"4f2a 8\n"),
        ] {
            assert!(refusal(code, "4f2a", stderr).is_none(), "{code:?}");
        }
    }

    #[test]
    fn a_gate_with_arguments_of_nobody_stays_closed() {
        assert_eq!(pass(["1", "mark"].map(OsString::from).into_iter()), CLOSED);
    }
}
