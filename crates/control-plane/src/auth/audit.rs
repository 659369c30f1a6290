//! Who did what to the appliance, one JSON line each, in a bounded file that rotates. Never values.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use appliance_common::clock::{Clock, iso_millis};
use serde::Serialize;

/// Size at which the file is set aside.
const MAX_BYTES: u64 = 1024 * 1024;
/// Files that were set aside and are kept: `.1` is the newest.
const KEPT: u32 = 3;
/// As much of a session's id as tells sessions apart in a log.
const SID_PREFIX: usize = 8;

/// One thing that somebody did or tried.
#[derive(Debug, Clone, Copy)]
pub struct AuditEvent<'a> {
    /// What, as `area.action`.
    pub event: &'static str,
    /// From where.
    pub peer: IpAddr,
    /// In which session.
    pub session: Option<&'a str>,
    /// `ok`, or why not in one word.
    pub result: &'static str,
}

#[derive(Serialize)]
struct Line<'a> {
    ts: String,
    event: &'a str,
    ip: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    result: &'a str,
}

/// The audit log; cheap to clone.
#[derive(Debug, Clone)]
pub struct Audit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    clock: Clock,
    writing: Mutex<()>,
    warned: AtomicBool,
}

impl Audit {
    /// The log at `path`; touches nothing.
    #[must_use]
    pub fn at(path: PathBuf, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            path,
            clock,
            writing: Mutex::new(()),
            warned: AtomicBool::new(false),
        }))
    }

    /// Writes one line. What cannot be written is said once in the log and fails nothing.
    pub async fn record(&self, event: AuditEvent<'_>) {
        let line = Line {
            ts: iso_millis(self.0.clock.now()),
            event: event.event,
            ip: event.peer,
            sid: event.session.map(|sid| sid.get(..SID_PREFIX).unwrap_or(sid)),
            result: event.result,
        };
        let Ok(mut text) = serde_json::to_string(&line) else {
            return;
        };
        text.push('\n');
        let inner = Arc::clone(&self.0);
        let written = tokio::task::spawn_blocking(move || {
            let _one_at_a_time = inner.writing.lock().unwrap_or_else(PoisonError::into_inner);
            append(&inner.path, text.as_bytes())
        });
        match written.await {
            Ok(Ok(())) => self.0.warned.store(false, Ordering::Relaxed),
            Ok(Err(error)) if !self.0.warned.swap(true, Ordering::Relaxed) => {
                tracing::warn!(%error, path = %self.0.path.display(), "the audit log cannot be written");
            }
            Ok(Err(_)) | Err(_) => {}
        }
    }
}

fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|meta| meta.len() + line.len() as u64 > MAX_BYTES) {
        for older in (1..KEPT).rev() {
            set_aside(&numbered(path, older), &numbered(path, older + 1))?;
        }
        set_aside(path, &numbered(path, 1))?;
    }
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(line)
}

fn set_aside(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn numbered(path: &Path, n: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{n}"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_tells_who_what_and_outcome_with_a_session_cut_short() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        let clock = Clock::from_fn(|| "2026-01-02T03:04:05.678Z".parse().unwrap());
        let event = AuditEvent {
            event: "auth.login",
            peer: IpAddr::from([192, 0, 2, 1]),
            session: Some("0123456789abcdef"),
            result: "ok",
        };
        Audit::at(path.clone(), clock).record(event).await;
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            concat!(
                r#"{"ts":"2026-01-02T03:04:05.678Z","event":"auth.login","#,
                r#""ip":"192.0.2.1","sid":"01234567","result":"ok"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn the_log_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        let line = vec![b'x'; 400_000];
        for _ in 0..20 {
            append(&path, &line).unwrap();
        }
        let mut names: Vec<_> = fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["audit.log", "audit.log.1", "audit.log.2", "audit.log.3"]);
        assert!(
            names
                .iter()
                .all(|name| fs::metadata(dir.path().join(name)).unwrap().len() <= MAX_BYTES)
        );
    }

    #[tokio::test]
    async fn a_log_that_cannot_be_written_fails_nothing() {
        let audit = Audit::at(PathBuf::from("/proc/nowhere/audit.log"), Clock::system());
        let event = AuditEvent {
            event: "auth.login",
            peer: IpAddr::from([192, 0, 2, 1]),
            session: None,
            result: "ok",
        };
        audit.record(event).await;
        assert!(audit.0.warned.load(Ordering::Relaxed));
    }
}
