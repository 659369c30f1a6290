//! The program as a child process over a test's box.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use nix::unistd::Pid;

use super::harness::TestBox;

#[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_appliance-control-plane"))
}

/// A child that listens, and does not outlive its test.
pub(crate) struct Program {
    child: Child,
    stderr: BufReader<ChildStderr>,
    log: String,
    pub(crate) address: SocketAddr,
}

impl Program {
    pub(crate) fn start(over: &TestBox, variables: &[(&str, &str)]) -> Self {
        let mut child = program()
            .args(["--port", "0", "--listen-address", "127.0.0.1"])
            .env("ALGA_APPLIANCE_TOKEN_FILE", over.path("setup-token"))
            .env(
                "ALGA_APPLIANCE_ADMIN_CREDENTIAL_FILE",
                over.path("admin-ui-credential.json"),
            )
            .env("ALGA_APPLIANCE_SESSION_SECRET_FILE", over.path("session-secret"))
            .env("ALGA_APPLIANCE_STATE_FILE", over.path("install-state.json"))
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(stderr.read_line(&mut line).unwrap(), 0, "it ended: {log}");
            log.push_str(&line);
            if let Some((_, address)) = line.split_once("listening address=") {
                break address.trim().parse().unwrap();
            }
        };
        Self {
            child,
            stderr,
            log,
            address,
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Waits for its end; returns how it ended and what it logged.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let mut log = std::mem::take(&mut self.log);
        self.stderr.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap(), log)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
