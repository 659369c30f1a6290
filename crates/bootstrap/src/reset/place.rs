//! What may be wiped: a directory of the data disk, reached without following a single link (60 §4.2, W16).

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use appliance_common::names::DATA_MOUNT;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::{Mode, fstat};

/// Why a directory is not wiped. Nothing was touched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlaceError {
    /// It is no directory of the data disk, by its name alone.
    #[error("the storage path {path:?} is refused: {reason}; name {DATA_MOUNT} or a directory below it")]
    Name {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// On this disk it is something else than its name says.
    #[error("the storage path {path} is refused: {at} is {what}; look at it with: ls -ld {at}")]
    Disguised {
        /// As it was given.
        path: String,
        /// The part of it that is not a plain directory.
        at: String,
        /// What it is.
        what: &'static str,
    },
    /// It could not be looked at.
    #[error("opening {at} of the storage path {path}")]
    Unreadable {
        /// As it was given.
        path: String,
        /// Which part of it.
        at: String,
        /// What the system said.
        source: io::Error,
    },
}

impl PlaceError {
    /// Whether the command line is at fault.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Name { .. } | Self::Disguised { .. } => true,
            Self::Unreadable { .. } => false,
        }
    }
}

/// A directory whose name may be wiped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place(PathBuf);

/// The directory itself, held open, so that a later rename or link changes nothing.
#[derive(Debug)]
pub(crate) struct OpenPlace {
    /// Of this directory every entry goes, itself not.
    pub(crate) dir: OwnedFd,
    /// The filesystem that is not left.
    pub(crate) device: u64,
}

impl Place {
    /// By its name alone: absolute, canonical, the data mount or below it, or below a directory that was
    /// allowed by naming it twice.
    pub(crate) fn parse(text: &str, allowed: &[String]) -> Result<Self, PlaceError> {
        let refused = |reason| PlaceError::Name {
            path: text.to_owned(),
            reason,
        };
        let path = plain(text).map_err(refused)?;
        let extra = match allowed {
            [] => None,
            [first, second] if first == second => Some(plain(first).map_err(refused)?),
            _ => {
                return Err(refused(
                    "--allow-path must be given twice, with the same directory",
                ));
            }
        };
        let below = |base: &Path| path.starts_with(base);
        if below(Path::new(DATA_MOUNT)) || extra.as_deref().is_some_and(below) {
            Ok(Self(path))
        } else {
            Err(refused("it is not on the appliance's data disk"))
        }
    }

    /// Its name.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Opens it below `root` (`/` but in tests), part by part. `None` when it does not exist: nothing to wipe.
    pub(crate) fn open(&self, root: &Path) -> Result<Option<OpenPlace>, PlaceError> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut at = PathBuf::from("/");
        let mut dir = open(root, flags, Mode::empty()).map_err(|errno| self.unreadable(&at, errno))?;
        let mut device = self.device(&dir, &at)?;
        for part in self.0.components().skip(1) {
            at.push(part);
            let next = match openat(&dir, part.as_os_str(), flags, Mode::empty()) {
                Ok(next) => next,
                Err(Errno::ENOENT) => return Ok(None),
                Err(Errno::ELOOP | Errno::ENOTDIR) => {
                    return Err(self.disguised(&at, "a symbolic link or no directory"));
                }
                Err(errno) => return Err(self.unreadable(&at, errno)),
            };
            let its_device = self.device(&next, &at)?;
            let is_mount = its_device != device;
            if is_mount && at == self.0 && at != Path::new(DATA_MOUNT) {
                return Err(self.disguised(&at, "where another filesystem is mounted"));
            }
            (dir, device) = (next, its_device);
        }
        Ok(Some(OpenPlace { dir, device }))
    }

    fn device(&self, dir: &OwnedFd, at: &Path) -> Result<u64, PlaceError> {
        let stat = fstat(dir).map_err(|errno| self.unreadable(at, errno))?;
        Ok(stat.st_dev)
    }

    fn disguised(&self, at: &Path, what: &'static str) -> PlaceError {
        PlaceError::Disguised {
            path: self.0.display().to_string(),
            at: at.display().to_string(),
            what,
        }
    }

    fn unreadable(&self, at: &Path, errno: Errno) -> PlaceError {
        PlaceError::Unreadable {
            path: self.0.display().to_string(),
            at: at.display().to_string(),
            source: errno.into(),
        }
    }
}

