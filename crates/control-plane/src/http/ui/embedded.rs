//! The pages that `build.rs` put into this program.

use bytes::Bytes;

use super::Index;
use super::file::File;

/// One file of the table that `build.rs` writes.
struct Embedded {
    path: &'static str,
    tag: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
}

static FILES: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/ui_files.rs"));

/// All of them. Nothing is copied, and nothing is read from the program's file before it is asked for.
pub(super) fn index() -> Index {
    let files = FILES.iter().map(|file| {
        let gzip = file.gzip.map(Bytes::from_static);
        let plain = Bytes::from_static(file.plain);
        (file.path.into(), File::new(file.path, file.tag, plain, gzip))
    });
    files.collect()
}
