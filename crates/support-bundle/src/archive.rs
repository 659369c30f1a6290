//! The archive: a gzip-compressed tar with members in a fixed order, that has its name only when it is whole.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ring::digest::{Context, SHA256};
use tar::{Builder, EntryType, Header};

use crate::outcome::BundleError;
use crate::staging::Staging;

/// How names of archives begin.
pub const NAME: &str = "alga-appliance-support-";
/// Largest member that is read back.
const MAX_MEMBER: u64 = 64 * 1024 * 1024;
const CHUNK: usize = 64 * 1024;

/// `alga-appliance-support-<YYYYMMDD>T<HHMMSS>Z`, or with the site's name in front.
pub(crate) fn stem(site: Option<&str>, at: Timestamp) -> String {
    let time = at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
    match site {
        Some(site) => format!("{site}-support-bundle-{time}"),
        None => format!("{NAME}{time}"),
    }
}

/// Writes every member; SHA-256 and size of the archive.
pub(crate) fn write(staging: &Staging, top: Option<&str>, at: Timestamp) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(staging.archive())?;
    let mut tar = Builder::new(GzEncoder::new(file, Compression::default()));
    let time = u64::try_from(at.as_second()).unwrap_or(0);
    let named = |path: &str| top.map_or_else(|| path.to_owned(), |top| format!("{top}/{path}"));
    let mut dirs = vec!["host", "cluster", "pod", "meta"];
    let members = staging.members();
    let more = members
        .iter()
        .filter_map(|(member, _)| member.path.rsplit_once('/'));
    dirs.extend(more.map(|(dir, _)| dir));
    dirs.sort_unstable();
    dirs.dedup();
    for dir in dirs {
        let mut header = header(EntryType::Directory, 0o750, 0, time);
        tar.append_data(&mut header, format!("{}/", named(dir)), io::empty())?;
    }
    for (member, _) in members {
        let file = staging.open(&member.path)?;
        let mut header = header(EntryType::Regular, 0o640, member.bytes, time);
        tar.append_data(&mut header, named(&member.path), file.take(member.bytes))?;
    }
    let mut file = tar.into_inner()?.finish()?;
    file.flush()?;
    file.sync_all()
}

fn header(kind: EntryType, mode: u32, size: u64, time: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(time);
    header
}

/// The member in which the redactor finds a value that it knows: there must be none.
pub(crate) fn leak(staging: &Staging) -> io::Result<Option<String>> {
    let mut archive = tar::Archive::new(MultiGzDecoder::new(File::open(staging.archive())?));
    let overlap = staging.redactor().overlap();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let name = entry.path()?.display().to_string();
        let mut held: Vec<u8> = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = entry.read(&mut chunk)?;
            held.extend_from_slice(&chunk[..read]);
            if staging.redactor().knows_of(&held) {
                return Ok(Some(name));
            }
            if read == 0 {
                break;
            }
            held.drain(..held.len().saturating_sub(overlap));
        }
    }
    Ok(None)
}

/// Gives the archive its name, which nobody has; where it is.
pub(crate) fn publish(staging: &Staging, dir: &Path, stem: &str) -> io::Result<PathBuf> {
    let mut name = format!("{stem}.tar.gz");
    for _ in 0..16 {
        let path = dir.join(&name);
        // A link fails where the name is taken, which a rename does not.
        match std::fs::hard_link(staging.archive(), &path) {
            Ok(()) => {
                File::open(dir)?.sync_all()?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                name = format!("{stem}-{}.tar.gz", &appliance_common::random::id()[..6]);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// SHA-256, in hex, and size.
pub(crate) fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let (mut digest, mut bytes) = (Context::new(&SHA256), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok((hex::encode(digest.finish()), bytes));
        }
        digest.update(&chunk[..read]);
        bytes += read as u64;
    }
}

/// Every file of an archive, by its path without a directory around all of them.
pub(crate) fn read(path: &Path) -> Result<BTreeMap<String, String>, BundleError> {
    let unreadable = |why: &dyn std::fmt::Display| BundleError::Unreadable {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let mut archive = tar::Archive::new(MultiGzDecoder::new(file));
    let mut members = BTreeMap::new();
    for entry in archive.entries().map_err(|error| unreadable(&error))? {
        let entry = entry.map_err(|error| unreadable(&error))?;
        if entry.header().entry_type() != EntryType::Regular {
            continue;
        }
        let name = entry.path().map_err(|error| unreadable(&error))?;
        let name = name.to_string_lossy().trim_start_matches("./").to_owned();
        let mut bytes = Vec::new();
        let mut limited = entry.take(MAX_MEMBER);
        limited
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(&error))?;
        members.insert(name, String::from_utf8_lossy(&bytes).into_owned());
    }
    let top = members
        .keys()
        .find_map(|name| name.strip_suffix("/manifest.json").map(|top| format!("{top}/")));
    if let Some(top) = top {
        members = members
            .into_iter()
            .map(|(name, text)| (name.strip_prefix(&top).unwrap_or(&name).to_owned(), text))
            .collect();
    }
    Ok(members)
}
