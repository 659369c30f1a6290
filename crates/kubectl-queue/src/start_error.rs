//! Why a program could not be started, and what to do about it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::launch::Launch;

/// Why a program could not be started. Each says what to do next.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No such file.
    #[error("starting {}: not found; looked at {}: install it, or give its full path", shown(.program), paths(looked))]
    NotFound {
        /// What was asked for.
        program: OsString,
        /// The files that would have been taken.
        looked: Vec<PathBuf>,
    },
    /// A name without a directory, and no `PATH` to look it up in.
    #[error("starting {}: its environment has no PATH: give its full path, or pass PATH on", shown(.0))]
    NoPath(OsString),
    /// The file is there and is no program, or not ours to execute.
    #[error("starting {}: cannot be executed: {why}: make it executable (chmod +x), or name another", path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        why: String,
    },
    /// The working directory is not there, or none.
    #[error("starting in {}: make the directory, or name another", dir.display())]
    Dir {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An argument or a variable with a zero byte.
    #[error("starting {0}: an argument or a variable has a zero byte: hand such data over on standard input")]
    NulByte(String),
    /// Our own program, which is to become the child's, cannot be executed once more.
    #[error("starting {command} through {}: install that program again, and see that /proc is mounted", gate.display())]
    Gate {
        /// The command, as it may be shown.
        command: String,
        /// Our own program.
        gate: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel refused.
    #[error("starting {}: {}", path.display(), advice(source))]
    Refused {
        /// The program.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Our own side is not able to start anything.
    #[error("starting {command}: {what} failed: free processes, threads or file descriptors, then try again")]
    Ourselves {
        /// The command, as it may be shown.
        command: String,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl StartError {
    /// What the kernel, or the gate, said of a program.
    pub(crate) fn refused(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::Refused { path, source }
    }

    /// What failed on our side when `launch` was to be started.
    pub(crate) fn ourselves(launch: &Launch, what: &'static str, source: io::Error) -> Self {
        let command = launch.command();
        Self::Ourselves {
            command,
            what,
            source,
        }
    }

    /// The exit code that shells give for this: 127 when there is no such program, 126 when it cannot be run.
    pub(crate) fn shell_code(&self) -> u8 {
        match self {
            Self::NotFound { .. } | Self::NoPath(_) => 127,
            Self::NotExecutable { .. }
            | Self::Dir { .. }
            | Self::NulByte(_)
            | Self::Gate { .. }
            | Self::Refused { .. }
            | Self::Ourselves { .. } => 126,
        }
    }
}

fn paths(looked: &[PathBuf]) -> String {
    let list = looked.iter().map(|path| path.display().to_string());
    let list = list.collect::<Vec<_>>().join(", ");
    if list.is_empty() {
        "nothing".to_owned()
    } else {
        list
    }
}

/// What to do about a refusal of execve(2).
fn advice(source: &io::Error) -> &'static str {
    match source.raw_os_error().map(Errno::from_raw) {
        Some(Errno::E2BIG) => "its arguments are too long: hand the data over on standard input",
        Some(Errno::ENOENT) => "the interpreter or loader that it names is missing: install that",
        Some(Errno::ENOEXEC) => "it is no program for this machine: install the right one",
        Some(Errno::ETXTBSY) => "it is being written: try again when that is done",
        Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE) => {
            "the host has no room for another process: stop something, then try again"
        }
        _ => "look at the file's owner, mode and mount options",
    }
}

/// A program's name in a message.
fn shown(program: &OsStr) -> String {
    crate::shown::command(program, &[])
}

#[cfg(test)]
mod tests {
    use appliance_common::process::chain;

    use super::*;

    #[test]
    fn a_refusal_says_what_to_do() {
        for (errno, advice) in [(Errno::E2BIG, "standard input"), (Errno::ENOEXEC, "this machine")] {
            let message = chain(&StartError::refused(Path::new("/opt/x"), errno.into()));
            assert!(
                message.starts_with("starting /opt/x: ") && message.contains(advice),
                "{message}"
            );
        }
    }
}
