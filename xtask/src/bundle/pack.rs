//! Archives whose bytes depend on their content alone.

use std::io::Write;

use anyhow::Result;
use appliance_common::release::reference::Digest;
use flate2::{Compression, GzBuilder};

/// A gzipped tar archive.
#[derive(Debug, Clone)]
pub struct Archive {
    /// The compressed bytes.
    pub bytes: Vec<u8>,
    /// Digest of the tar archive before it was compressed.
    pub diff_id: Digest,
}

/// Packs `files` in the order of their paths: mode 0644, root's, dated `epoch`; no gzip name or date.
///
/// # Errors
/// A path that tar cannot hold.
pub fn archive<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>, epoch: u64) -> Result<Archive> {
    let mut sorted: Vec<_> = files.into_iter().collect();
    sorted.sort_unstable();
    let mut builder = tar::Builder::new(Vec::new());
    for (path, text) in sorted {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, path, text.as_bytes())?;
    }
    let tar = builder.into_inner()?;
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::best());
    gzip.write_all(&tar)?;
    Ok(Archive {
        bytes: gzip.finish()?,
        diff_id: Digest::of(&tar),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_depend_on_paths_and_content_and_not_on_their_order() {
        let forth = archive([("base/a.yaml", "a"), ("base/b.yaml", "b")], 7).unwrap();
        let back = archive([("base/b.yaml", "b"), ("base/a.yaml", "a")], 7).unwrap();
        assert_eq!(forth.bytes, back.bytes);
        let other = archive([("base/a.yaml", "a"), ("base/b.yaml", "c")], 7).unwrap();
        assert_ne!(forth.bytes, other.bytes);
    }

    #[test]
    fn nothing_of_the_builder_is_in_the_archive() {
        let packed = archive([("base/a.yaml", "a")], 7).unwrap();
        assert_eq!(packed.bytes[3], 0, "gzip flags: no name, no comment");
        assert_eq!(packed.bytes[4..8], [0; 4], "gzip date");
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(packed.bytes.as_slice()));
        let entry = tar.entries().unwrap().next().unwrap().unwrap();
        let header = entry.header();
        assert_eq!(
            (
                header.mtime().unwrap(),
                header.uid().unwrap(),
                header.gid().unwrap()
            ),
            (7, 0, 0)
        );
        assert_eq!(header.username().unwrap(), Some(""));
    }
}
