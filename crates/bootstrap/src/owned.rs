//! Files that root writes for others to read: in place at once, with owner and mode right from the first moment,
//! and never through a link. The state volume belongs to the pod, so nothing there is opened by name and trusted
//! (50 W5).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown, lchown};
use std::path::{Path, PathBuf};

use appliance_common::names::CONTROL_PLANE_UID;
use appliance_common::{random, state_file};
use nix::fcntl::OFlag;
use nix::unistd::Uid;

/// How a file comes to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Only if nothing has its name yet.
    Free,
    /// Over whatever has its name; a link is replaced, not followed.
    Any,
}

/// Writes a file that root owns and the pod's group may have by `mode`. As another user, who cannot give files
/// away, it is that user's.
///
/// # Errors
/// What the system said; then there is no new file, and the old one is as it was.
pub(crate) fn write(path: &Path, bytes: &[u8], mode: u32, place: Place) -> io::Result<()> {
    let name = path
        .file_name()
        .ok_or(io::ErrorKind::InvalidInput)?
        .to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.new", random::id()));
    let placed = state_file::replace(&temporary, bytes, mode)
        .and_then(|()| give(&temporary))
        .and_then(|()| match place {
            Place::Free => fs::hard_link(&temporary, path),
            Place::Any => fs::rename(&temporary, path),
        });
    // After a rename there is nothing left; after a link, or an error, there is.
    let left = state_file::remove(&temporary);
    placed.and(left)?;
    sync_parent(path)
}

fn give(path: &Path) -> io::Result<()> {
    if Uid::effective().is_root() {
        chown(path, Some(0), Some(CONTROL_PLANE_UID))?;
    }
    Ok(())
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

/// Reads at most `limit` bytes of a regular file of root's, the pod's or our own; `None` when there is none.
///
/// # Errors
/// A link, another kind of file, another owner, or what the system said.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let refused = |why: &str| io::Error::new(io::ErrorKind::PermissionDenied, why.to_owned());
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).bits())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.raw_os_error() == Some(nix::libc::ELOOP) => {
            return Err(refused("it is a symbolic link, which is not followed"));
        }
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(refused("it is no regular file"));
    }
    if ![0, CONTROL_PLANE_UID, Uid::effective().as_raw()].contains(&meta.uid()) {
        return Err(refused("it belongs to somebody else"));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Whether anything has this name, be it a link that leads nowhere.
pub(crate) fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Makes a file of the state volume the pod's, as the directory is; a link is not followed. Only root gives files
/// away: as another user it changes nothing.
pub(crate) fn give_to_pod(path: &Path) -> io::Result<()> {
    if Uid::effective().is_root() {
        lchown(path, Some(CONTROL_PLANE_UID), Some(CONTROL_PLANE_UID))?;
    }
    Ok(())
}

/// Makes a directory, 0750, and gives an existing one that mode again; not through a link.
pub(crate) fn directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};

    fs::DirBuilder::new().recursive(true).mode(0o750).create(path)?;
    let dir = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_DIRECTORY).bits())
        .open(path)?;
    dir.set_permissions(fs::Permissions::from_mode(0o750))
}

/// What stands before a system file when there is a directory for it.
pub(crate) fn parent_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}
