//! Taking away everything in one directory: no link followed, no other filesystem entered, and again and again
//! without harm.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::place::OpenPlace;

/// Directories in each other; far more than an application makes, far fewer than the descriptors we have.
const MAX_DEPTH: usize = 256;

/// Why not everything went. What went is gone; the same call goes on.
#[derive(Debug, thiserror::Error)]
#[error("removing {entry} below the storage path; look at it with: lsattr -d, mount, df")]
pub(crate) struct WipeError {
    entry: String,
    source: io::Error,
}

/// What was found and taken away.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wiped {
    /// Files, links and directories.
    pub(crate) entries: u64,
}

/// Removes everything in the directory, and leaves it, empty.
pub(crate) fn wipe(place: &OpenPlace) -> Result<Wiped, WipeError> {
    let top = place.handle().map_err(|source| WipeError {
        entry: ".".to_owned(),
        source,
    })?;
    let mut wiped = Wiped::default();
    empty(&top, place.device, &mut Vec::new(), &mut wiped)?;
    top.sync_all().map_err(|source| WipeError {
        entry: ".".to_owned(),
        source,
    })?;
    Ok(wiped)
}

fn empty(dir: &File, device: u64, trail: &mut Vec<OsString>, wiped: &mut Wiped) -> Result<(), WipeError> {
    for name in names(dir).map_err(|source| at(trail, OsStr::new("."), source))? {
        remove(dir, &name, device, trail, wiped)?;
    }
    Ok(())
}

fn remove(
    dir: &File,
    name: &OsStr,
    device: u64,
    trail: &mut Vec<OsString>,
    wiped: &mut Wiped,
) -> Result<(), WipeError> {
    let stat = match fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::ENOENT) => return Ok(()),
        Err(errno) => return Err(at(trail, name, errno.into())),
    };
    let is_dir = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR;
    if stat.st_dev != device {
        let other = io::Error::new(
            io::ErrorKind::CrossesDevices,
            "another filesystem is mounted there",
        );
        return Err(at(trail, name, other));
    }
    if is_dir {
        if trail.len() >= MAX_DEPTH {
            let deep = io::Error::other(format!("more than {MAX_DEPTH} directories in each other"));
            return Err(at(trail, name, deep));
        }
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let below = openat(dir, name, flags, Mode::empty()).map_err(|errno| at(trail, name, errno.into()))?;
        trail.push(name.to_owned());
        empty(&File::from(below), device, trail, wiped)?;
        trail.pop();
    }
    let how = if is_dir {
        UnlinkatFlags::RemoveDir
    } else {
        UnlinkatFlags::NoRemoveDir
    };
    match unlinkat(dir, name, how) {
        Ok(()) => wiped.entries += 1,
        Err(Errno::ENOENT) => {}
        Err(errno) => return Err(at(trail, name, errno.into())),
    }
    Ok(())
}

/// Names in an open directory, read through its descriptor (`proc_pid_fd(5)`), so that the name it was opened
/// by may lead elsewhere by now.
pub(super) fn names(dir: &File) -> io::Result<Vec<OsString>> {
    let entries = std::fs::read_dir(format!("/proc/self/fd/{}", dir.as_raw_fd()))?;
    entries.map(|entry| Ok(entry?.file_name())).collect()
}

fn at(trail: &[OsString], name: &OsStr, source: io::Error) -> WipeError {
    let mut entry: Vec<_> = trail.iter().map(|part| part.to_string_lossy()).collect();
    entry.push(name.to_string_lossy());
    WipeError {
        entry: entry.join("/"),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::reset::place::Place;

    #[test]
    fn everything_in_it_goes_and_what_links_point_at_stays() {
        let root = tempfile::tempdir().unwrap();
        let data = root.path().join("var/mnt/alga-data");
        std::fs::create_dir_all(data.join("volume/deep/er")).unwrap();
        std::fs::create_dir_all(root.path().join("outside")).unwrap();
        appliance_common::state_file::replace(&root.path().join("outside/kept"), b"x", 0o600).unwrap();
        appliance_common::state_file::replace(&data.join("volume/deep/er/file"), b"x", 0o400).unwrap();
        symlink(root.path().join("outside"), data.join("volume/link")).unwrap();
        symlink("../../../outside/kept", data.join("link")).unwrap();
        let place = Place::parse("/var/mnt/alga-data", &[]).unwrap();
        let open = place.open(root.path()).unwrap().unwrap();
        assert_eq!(wipe(&open).unwrap(), Wiped { entries: 6 });
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
        assert!(root.path().join("outside/kept").exists());
        assert_eq!(wipe(&open).unwrap(), Wiped::default());
    }
}
