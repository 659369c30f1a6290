//! `replace-k3s`: another version of k3s in the place of the one that is there, on trial until the node is Ready with
//! it, and back to the one before, with the database of its time, when it is not (50 W48).
//!
//! The trial is on the disk before anything is changed, so that whoever finds one, after a kill or a power cut, ends
//! it: called without a program, and once at each boot that finds one.

mod files;
mod trial;
mod version;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use appliance_common::host::k3s::said_version;
use appliance_common::host::{K3sReplacement, ReplacementPhase};
use appliance_common::names::host_file;
use appliance_common::process::chain;
use appliance_common::state_file::{LockError, StateFile, StateFileError};
use appliance_common::systemd::SystemdError;
use appliance_kubectl_queue::{Gate, Launch, Starter};
use jiff::Timestamp;

use self::files::{FileError, Files};
use self::trial::Trial;
use self::version::{NoVersion, NotNext, Version, follows};
use crate::settings::Places;
use crate::{command, host_lock, say};

/// Longest time k3s may take to say its version: it is a program of 70 MB on a disk that may be slow.
const VERSION_LIMIT: Duration = Duration::from_secs(30);

/// How it is done.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    /// The program of the new version, as k3s releases it; without one, a replacement that was cut short is ended
    #[arg(requires = "sha256")]
    program: Option<PathBuf>,
    /// Its SHA-256, from the release's sha256sum file
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    sha256: Option<String>,
    /// Say what would be done, and leave k3s as it is
    #[arg(long)]
    dry_run: bool,
    /// Longest wait for the node to be Ready with a version, in seconds
    #[arg(long, env = "ALGA_K3S_REPLACEMENT_TIMEOUT_SECONDS", value_name = "SECONDS", default_value_t = 600,
          value_parser = clap::value_parser!(u64).range(1..=7200))]
    ready_timeout_seconds: u64,
}

/// Why the new version is not what runs.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplaceError {
    #[error("somebody else works on this host; see who, and try again")]
    Busy(#[source] LockError),
    #[error("the program's runtime, or a thread")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    File(FileError),
    #[error("keeping the record of the replacement")]
    Record(#[source] StateFileError),
    #[error(
        "{} has the SHA-256 {is}, not {wanted}; nothing was changed. Fetch it again, or take the sum from the release's \
         own file", program.display()
    )]
    Other {
        program: PathBuf,
        is: String,
        wanted: String,
    },
    #[error("{} does not say its version ({said}); nothing was changed", program.display())]
    Silent { program: PathBuf, said: String },
    #[error("the answer of {} to --version; nothing was changed", program.display())]
    NoVersion { program: PathBuf, source: NoVersion },
    #[error("nothing was changed")]
    NotNext(#[source] NotNext),
    #[error("asking systemd")]
    Systemd(#[source] SystemdError),
    #[error("k3s {} is back, because {}", .0.from, .0.reason.as_deref().unwrap_or("it was cut short"))]
    PutBack(K3sReplacement),
    #[error(
        "k3s {from} was put back, and its node is not Ready either: {last}. See: systemctl status k3s; journalctl -u k3s; \
         then run this again"
    )]
    NotBack { from: String, last: String },
}

/// Runs `replace-k3s`; 3 says that the one before is back.
pub(crate) fn main(gate: Gate, places: &Places, flags: &Flags) -> ExitCode {
    command::ended_as(
        "replace-k3s",
        carry_out(gate, places, flags),
        |error| match error {
            ReplaceError::PutBack(_) => ExitCode::from(3),
            _ => ExitCode::FAILURE,
        },
    )
}

fn carry_out(gate: Gate, places: &Places, flags: &Flags) -> Result<(), ReplaceError> {
    let runtime = command::runtime().map_err(ReplaceError::Runtime)?;
    let starter = Starter::new(gate).map_err(ReplaceError::Runtime)?;
    let replacing = Replacing {
        places,
        files: Files::of(places),
        starter: &starter,
        record: StateFile::at(places.host_state_dir.join(host_file::K3S_REPLACEMENT)),
        ready_limit: Duration::from_secs(flags.ready_timeout_seconds),
    };
    runtime.block_on(async {
        let lock = host_lock::acquire(places, "replace-k3s").await;
        let _lock = lock.map_err(ReplaceError::Busy)?;
        let left = replacing.record.load().map_err(ReplaceError::Record)?;
        if let Some(left) = left.filter(K3sReplacement::is_open) {
            say::line(&format!(
                "ending the replacement of k3s {} by {}, which was cut short",
                left.from, left.to
            ));
            replacing.end(left).await?;
        }
        match (&flags.program, &flags.sha256) {
            (Some(program), Some(sha256)) => replacing.by(program, sha256, flags.dry_run).await,
            _ => Ok(()),
        }
    })
}

/// SHA-256 as its tools print it.
fn sha256(text: &str) -> Result<String, String> {
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex
        .then(|| text.to_ascii_lowercase())
        .ok_or_else(|| "a SHA-256 has 64 hexadecimal digits".to_owned())
}

/// One replacement on one host.
struct Replacing<'a> {
    places: &'a Places,
    files: Files,
    starter: &'a Starter,
    record: StateFile<K3sReplacement>,
    ready_limit: Duration,
}