impl OpenPlace {
    /// A path by which the open directory is read, whatever its name leads to by now.
    pub(crate) fn handle(&self) -> io::Result<File> {
        Ok(File::from(self.dir.try_clone()?))
    }
}

/// An absolute name of named parts only.
fn plain(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() {
        return Err("it is empty");
    }
    if text.contains('\0') || text.contains('\n') {
        return Err("it is no path");
    }
    let Some(rest) = text.strip_prefix('/') else {
        return Err("it is not absolute");
    };
    if rest.is_empty() {
        return Err("it is the whole system");
    }
    if rest
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        return Err("it is not canonical");
    }
    let path = PathBuf::from(text);
    let named = |part: &Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    if path.components().all(|part| named(&part)) {
        Ok(path)
    } else {
        Err("it is not canonical")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// 60 C1, and what else would reach further than the data disk.
    #[test]
    fn only_directories_of_the_data_disk_have_a_name_that_may_be_wiped() {
        let refused = [
            "",
            "/",
            "//",
            ".",
            "var/mnt/alga-data",
            "/var",
            "/var/mnt",
            "/var/mnt/alga-data2",
            "/var/mnt/alga-data/..",
            "/var/mnt/alga-data/../..",
            "/var/mnt/alga-data/./x",
            "/var/mnt//alga-data",
            "/var/mnt/alga-data/",
            "/etc",
            "/var/mnt/alga-data/x\n/",
            " /var/mnt/alga-data",
        ];
        for path in refused {
            let error = Place::parse(path, &[]).unwrap_err();
            assert!(error.is_refusal(), "{path:?}: {error}");
        }
        for path in ["/var/mnt/alga-data", "/var/mnt/alga-data/local-path-provisioner"] {
            assert_eq!(Place::parse(path, &[]).unwrap().path(), Path::new(path));
        }
    }

    #[test]
    fn another_directory_must_be_allowed_twice_and_is_held_to_the_same_rules() {
        let allow = |paths: &[&str]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(Place::parse("/srv/data/x", &allow(&["/srv/data"])).is_err());
        assert!(Place::parse("/srv/data/x", &allow(&["/srv/data", "/srv/date"])).is_err());
        assert!(Place::parse("/srv/data/x", &allow(&["/", "/"])).is_err());
        assert!(Place::parse("/srv/data/../x", &allow(&["/srv/data", "/srv/data"])).is_err());
        assert!(Place::parse("/srv/data/x", &allow(&["/srv/data", "/srv/data"])).is_ok());
    }

    #[test]
    fn a_link_on_the_way_is_refused_and_an_absent_directory_is_nothing_to_wipe() {
        let root = tempfile::tempdir().unwrap();
        let place = Place::parse("/var/mnt/alga-data/local-path-provisioner", &[]).unwrap();
        assert!(place.open(root.path()).unwrap().is_none());
        std::fs::create_dir_all(root.path().join("var/mnt")).unwrap();
        std::fs::create_dir_all(root.path().join("elsewhere/local-path-provisioner")).unwrap();
        symlink("/", root.path().join("var/mnt/alga-data")).unwrap();
        assert!(place.open(root.path()).unwrap_err().is_refusal());
        std::fs::remove_file(root.path().join("var/mnt/alga-data")).unwrap();
        symlink("../../elsewhere", root.path().join("var/mnt/alga-data")).unwrap();
        assert!(place.open(root.path()).unwrap_err().is_refusal());
    }
}
