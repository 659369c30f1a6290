//! The copy that is made before anything goes: the volumes of a stopped application, and the box's documents.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

/// Why there is no copy; nothing was removed.
#[derive(Debug, thiserror::Error)]
#[error("copying {} to {}; nothing was removed. Make room there, or name another directory", from.display(), to.display())]
pub(crate) struct KeepError {
    from: PathBuf,
    to: PathBuf,
    source: io::Error,
}

/// Copies a tree with modes, owners and links; sockets, pipes and devices are nothing to keep. What is there
/// already from an attempt before is written anew.
pub(crate) fn keep(from: &Path, to: &Path) -> Result<u64, KeepError> {
    let mut copied = 0;
    let mut open = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = open.pop() {
        let failed = |source| KeepError {
            from: from.clone(),
            to: to.clone(),
            source,
        };
        let meta = fs::symlink_metadata(&from).map_err(failed)?;
        let kind = meta.file_type();
        if kind.is_dir() {
            directory(&to, &meta).map_err(failed)?;
            for entry in fs::read_dir(&from).map_err(failed)? {
                let name = entry.map_err(failed)?.file_name();
                open.push((from.join(&name), to.join(&name)));
            }
        } else if kind.is_symlink() {
            link(&from, &to, &meta).map_err(failed)?;
        } else if kind.is_file() {
            file(&from, &to, &meta).map_err(failed)?;
        }
        copied += 1;
    }
    Ok(copied)
}

fn directory(to: &Path, like: &fs::Metadata) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(to) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    owned(to, like)?;
    fs::set_permissions(to, fs::Permissions::from_mode(like.mode()))
}

fn link(from: &Path, to: &Path, like: &fs::Metadata) -> io::Result<()> {
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(fs::read_link(from)?, to)?;
    ignoring_ownership(lchown(to, Some(like.uid()), Some(like.gid())))
}

fn file(from: &Path, to: &Path, like: &fs::Metadata) -> io::Result<()> {
    let no_link = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let mut source = OpenOptions::new().read(true).custom_flags(no_link).open(from)?;
    let mut target = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(no_link)
        .open(to)?;
    io::copy(&mut source, &mut target)?;
    owned(to, like)?;
    target.set_permissions(fs::Permissions::from_mode(like.mode()))?;
    File::sync_all(&target)
}

fn owned(to: &Path, like: &fs::Metadata) -> io::Result<()> {
    ignoring_ownership(chown(to, Some(like.uid()), Some(like.gid())))
}

/// Only root gives files away; a copy that somebody else makes is theirs.
fn ignoring_ownership(given: io::Result<()>) -> io::Result<()> {
    match given {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        given => given,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use appliance_common::state_file;

    #[test]
    fn a_copy_has_files_modes_and_links_and_may_be_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        state_file::replace(&from.join("db/base"), b"rows", 0o640).unwrap();
        symlink("db/base", from.join("latest")).unwrap();
        for _ in 0..2 {
            assert_eq!(keep(&from, &to).unwrap(), 4);
            assert_eq!(fs::read(to.join("db/base")).unwrap(), b"rows");
            assert_eq!(fs::metadata(to.join("db/base")).unwrap().mode() & 0o777, 0o640);
            assert_eq!(fs::read_link(to.join("latest")).unwrap(), Path::new("db/base"));
        }
    }
}
