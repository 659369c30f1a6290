//! `alga-appliance-reset-admin`: forgets the management password and makes a new setup token, in an order that
//! never leaves the old token alive without a password before it (50 W27, 30 W12).

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use appliance_common::clock::{Clock, iso_millis};
use appliance_common::names::file;
use appliance_common::process::chain;
use appliance_common::state_file;
use nix::fcntl::OFlag;
use nix::unistd::Uid;
use serde_json::json;

use crate::settings::Places;
use crate::token::{self, Token, TokenError};
use crate::{banner, say};

/// How it is done.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// Do not ask; there is nothing to ask in any case, and scripts may say so
    #[arg(long)]
    yes: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Why the password still is what it was, or was not forgotten as a whole.
#[derive(Debug, thiserror::Error)]
enum ResetAdminError {
    #[error("only root may forget the management password; run it with sudo. Nothing was changed")]
    NotRoot,
    #[error("nothing was changed")]
    Token(#[source] TokenError),
    #[error("removing {}; the new token is written, run this again", path.display())]
    Remove { path: PathBuf, source: io::Error },
}

/// Runs `reset-admin`.
pub(crate) fn main(places: &Places, flags: &Flags) -> ExitCode {
    let allowed = Uid::effective().is_root() || places.host_root != Path::new("/");
    if flags.dry_run {
        say::planned("write a new setup token");
        say::planned("remove the key of the sessions, so that everybody is signed out");
        say::planned("remove the management password");
        say::planned("show the new token on the consoles");
        return ExitCode::SUCCESS;
    }
    let done = if allowed {
        reset(places)
    } else {
        Err(ResetAdminError::NotRoot)
    };
    match done {
        Ok(token) => {
            recorded(places);
            banner::redraw(places);
            let mut out = io::stdout();
            // The new password can be chosen from the banner just as well.
            let _ = shown(&token, places, &mut out);
            ExitCode::SUCCESS
        }
        Err(error) => {
            say::error(&format!("reset-admin: {}", chain(&error)));
            ExitCode::FAILURE
        }
    }
}

/// Token, then sessions, then the password: a stop in between leaves either the old password, or the new token.
fn reset(places: &Places) -> Result<Token, ResetAdminError> {
    let token = token::renew(places).map_err(ResetAdminError::Token)?;
    for path in [places.session_secret(), places.admin_credential()] {
        state_file::remove(&path).map_err(|source| ResetAdminError::Remove { path, source })?;
    }
    Ok(token)
}

/// One line in the control plane's audit log, as it writes them; where there is no log yet, none is begun: it
/// would be root's, and the control plane could not go on with it.
fn recorded(places: &Places) {
    let line = json!({
        "ts": iso_millis(Clock::system().now()), "event": "auth.reset_admin", "ip": "127.0.0.1", "result": "ok",
    });
    let path = places.state_dir.join(file::AUDIT_LOG);
    if let Err(error) = append(&path, &format!("{line}\n")) {
        say::error(&format!("reset-admin: not in the audit log: {error}"));
    }
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    let opened = OpenOptions::new()
        .append(true)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
        .open(path);
    let mut log = match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let meta = log.metadata()?;
    if !meta.is_file() || meta.nlink() != 1 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "it is no plain file",
        ));
    }
    log.write_all(line.as_bytes())
}

fn shown(token: &Token, places: &Places, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "The management password was cleared, and everybody is signed out."
    )?;
    writeln!(out, "One-time setup token: {}", token.shown())?;
    writeln!(
        out,
        "Enter it at port {} of this box (http://<address>:{}/) and choose a new password.",
        places.port, places.port
    )
}