impl Replacing<'_> {
    /// Stages the program, judges it, and tries it out.
    async fn by(&self, program: &Path, sha256: &str, is_dry: bool) -> Result<(), ReplaceError> {
        let judged = self.staged(program, sha256).await;
        let (from, to) = match judged {
            Ok(versions) if !is_dry => versions,
            judged => {
                self.files.unstage().map_err(ReplaceError::File)?;
                let (from, to) = judged?;
                planned(from, to, self.ready_limit);
                return Ok(());
            }
        };
        let begun = K3sReplacement {
            phase: ReplacementPhase::Trying,
            from: from.to_string(),
            to: to.to_string(),
            started_at: Timestamp::now(),
            ended_at: None,
            reason: None,
        };
        self.files.keep().map_err(ReplaceError::File)?;
        self.note(&begun)?;
        say::line(&format!(
            "k3s {from} makes room for {to}; what runs in the cluster goes on meanwhile"
        ));
        let placed = async {
            let trial = self.trial().await?;
            trial.stop().await.map_err(ReplaceError::Systemd)?;
            self.files.keep_database().map_err(ReplaceError::File)?;
            self.files.put_in_place().map_err(ReplaceError::File)
        };
        match placed.await {
            Ok(()) => self.end(begun).await,
            Err(error) => self.put_back(begun, chain(&error)).await,
        }
    }

    /// Copies the program beside its place; which version runs, and which it is.
    async fn staged(&self, program: &Path, sha256: &str) -> Result<(Version, Version), ReplaceError> {
        let is = self.files.stage(program).map_err(ReplaceError::File)?;
        if is != sha256 {
            return Err(ReplaceError::Other {
                program: program.to_owned(),
                is,
                wanted: sha256.to_owned(),
            });
        }
        let from = self.version(&self.files.program).await?;
        let to = self.version(&self.files.next).await?;
        follows(from, to).map_err(ReplaceError::NotNext)?;
        Ok((from, to))
    }

    /// Ends an open one: it is done when the node is Ready with the new version, else the one before comes back.
    async fn end(&self, open: K3sReplacement) -> Result<(), ReplaceError> {
        if open.phase == ReplacementPhase::PuttingBack {
            let why = open.reason.clone().unwrap_or_default();
            return self.put_back(open, why).await;
        }
        let placed = self
            .version(&self.files.program)
            .await
            .map(|version| version.to_string());
        if placed.ok().as_ref() != Some(&open.to) {
            return self
                .put_back(
                    open,
                    "it was cut short before its program was in place".to_owned(),
                )
                .await;
        }
        let trial = self.trial().await?;
        if let Err(error) = trial.start().await {
            let why = format!("{} could not be started: {}", open.to, chain(&error));
            return self.put_back(open, why).await;
        }
        match trial.ready_with(&open.to).await {
            Ok(node) => {
                say::line(&format!("node {node} is Ready with k3s {}", open.to));
                self.ended(K3sReplacement {
                    phase: ReplacementPhase::Done,
                    ..open
                })
            }
            Err(last) => {
                let why = format!(
                    "the node was not Ready with {} within {:?} (the last look: {last}); what {} said: journalctl -u k3s",
                    open.to, self.ready_limit, open.to
                );
                self.put_back(open, why).await
            }
        }
    }

    /// The one before comes back, and its database if it was touched; why is what the caller is told.
    async fn put_back(&self, open: K3sReplacement, why: String) -> Result<(), ReplaceError> {
        say::error(&format!("putting k3s {} back: {why}", open.from));
        let open = K3sReplacement {
            phase: ReplacementPhase::PuttingBack,
            reason: Some(why),
            ..open
        };
        self.note(&open)?;
        let trial = self.trial().await?;
        trial.stop().await.map_err(ReplaceError::Systemd)?;
        self.files.put_back().map_err(ReplaceError::File)?;
        trial.start().await.map_err(ReplaceError::Systemd)?;
        // Still open when it is not: the next one tries again.
        let back = trial.ready_with(&open.from).await;
        back.map_err(|last| ReplaceError::NotBack {
            from: open.from.clone(),
            last,
        })?;
        let over = K3sReplacement {
            phase: ReplacementPhase::PutBack,
            ..open
        };
        self.ended(over.clone())?;
        Err(ReplaceError::PutBack(over))
    }

    fn ended(&self, over: K3sReplacement) -> Result<(), ReplaceError> {
        self.note(&K3sReplacement {
            ended_at: Some(Timestamp::now()),
            ..over
        })?;
        self.files.forget().map_err(ReplaceError::File)
    }

    fn note(&self, record: &K3sReplacement) -> Result<(), ReplaceError> {
        self.record.store(record).map_err(ReplaceError::Record)
    }

    async fn trial(&self) -> Result<Trial<'_>, ReplaceError> {
        Trial::of(self.places, self.ready_limit)
            .await
            .map_err(ReplaceError::Systemd)
    }

    /// What a program answers to `--version`.
    async fn version(&self, program: &Path) -> Result<Version, ReplaceError> {
        let launch = Launch::new(program).args(["--version"]).limit(VERSION_LIMIT);
        let silent = |said: String| ReplaceError::Silent {
            program: program.to_owned(),
            said,
        };
        let text = command::child(self.starter, launch).await;
        let text = text.map_err(|failed| silent(failed.outcome.to_owned()))?;
        let word = said_version(&text).ok_or_else(|| silent("no version is in its answer".to_owned()))?;
        word.parse().map_err(|source| ReplaceError::NoVersion {
            program: program.to_owned(),
            source,
        })
    }
}

fn planned(from: Version, to: Version, limit: Duration) {
    say::planned(&format!("stop k3s {from}; what runs in the cluster goes on"));
    say::planned("copy the cluster's database");
    say::planned(&format!(
        "start k3s {to}, and wait up to {limit:?} until the node is Ready with it"
    ));
    say::planned(&format!(
        "put {from} and the copy of the database back if it is not"
    ));
}
