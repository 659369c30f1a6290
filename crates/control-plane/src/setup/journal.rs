//! The append-only record of what the engine did: one JSON line an event, synced before the next
//! action starts. Everything else about a run is folded from it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use appliance_common::clock::{Clock, iso_millis};
use appliance_common::state_file;
use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use super::history::History;
use super::run::{Event, IllegalTransition};

/// A journal beyond this is made shorter where that loses nothing that counts.
const ROTATE_AT: u64 = 1024 * 1024;
/// Largest journal that is read.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Why the journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be read.
    #[error("reading the setup journal {}", path.display())]
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line before the last is not one of ours.
    #[error("line {line} of the setup journal {} is damaged", path.display())]
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Where the parser stopped.
        source: serde_json::Error,
    },
    /// A line tells of something that cannot have happened there.
    #[error("line {line} of the setup journal {} does not follow from those before it", path.display())]
    Illegal {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What cannot follow what.
        source: IllegalTransition,
    },
    /// An event could not be made durable; the journal is as it was before.
    #[error("writing the setup journal {}", path.display())]
    Unwritable {
        /// The journal.
        path: PathBuf,
        /// What the system said; `StorageFull` when the disk is full.
        source: io::Error,
    },
}

/// One line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// When; ISO-8601 with milliseconds.
    at: String,
    #[serde(flatten)]
    event: Event,
}

/// The journal of one appliance, open for appending, and what it tells so far.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    clock: Clock,
    history: History,
    lines: usize,
    good_length: u64,
}

impl Journal {
    /// Reads the journal; one that is not there is empty. A last line that a crash tore does not count,
    /// and the next event takes its place.
    ///
    /// # Errors
    /// [`JournalError`] for everything but a torn last line.
    pub fn open(path: &Path, clock: Clock) -> Result<Self, JournalError> {
        let unreadable = |source| JournalError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let text = read(path).map_err(unreadable)?;
        let mut journal = Self {
            path: path.to_owned(),
            clock,
            history: History::default(),
            lines: 0,
            good_length: 0,
        };
        for raw in text.split_inclusive(|byte| *byte == b'\n') {
            if !journal.take(raw)? {
                break;
            }
        }
        // Left alone until the next event: another process may be in the middle of writing it.
        if journal.good_length < text.len() as u64 {
            tracing::warn!(path = %path.display(), "the last line of the setup journal is torn and does not count");
        }
        Ok(journal)
    }

    /// Takes in what another process wrote since; says whether it did.
    ///
    /// # Errors
    /// As [`Journal::open`]; this one is then as it was.
    pub fn catch_up(&mut self) -> Result<bool, JournalError> {
        let length = std::fs::metadata(&self.path).map_or(0, |meta| meta.len());
        if length == self.good_length {
            return Ok(false);
        }
        let newer = Self::open(&self.path, self.clock.clone())?;
        let has_grown = newer.history != self.history;
        *self = newer;
        Ok(has_grown)
    }

    /// Notes that the engine of the run under way lives. Nothing of it is kept on the disk.
    pub fn beat(&mut self) {
        let at = iso_millis(self.clock.now());
        self.history.beat(&at);
    }

    /// What it tells so far.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Adds one event and returns when it is on the disk.
    ///
    /// # Errors
    /// [`JournalError::Illegal`] for an event that cannot follow, [`JournalError::Unwritable`] when
    /// the disk does not take it; the journal is then as it was.
    pub fn append(&mut self, event: Event) -> Result<&History, JournalError> {
        let unwritable = |source| JournalError::Unwritable {
            path: self.path.clone(),
            source,
        };
        let line = Line {
            at: iso_millis(self.clock.now()),
            event,
        };
        let next = self
            .history
            .clone()
            .on(&line.event, &line.at)
            .map_err(|source| self.illegal(source))?;
        let mut bytes = serde_json::to_vec(&line).map_err(|error| unwritable(error.into()))?;
        bytes.push(b'\n');
        if self.good_length > ROTATE_AT
            && let Some(shorter) = self.shortened(&line.event, &bytes).map_err(unwritable)?
        {
            return self.rewrite(&shorter, next);
        }
        append(&self.path, self.good_length, &bytes).map_err(unwritable)?;
        self.good_length += bytes.len() as u64;
        self.lines += 1;
        self.history = next;
        Ok(&self.history)
    }

