//! The state volume's directory: there, ours, and closed to others, looked at once at start.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

use appliance_common::process::chain;
use nix::unistd::geteuid;

/// Mode of the directory (10 §5.3).
const MODE: u32 = 0o750;
/// A directory that others share, such as `/tmp`, is never closed to them.
const STICKY: u32 = 0o1000;

/// Creates the directory of `file`, or narrows its mode if it is ours. Says in the log what is odd and
/// never stops the start: the server must come up to tell the operator.
pub(crate) fn prepare(file: &Path) {
    let Some(dir) = file.parent() else { return };
    if let Err(error) = try_prepare(dir) {
        tracing::warn!(error = chain(&error), dir = %dir.display(), "the state directory is not as it should be");
    }
}

fn try_prepare(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(MODE).create(dir)?;
    let found = fs::metadata(dir)?;
    let is_ours = found.uid() == geteuid().as_raw() && found.mode() & STICKY == 0;
    if is_ours && found.mode() & 0o7777 != MODE {
        fs::set_permissions(dir, Permissions::from_mode(MODE))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(dir: &Path) -> u32 {
        fs::metadata(dir).unwrap().mode() & 0o7777
    }

    #[test]
    fn a_directory_of_ours_is_made_and_closed_and_a_shared_one_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join("a/state");
        prepare(&state.join("install-state.json"));
        assert_eq!(mode(&state), 0o750);
        fs::set_permissions(&state, Permissions::from_mode(0o755)).unwrap();
        prepare(&state.join("install-state.json"));
        assert_eq!(mode(&state), 0o750);
        fs::set_permissions(&state, Permissions::from_mode(0o1777)).unwrap();
        prepare(&state.join("install-state.json"));
        assert_eq!(mode(&state), 0o1777);
    }
}
