//! Which archives are kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::archive::NAME;

/// So many.
const KEPT: usize = 5;
/// So much.
const MAX_BYTES: u64 = 1024 * 1024 * 1024;

/// An archive that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its file name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Whether a name is an archive's: nothing else is shown, sent or removed.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let Some(rest) = name
        .strip_prefix(NAME)
        .and_then(|rest| rest.strip_suffix(".tar.gz"))
    else {
        return false;
    };
    let (time, more) = rest.split_at_checked(16).unwrap_or((rest, ""));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_time = time.len() == 16
        && digits(&time[..8])
        && &time[8..9] == "T"
        && digits(&time[9..15])
        && time.ends_with('Z');
    let is_more = more.is_empty()
        || more.strip_prefix('-').is_some_and(|hex| {
            hex.len() == 6 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        });
    is_time && is_more
}

/// Those of a directory, the newest first.
///
/// # Errors
/// The directory cannot be read; one that is not there has none.
pub fn list(dir: &Path) -> io::Result<Vec<Kept>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let meta = entry.metadata()?;
        if meta.is_file() && is_name(&name) {
            found.push(Kept {
                name,
                bytes: meta.len(),
            });
        }
    }
    // The time is in the name.
    found.sort_by(|a, b| b.name.cmp(&a.name));
    Ok(found)
}

/// Removes the oldest beyond what is kept; which.
pub(crate) fn prune(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut bytes, mut removed) = (0, Vec::new());
    for (at, kept) in list(dir)?.into_iter().enumerate() {
        bytes += kept.bytes;
        if at >= KEPT || (at > 0 && bytes > MAX_BYTES) {
            let path = dir.join(kept.name);
            fs::remove_file(&path)?;
            removed.push(path);
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_ours_are_names() {
        for good in ["20260102T030405Z", "20260102T030405Z-0a1b2c"] {
            assert!(is_name(&format!("{NAME}{good}.tar.gz")), "{good}");
        }
        for bad in [
            "",
            "20260102T030405",
            "20260102T030405Z-0A1B2C",
            "20260102T030405Z/../x",
            "20260102T030405Z-",
            "2026é102T030405Z",
        ] {
            assert!(!is_name(&format!("{NAME}{bad}.tar.gz")), "{bad}");
        }
        assert!(!is_name("x.tar.gz"));
    }

    #[test]
    fn the_newest_five_stay_and_what_is_not_ours_as_well() {
        let dir = tempfile::tempdir().unwrap();
        for day in 1..=7 {
            let name = format!("{NAME}2026010{day}T000000Z.tar.gz");
            std::fs::File::create(dir.path().join(name)).unwrap();
        }
        std::fs::File::create(dir.path().join("mine.tar.gz")).unwrap();
        assert_eq!(prune(dir.path()).unwrap().len(), 2);
        let kept = list(dir.path()).unwrap();
        assert_eq!(kept.len(), 5);
        assert!(kept[0].name.contains("20260107") && kept[4].name.contains("20260103"));
        assert!(dir.path().join("mine.tar.gz").exists());
    }
}