    /// What a journal that has grown long becomes with one more line; `None` where it only grows on.
    ///
    /// Answers begin a history of their own, and what came before is kept beside. Of what a release did after
    /// it was handed over, only the newest counts.
    fn shortened(&self, event: &Event, line: &[u8]) -> io::Result<Option<Vec<u8>>> {
        match event {
            Event::Submitted { .. } => {
                let aside = self.path.with_extension("ndjson.1");
                state_file::remove(&aside)?;
                fs::hard_link(&self.path, &aside)?;
                Ok(Some(line.to_vec()))
            }
            Event::BootstrapObserved { .. } => {
                let mut text = read(&self.path)?;
                text.truncate(usize::try_from(self.good_length).unwrap_or(usize::MAX));
                let mut kept = without_observations(&text);
                kept.extend_from_slice(line);
                // Where that is no gain, every further event would write all of it again.
                Ok((kept.len() < text.len() / 2).then_some(kept))
            }
            _ => Ok(None),
        }
    }

    /// Puts `content` in the journal's place, whole or not at all.
    fn rewrite(&mut self, content: &[u8], next: History) -> Result<&History, JournalError> {
        if let Err(source) = state_file::replace(&self.path, content, 0o600) {
            let error = JournalError::Unwritable {
                path: self.path.clone(),
                source,
            };
            // Whether the new one took the place of the old before that is what the disk says.
            self.catch_up()?;
            return Err(error);
        }
        self.good_length = content.len() as u64;
        self.lines = content.split_inclusive(|byte| *byte == b'\n').count();
        self.history = next;
        Ok(&self.history)
    }

    /// Takes one raw line into the history; `false` when it is torn, which only the last may be.
    fn take(&mut self, raw: &[u8]) -> Result<bool, JournalError> {
        let Some(line) = raw.strip_suffix(b"\n") else {
            return Ok(false);
        };
        let line: Line = serde_json::from_slice(line).map_err(|source| JournalError::Corrupt {
            path: self.path.clone(),
            line: self.lines + 1,
            source,
        })?;
        self.history = std::mem::take(&mut self.history)
            .on(&line.event, &line.at)
            .map_err(|source| self.illegal(source))?;
        self.lines += 1;
        self.good_length += raw.len() as u64;
        Ok(true)
    }

    fn illegal(&self, source: IllegalTransition) -> JournalError {
        JournalError::Illegal {
            path: self.path.clone(),
            line: self.lines + 1,
            source,
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAX_BYTES).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(bytes)
}

/// The lines that do not tell what a release did after it was handed over.
fn without_observations(text: &[u8]) -> Vec<u8> {
    let observes = |line: &[u8]| {
        let line = serde_json::from_slice::<Line>(line);
        line.is_ok_and(|line| matches!(line.event, Event::BootstrapObserved { .. }))
    };
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| !observes(line)).flatten().copied().collect()
}

/// Writes `bytes` at `offset` and syncs; a part that was written before an error is taken back.
fn append(path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)?;
    // What a crash tore may be longer than what takes its place.
    let length = file.metadata()?.len();
    if length > offset {
        file.set_len(offset)?;
    } else if length < offset {
        return Err(io::Error::other("somebody else has shortened it"));
    }
    file.seek(SeekFrom::Start(offset))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // A torn tail is also cut off at the next start; here it is only tidied early.
        let _ = file.set_len(offset);
    }
    written?;
    if offset == 0
        && let Some(dir) = path.parent()
    {
        File::open(dir)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
