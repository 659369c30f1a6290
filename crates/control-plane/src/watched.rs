//! A file's content held in memory and read again when the file changes.
//!
//! A look costs one `stat`. Root's tools delete and replace these files under the running process,
//! and that must count at once.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The state of the file at `path`; `None` when there is none.
    pub(crate) fn of(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::metadata(path) {
            Ok(meta) => Ok(Some(Self {
                device: meta.dev(),
                inode: meta.ino(),
                size: meta.size(),
                modified: (meta.mtime(), meta.mtime_nsec()),
                changed: (meta.ctime(), meta.ctime_nsec()),
            })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A name for this content that a change of owner or mode leaves as it is.
    pub(crate) fn content_id(self) -> String {
        format!("{:x}.{:x}.{:x}", self.inode, self.modified.0, self.modified.1)
    }
}

/// What was made of a file, as long as the file stays as it was.
pub(crate) struct Watched<T> {
    path: PathBuf,
    load: Box<dyn Fn() -> T + Send + Sync>,
    seen: ArcSwapOption<(Option<Stamp>, Arc<T>)>,
}

impl<T> Watched<T> {
    /// Watches `path`; `load` reads it and reports an absent or damaged file as a value.
    pub(crate) fn new(path: PathBuf, load: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self {
            path,
            load: Box::new(load),
            seen: ArcSwapOption::empty(),
        }
    }

    /// The file as it is now.
    pub(crate) fn get(&self) -> Arc<T> {
        // The stamp is taken before the content: a change in between is seen by the next call.
        let Ok(stamp) = Stamp::of(&self.path) else {
            return Arc::new((self.load)());
        };
        if let Some(seen) = &*self.seen.load()
            && seen.0 == stamp
        {
            return Arc::clone(&seen.1);
        }
        let value = Arc::new((self.load)());
        self.seen.store(Some(Arc::new((stamp, Arc::clone(&value)))));
        value
    }
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_or_removed_file_is_noticed_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let read = path.clone();
        let watched = Watched::new(path.clone(), move || std::fs::read_to_string(&read).ok());
        assert_eq!(*watched.get(), None);
        for text in ["one", "two", "six"] {
            appliance_common::state_file::replace(&path, text.as_bytes(), 0o600).unwrap();
            assert_eq!(watched.get().as_deref(), Some(text));
            assert!(Arc::ptr_eq(&watched.get(), &watched.get()));
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(*watched.get(), None);
    }
}
