//! Where members wait for the archive: a directory of ours alone, in which nothing is but what the redactor gave.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use appliance_common::random;
use appliance_common::redact::{Counts, Redacted, Redactor};
use appliance_common::state_file::FileLock;
use ring::digest::{Context, SHA256};
use serde::Serialize;
use serde_json::Value;

use crate::options::Limits;

/// How names of staging directories begin.
const PREFIX: &str = ".staging-";
/// How names of archives end that are not whole.
pub(crate) const PARTIAL: &str = ".partial";
/// Held as long as the run lives: a directory whose lock is free was left by a run that was killed.
const LOCK: &str = "lock";
const MEMBERS: &str = "members";

/// A file of the archive.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Member {
    pub(crate) path: String,
    pub(crate) collector: String,
    pub(crate) bytes: u64,
    pub(crate) original_bytes: u64,
    pub(crate) truncated: bool,
    pub(crate) sha256: String,
}

/// The directory, and what is in it.
pub(crate) struct Staging {
    dir: PathBuf,
    redactor: Redactor,
    limits: Limits,
    used: AtomicU64,
    members: Mutex<BTreeMap<String, (Member, Counts)>>,
    _lock: FileLock,
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next start sweeps what cannot be removed now.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Staging {
    pub(crate) fn new(output_dir: &Path, redactor: Redactor, limits: Limits) -> io::Result<Self> {
        let dir = output_dir.join(format!("{PREFIX}{}", random::id()));
        DirBuilder::new().mode(0o700).create(&dir)?;
        let lock = FileLock::try_acquire(&dir.join(LOCK), "a support bundle").map_err(io::Error::other)?;
        DirBuilder::new().mode(0o700).create(dir.join(MEMBERS))?;
        Ok(Self {
            dir,
            redactor,
            limits,
            used: AtomicU64::new(0),
            members: Mutex::default(),
            _lock: lock,
        })
    }

    pub(crate) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Where the archive grows until it has its name: swept with the directory if the run is killed.
    pub(crate) fn archive(&self) -> PathBuf {
        self.dir.join(format!("archive{PARTIAL}"))
    }

    /// A member of text.
    pub(crate) fn text(&self, path: &str, collector: &str, text: &str) -> io::Result<()> {
        let shown = self.redactor.text(text);
        self.put(path, collector, &shown, text.len() as u64)
    }

    /// A member of JSON, its secrets taken out as values.
    pub(crate) fn json(&self, path: &str, collector: &str, document: Value) -> io::Result<()> {
        let shown = self.redactor.json(document);
        let original = shown.as_str().len() as u64;
        self.put(path, collector, &shown, original)
    }

    /// A member of objects, each on a line of its own, so that none has to be held with the others.
    pub(crate) fn objects(&self, path: &str, collector: &str, objects: Vec<Value>) -> io::Result<()> {
        let mut whole = Redacted::default();
        for object in objects {
            whole.join(&self.redactor.json_line(object));
        }
        let original = whole.as_str().len() as u64;
        self.put(path, collector, &whole, original)
    }

    /// Writes what the redactor gave, as much as there is room for.
    fn put(&self, path: &str, collector: &str, shown: &Redacted, original: u64) -> io::Result<()> {
        let path = self.free_name(path);
        let text = shown.as_str();
        let left = self
            .limits
            .bundle
            .saturating_sub(self.used.load(Ordering::Acquire));
        let room = usize::try_from(self.limits.member.min(left)).unwrap_or(usize::MAX);
        let kept = &text[..text.floor_char_boundary(room.min(text.len()))];
        // Documents of a line each stay documents: a cut is made between two.
        let kept = if kept.len() < text.len() {
            &kept[..kept.rfind('\n').map_or(kept.len(), |end| end + 1)]
        } else {
            kept
        };
        let truncated = kept.len() < text.len();
        let mut bytes = kept.as_bytes().to_vec();
        if truncated {
            let marker = format!("[{} bytes in all; the rest was left out]\n", text.len());
            if !is_document(&path) {
                bytes.extend(marker.as_bytes());
            }
        } else if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        self.used.fetch_add(bytes.len() as u64, Ordering::AcqRel);
        let place = self.place(&path);
        if let Some(dir) = place.parent() {
            DirBuilder::new().mode(0o700).recursive(true).create(dir)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&place)?;
        file.write_all(&bytes)?;
        let mut digest = Context::new(&SHA256);
        digest.update(&bytes);
        let member = Member {
            path: path.clone(),
            collector: collector.to_owned(),
            bytes: bytes.len() as u64,
            original_bytes: original,
            truncated,
            sha256: hex::encode(digest.finish()),
        };
        self.lock().insert(path, (member, shown.counts().clone()));
        Ok(())
    }

    fn free_name(&self, path: &str) -> String {
        let members = self.lock();
        let mut name = path.to_owned();
        let mut count = 1;
        while members.contains_key(&name) {
            count += 1;
            name = format!("{path}.{count}");
        }
        name
    }

    pub(crate) fn place(&self, path: &str) -> PathBuf {
        self.dir.join(MEMBERS).join(path)
    }

    /// What a member says, if it is there.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.place(path)).ok()
    }

    pub(crate) fn open(&self, path: &str) -> io::Result<File> {
        File::open(self.place(path))
    }

    /// Members in the order of their paths.
    pub(crate) fn members(&self) -> Vec<(Member, Counts)> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Member, Counts)>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a member is JSON, or has one on each line: nothing may be added to it.
pub(crate) fn is_document(path: &str) -> bool {
    let extension = Path::new(path)
        .extension()
        .and_then(|extension| extension.to_str());
    matches!(extension, Some("json" | "jsonl"))
}

/// Removes what runs left that were killed; a directory whose run lives is left alone.
pub(crate) fn sweep(output_dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(output_dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let path = entry.path();
        if name.starts_with(PREFIX) && entry.file_type()?.is_dir() {
            let lock = path.join(LOCK);
            if !lock.exists() || FileLock::try_acquire(&lock, "a sweep").is_ok() {
                fs::remove_dir_all(&path)?;
            }
        } else if name.starts_with(crate::archive::NAME) && name.ends_with(PARTIAL) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}
