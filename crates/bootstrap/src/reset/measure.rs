//! What lies in a directory, for the plan that is confirmed: bytes and the newest file, within a time.

use std::fs::File;
use std::io;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstatat};

use super::place::OpenPlace;
use super::wipe::names;

/// Longest time for counting; then what was counted is a least.
const LIMIT: Duration = Duration::from_secs(10);

/// What was counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measured {
    /// On the disk, in bytes.
    pub(crate) bytes: u64,
    /// Files, links and directories.
    pub(crate) entries: u64,
    /// Of the newest file.
    pub(crate) newest: Option<Timestamp>,
    /// Whether everything was counted.
    pub(crate) is_whole: bool,
}

/// Counts; what cannot be read is left out, and the count then is not whole.
pub(crate) fn measure(place: &OpenPlace) -> io::Result<Measured> {
    let until = Instant::now() + LIMIT;
    let mut measured = Measured {
        is_whole: true,
        ..Measured::default()
    };
    let mut open = vec![place.handle()?];
    while let Some(dir) = open.pop() {
        if Instant::now() >= until {
            measured.is_whole = false;
            break;
        }
        let Ok(names) = names(&dir) else {
            measured.is_whole = false;
            continue;
        };
        for name in names {
            let Ok(stat) = fstatat(&dir, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW) else {
                continue;
            };
            if stat.st_dev != place.device {
                measured.is_whole = false;
                continue;
            }
            measured.entries += 1;
            // Blocks of 512 bytes, whatever the filesystem's are (stat(3type)).
            measured.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
            match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
                SFlag::S_IFDIR => {
                    let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
                    match openat(&dir, name.as_os_str(), flags, Mode::empty()) {
                        Ok(below) => open.push(File::from(below)),
                        Err(_) => measured.is_whole = false,
                    }
                }
                _ => measured.newest = measured.newest.max(Timestamp::from_second(stat.st_mtime).ok()),
            }
        }
    }
    Ok(measured)
}
