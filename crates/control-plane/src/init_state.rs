//! The init container's work: the state directory, and that the pod owns it.
//!
//! It is given as a line of a shell (`/bin/sh -c "mkdir -p … && chown …"`), because a Deployment has to run with
//! every image that a channel may name, and those of the shipped product have a shell. Ours has none: under the
//! name `sh` this program performs exactly that line, and refuses every other (decision 8).

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::ExitCode;

use appliance_common::names::{CONTROL_PLANE_UID, STATE_DIR};
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{Gid, Uid, fchownat};

/// The names of a shell that are this program's in its image.
const SHELL: &str = "sh";

/// One thing a line may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Make,
    Own,
}

/// The line that is asked for, when the program is called as a shell.
pub(crate) fn requested(args: &[OsString]) -> Option<String> {
    let name = Path::new(args.first()?).file_name()?;
    if name != SHELL {
        return None;
    }
    let rest: Vec<_> = args[1..].iter().map(|arg| arg.to_string_lossy()).collect();
    Some(rest.join(" "))
}

/// Performs it. Exits 0, 1 when the directory could not be had, and 2 for every other line.
pub(crate) fn main(line: &str) -> ExitCode {
    let Some(acts) = understood(line) else {
        return told(
            &format!(
                "this image has no shell; it only performs: sh -c 'mkdir -p {STATE_DIR} && chown {CONTROL_PLANE_UID}:{CONTROL_PLANE_UID} {STATE_DIR}'"
            ),
            ExitCode::from(2),
        );
    };
    for act in acts {
        if let Err(error) = perform(act, Path::new(STATE_DIR)) {
            let doing = match act {
                Act::Make => "making",
                Act::Own => "taking",
            };
            return told(&format!("{doing} {STATE_DIR}: {error}"), ExitCode::FAILURE);
        }
    }
    ExitCode::SUCCESS
}

fn told(text: &str, code: ExitCode) -> ExitCode {
    // Nobody is left to be told when the container's log is gone.
    let _ = writeln!(io::stderr(), "{text}");
    code
}

/// The acts of a line that asks for nothing else. Pure.
fn understood(line: &str) -> Option<Vec<Act>> {
    let (flags, line) = line.trim().split_once(char::is_whitespace)?;
    if !["-c", "-ec", "-euc"].contains(&flags) {
        return None;
    }
    let owner = format!("{CONTROL_PLANE_UID}:{CONTROL_PLANE_UID}");
    let mut acts = Vec::new();
    for statement in line.replace("&&", "\n").split(['\n', ';']) {
        let words: Vec<_> = statement.split_whitespace().collect();
        match words.as_slice() {
            [] | ["set", "-e" | "-eu"] => {}
            ["mkdir", "-p", STATE_DIR] => acts.push(Act::Make),
            ["chown", to, STATE_DIR] if **to == owner => acts.push(Act::Own),
            _ => return None,
        }
    }
    (!acts.is_empty()).then_some(acts)
}

fn perform(act: Act, dir: &Path) -> io::Result<()> {
    match act {
        Act::Make => std::fs::DirBuilder::new().recursive(true).mode(0o750).create(dir),
        Act::Own => {
            let (uid, gid) = (Uid::from_raw(CONTROL_PLANE_UID), Gid::from_raw(CONTROL_PLANE_UID));
            let no_link = AtFlags::AT_SYMLINK_NOFOLLOW;
            Ok(fchownat(AT_FDCWD, dir, Some(uid), Some(gid), no_link)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_init_line_is_understood() {
        let both = Some(vec![Act::Make, Act::Own]);
        for line in [
            "-c mkdir -p /var/lib/alga-appliance && chown 10001:10001 /var/lib/alga-appliance",
            "-ec mkdir -p /var/lib/alga-appliance; chown 10001:10001 /var/lib/alga-appliance",
            "-c set -eu\n  mkdir -p /var/lib/alga-appliance\n  chown 10001:10001 /var/lib/alga-appliance\n",
        ] {
            assert_eq!(understood(line), both, "{line}");
        }
        for line in [
            "",
            "-c",
            "-c true",
            "-c mkdir -p /etc",
            "-c chown 0:0 /var/lib/alga-appliance",
            "-c chown -R 10001:10001 /var/lib/alga-appliance",
            "-c mkdir -p /var/lib/alga-appliance && rm -rf /",
            "-c mkdir -p /var/lib/alga-appliance $(id)",
            "-i mkdir -p /var/lib/alga-appliance",
        ] {
            assert_eq!(understood(line), None, "{line}");
        }
    }

    #[test]
    fn it_is_a_shell_only_by_its_name() {
        let args = |name: &str| [name, "-c", "x"].map(OsString::from);
        assert_eq!(requested(&args("/bin/sh")), Some("-c x".to_owned()));
        assert_eq!(requested(&args("/usr/local/bin/appliance-control-plane")), None);
    }
}
