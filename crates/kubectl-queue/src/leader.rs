//! The first process of a child's group: its end, and signals to all of the group.
//!
//! Nobody but this module collects its status, and only after the last signal: until then its process id
//! cannot be given to anybody else, so no signal of ours can meet a stranger.

use std::io;
use std::process::{Child, ExitStatus};

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::signal::unix::Signal as Deaths;

use crate::starter::Starter;

/// A child that leads a process group; dropping it kills the group and has the status collected.
#[derive(Debug)]
pub(crate) struct Leader {
    /// Taken when its status is collected.
    child: Option<Child>,
    group: Pid,
    /// The kernel kills a child when the thread that started it ends; this keeps that thread.
    _starter: Starter,
}

impl Leader {
    pub(crate) fn new(child: Child, starter: Starter) -> Self {
        Self {
            group: Pid::from_raw(child.id().cast_signed()),
            child: Some(child),
            _starter: starter,
        }
    }

    /// Sends a signal to every process of the group.
    pub(crate) fn signal(&self, signal: Signal) {
        // An error means that nobody is left who may be told.
        let _ = killpg(self.group, signal);
    }

    /// Waits for its end; `deaths` has been watching since before it was started.
    pub(crate) async fn ended(&self, deaths: &mut Deaths) {
        while !self.has_ended() {
            deaths.recv().await;
        }
    }

    /// Whether it has ended; leaves its status uncollected.
    fn has_ended(&self) -> bool {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(self.group), look) {
            Ok(WaitStatus::StillAlive) => false,
            // An error is also how this call says that a real-time signal ended it, which it has no name for.
            Ok(_) | Err(_) => true,
        }
    }

    /// Kills what is left of the group of a leader that has ended, then collects its status.
    pub(crate) fn collect(mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::SIGKILL);
        match self.child.take() {
            Some(mut child) => child.wait(),
            None => Err(io::Error::other("its status was collected before")),
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        let Some(child) = self.child.take() else { return };
        self.signal(Signal::SIGKILL);
        wait_apart(child);
    }
}

/// Collects the status of a killed child wherever that may take time. If there is no thread to be had, whoever
/// inherits our children does it after our end.
pub(crate) fn wait_apart(mut child: Child) {
    let waiting = std::thread::Builder::new().name("child-reaper".to_owned());
    if let Err(error) = waiting.spawn(move || child.wait()) {
        tracing::warn!(%error, "no thread to collect the status of a killed child");
    }
}
