//! The append-only record of what the engine did: one JSON line an event, synced before the next
//! action starts. Everything else about a run is folded from it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use appliance_common::clock::{Clock, iso_millis};
use nix::fcntl::OFlag;
use serde::{Deserialize, Serialize};

use super::history::History;
use super::run::{Event, IllegalTransition};

/// A journal beyond this is moved aside when new answers start a fresh history.
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
        if matches!(event, Event::Submitted { .. }) && self.good_length > ROTATE_AT {
            self.rotate()?;
        }
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
        append(&self.path, self.good_length, &bytes).map_err(unwritable)?;
        self.good_length += bytes.len() as u64;
        self.lines += 1;
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

    /// Moves the journal aside, so that what follows starts a file of its own.
    fn rotate(&mut self) -> Result<(), JournalError> {
        let aside = self.path.with_extension("ndjson.1");
        std::fs::rename(&self.path, aside).map_err(|source| JournalError::Unwritable {
            path: self.path.clone(),
            source,
        })?;
        (self.good_length, self.lines) = (0, 0);
        Ok(())
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
    if file.metadata()?.len() > offset {
        file.set_len(offset)?;
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
mod tests {
    use super::super::plan::StepId;
    use super::super::run::{Run, Trigger};
    use super::*;

    fn journal(dir: &Path) -> Journal {
        Journal::open(&dir.join("journal.ndjson"), Clock::system()).unwrap()
    }

    fn run_started() -> Event {
        Event::RunStarted {
            run: "r".into(),
            boot_id: "b".into(),
            trigger: Trigger::Submitted,
            inputs: None,
        }
    }

    #[test]
    fn what_was_appended_is_there_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut first = journal(dir.path());
        first
            .append(Event::Submitted {
                submission: "s".into(),
            })
            .unwrap();
        first.append(run_started()).unwrap();
        first
            .append(Event::StepStarted {
                step: StepId::Preflight,
            })
            .unwrap();
        let again = journal(dir.path());
        assert_eq!(again.history(), first.history());
        assert_eq!(
            again.history().run,
            Run::Running {
                step: Some(StepId::Preflight)
            }
        );
    }

    #[test]
    fn a_torn_last_line_is_cut_off_wherever_it_was_torn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.ndjson");
        let mut first = journal(dir.path());
        first
            .append(Event::Submitted {
                submission: "s".into(),
            })
            .unwrap();
        let good = std::fs::read(&path).unwrap();
        first.append(run_started()).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in good.len()..whole.len() {
            append(&path, 0, &whole[..length]).unwrap();
            let mut torn = journal(dir.path());
            assert_eq!(torn.history().run, Run::Queued, "torn at {length}");
            torn.append(run_started()).unwrap();
            assert_eq!(
                journal(dir.path()).history().run,
                Run::Running { step: None },
                "torn at {length}"
            );
        }
    }

    #[test]
    fn what_another_process_wrote_is_taken_in_and_written_after() {
        let dir = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (journal(dir.path()), journal(dir.path()));
        let submission = "s".to_owned();
        one.append(Event::Submitted { submission }).unwrap();
        assert!(other.catch_up().unwrap());
        assert!(!other.catch_up().unwrap());
        other.append(run_started()).unwrap();
        assert!(one.catch_up().unwrap());
        assert_eq!(one.history(), other.history());
        one.append(Event::Interrupted).unwrap();
        assert_eq!(journal(dir.path()).history(), one.history());
    }

    #[test]
    fn damage_before_the_last_line_is_an_error_never_an_empty_journal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.ndjson");
        for (content, line) in [("garbage\n", 1), ("{\"at\":\"x\",\"event\":\"completed\"}\n", 1)] {
            truncate_or_create(&path);
            append(&path, 0, content.as_bytes()).unwrap();
            match Journal::open(&path, Clock::system()) {
                Err(
                    JournalError::Corrupt { line: found, .. } | JournalError::Illegal { line: found, .. },
                ) => {
                    assert_eq!(found, line);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn truncate_or_create(path: &Path) {
        File::create(path).unwrap();
    }

    #[test]
    fn a_new_submission_forgets_the_steps_of_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = journal(dir.path());
        journal
            .append(Event::Submitted {
                submission: "s".into(),
            })
            .unwrap();
        journal.append(run_started()).unwrap();
        journal
            .append(Event::StepStarted {
                step: StepId::Preflight,
            })
            .unwrap();
        assert!(
            journal
                .append(Event::Submitted {
                    submission: "t".into()
                })
                .is_err(),
            "a run is under way"
        );
        journal.append(Event::Interrupted).unwrap();
        journal
            .append(Event::Submitted {
                submission: "t".into(),
            })
            .unwrap();
        assert_eq!(journal.history().attempt, 0);
        assert!(journal.history().steps.iter().all(|step| step.attempt == 0));
    }
}
