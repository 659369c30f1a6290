//! How a set-up from the console ends when it does not end well.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use appliance_common::outbound::OutboundError;
use nix::errno::Errno;
use std::io;

use super::client::Refused;

/// Exit code of a command line that cannot be followed.
const USAGE: u8 = 2;

/// Why the console stopped. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConsoleError {
    #[error(
        "standard input is not a terminal and no answers were given: run this on a terminal, or pass --answers FILE \
         (a JSON object; `-` reads it from standard input). The six lines of older versions are no longer read"
    )]
    NoTerminal,
    #[error("reading the answers from {}", path.display())]
    AnswersUnreadable { path: PathBuf, source: io::Error },
    #[error("the answers in {} are not usable: {problem}", path.display())]
    AnswersMalformed { path: PathBuf, problem: String },
    #[error(
        "the answers have no `managementPassword`, which opens this appliance: add it (a new one is set on a fresh \
         appliance)"
    )]
    NoManagementPassword,
    #[error(
        "the setup token cannot be read from {}: run this as root on the appliance, or put the token from its console \
         into the answers as `setupToken`",
        path.display()
    )]
    NoToken { path: PathBuf },
    #[error(transparent)]
    Tls(OutboundError),
    #[error(
        "the control plane does not answer at {url}. After a boot it takes a minute or two to start; then look at \
         `systemctl status alga-appliance-bootstrap`"
    )]
    Unreachable { url: String, source: reqwest::Error },
    #[error("what answers at {url} is not the appliance's control plane ({found})")]
    NotTheControlPlane { url: String, found: String },
    #[error("{0}")]
    Refused(Refused),
    #[error("{0}")]
    Blocked(String),
    #[error(
        "setup is still running after {} minutes. It goes on by itself: run this again to follow it",
        limit.as_secs() / 60
    )]
    TooSlow { limit: Duration },
    #[error("the control plane has not answered for {} minutes. Setup goes on by itself once it does", limit.as_secs() / 60)]
    Lost {
        limit: Duration,
        source: Box<ConsoleError>,
    },
    #[error("nothing was installed: the questions were not answered to the end")]
    InputEnded,
    #[error("nothing was installed, as you chose")]
    Declined,
    #[error("reading from the terminal")]
    Terminal(#[source] io::Error),
    #[error("changing the terminal's settings")]
    TerminalMode(#[source] Errno),
}

impl ConsoleError {
    /// 2 when the command line must change, else 1.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoTerminal
            | Self::AnswersUnreadable { .. }
            | Self::AnswersMalformed { .. }
            | Self::NoManagementPassword => ExitCode::from(USAGE),
            _ => ExitCode::FAILURE,
        }
    }

    /// Whether the same request may be answered a little later: the server restarts, the network blinks.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused(refused) => refused.status.is_server_error(),
            _ => false,
        }
    }
}
