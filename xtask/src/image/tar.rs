//! Tar archives whose bytes depend on their entries alone.

use std::io::{self, Write};

use tar::{Builder, EntryType, Header};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Without a leading slash.
    pub(crate) path: String,
    pub(crate) mode: u32,
    /// User and group.
    pub(crate) owner: u64,
    pub(crate) what: What,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Directory,
    File(Vec<u8>),
    /// To here.
    Link(String),
}

impl Entry {
    /// Root's.
    pub(crate) fn new(path: &str, mode: u32, what: What) -> Self {
        Self {
            path: path.to_owned(),
            mode,
            owner: 0,
            what,
        }
    }

    pub(super) fn owned_by(self, owner: u64) -> Self {
        Self { owner, ..self }
    }
}

/// Packs entries in the order they come in, dated `epoch`.
pub(super) fn pack(entries: &[Entry], epoch: u64) -> io::Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_gnu();
        header.set_mode(entry.mode);
        header.set_mtime(epoch);
        header.set_uid(entry.owner);
        header.set_gid(entry.owner);
        header.set_size(0);
        match &entry.what {
            What::Directory => {
                header.set_entry_type(EntryType::Directory);
                builder.append_data(&mut header, format!("{}/", entry.path), io::empty())?;
            }
            What::File(bytes) => {
                header.set_entry_type(EntryType::Regular);
                header.set_size(bytes.len() as u64);
                builder.append_data(&mut header, &entry.path, bytes.as_slice())?;
            }
            What::Link(to) => {
                header.set_entry_type(EntryType::Symlink);
                builder.append_link(&mut header, &entry.path, to)?;
            }
        }
    }
    builder.into_inner()
}

/// Compresses as well as gzip can, without a name or a date.
pub(super) fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut gzip = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes)?;
    gzip.finish()
}
