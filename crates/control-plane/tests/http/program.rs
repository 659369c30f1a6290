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

/// The program over the files of a test's box, on a free port of loopback.
pub(crate) fn program_over(over: &TestBox) -> Command {
    let mut program = program();
    program
        .env("ALGA_APPLIANCE_PORT", "0")
        .env("ALGA_APPLIANCE_LISTEN_ADDRESS", "127.0.0.1")
        .stderr(Stdio::piped());
    for (variable, file) in [
        ("ALGA_APPLIANCE_TOKEN_FILE", "setup-token"),
        ("ALGA_APPLIANCE_ADMIN_CREDENTIAL_FILE", "admin-ui-credential.json"),
        ("ALGA_APPLIANCE_SESSION_SECRET_FILE", "session-secret"),
        ("ALGA_APPLIANCE_STATE_FILE", "install-state.json"),
        ("ALGA_APPLIANCE_SETUP_INPUTS_FILE", "setup-inputs.json"),
        ("ALGA_APPLIANCE_RELEASE_SELECTION_FILE", "release-selection.json"),
        ("ALGA_APPLIANCE_HOST_AGENT_SOCKET", "host-agent.sock"),
    ] {
        program.env(variable, over.path(file));
    }
    program
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
        let mut child = program_over(over)
            .envs(variables.iter().copied())
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
