//! `reset`: takes the application's data away, the application, or everything down to the first day, so that
//! cluster and box agree at every moment about what is there (60 §4).
//!
//! `plan` shows what would go and changes nothing but the record of the plan; `apply` takes its nonce and a
//! typed phrase, and once confirmed goes on to its end however often it is begun again.

mod apply;
mod asked;
mod cluster;
mod holders;
mod journal;
mod keep;
mod measure;
mod place;
mod report;
mod wipe;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use appliance_common::agent_api::ResetEnd;
use appliance_common::clock::Clock;
use appliance_common::cluster::ClusterError;
use appliance_common::host::ResetScope;
use appliance_common::meter::Meter;
use appliance_common::names::{VOLUMES_DIR, file};
use appliance_common::state_file::{FileLock, LockError, StateFileError};
use clap::{Args, Subcommand, ValueEnum};

use self::apply::{ApplyError, Resets};
use self::journal::{Confirmation, Journal, JournalError, Unconfirmed};
use self::place::{Place, PlaceError};
use crate::settings::Places;
use crate::{command, owned};

/// What to do.
#[derive(Debug, Clone, Args)]
pub(crate) struct Flags {
    #[command(subcommand)]
    job: Job,
}

#[derive(Debug, Clone, Subcommand)]
enum Job {
    /// Shows what would go, and the words that confirm it
    Plan(Target),
    /// Takes it away; begun again, it goes on where it stopped
    Apply(Apply),
    /// Does what was asked for over the host agent's socket, or goes on with what was stopped
    #[command(hide = true)]
    Asked,
}

#[derive(Debug, Clone, Args)]
struct Target {
    /// How much goes
    #[arg(long, value_enum, default_value_t = Scope::Data)]
    scope: Scope,
    /// Directory of the volumes
    #[arg(long, value_name = "PATH", default_value = VOLUMES_DIR)]
    storage_path: String,
    /// Allow a directory outside the data disk; to be given twice, the same both times
    #[arg(long, value_name = "PATH")]
    allow_path: Vec<String>,
}

#[derive(Debug, Clone, Args)]
struct Apply {
    #[command(flatten)]
    target: Target,
    /// Nonce of the plan
    #[arg(long, value_name = "NONCE", default_value = "")]
    confirm: String,
    /// `WIPE` and the id that the plan shows
    #[arg(long = "type", value_name = "PHRASE", default_value = "")]
    phrase: String,
    /// Keep a copy of volumes and documents below this directory first
    #[arg(long, value_name = "DIR", conflicts_with = "no_backup")]
    backup: Option<PathBuf>,
    /// Keep no copy
    #[arg(long)]
    no_backup: bool,
    /// Show the steps and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// The application's volumes; Flux installs it anew
    Data,
    /// The application as well
    App,
    /// The box's own documents as well
    Factory,
}

impl From<Scope> for ResetScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Data => Self::Data,
            Scope::App => Self::App,
            Scope::Factory => Self::Factory,
        }
    }
}

impl From<ResetScope> for Scope {
    fn from(scope: ResetScope) -> Self {
        match scope {
            ResetScope::Data => Self::Data,
            ResetScope::App => Self::App,
            ResetScope::Factory => Self::Factory,
        }
    }
}

/// Why nothing more was done.
#[derive(Debug, thiserror::Error)]
enum ResetError {
    #[error(transparent)]
    Place(PlaceError),
    #[error(transparent)]
    Unconfirmed(Unconfirmed),
    #[error(transparent)]
    Journal(JournalError),
    #[error("another operation works on this box; try again when it is done")]
    Busy(#[source] LockError),
    #[error("say where a copy is kept (--backup DIR), or that none is wanted (--no-backup)")]
    NoBackupChoice,
    #[error("the copy cannot be kept in {}: it must be an absolute path outside {}", backup.display(), inside.display())]
    BackupInside { backup: PathBuf, inside: PathBuf },
    #[error("only root may take data away; run it with sudo")]
    NotRoot,
    #[error(
        "connecting to the cluster; the data cannot be taken from under a cluster that nobody can ask. See: systemctl status k3s"
    )]
    Cluster(#[source] ClusterError),
    #[error(transparent)]
    Apply(ApplyError),
    #[error("reading the storage path")]
    Measure(#[source] io::Error),
    #[error("reading or writing what passes between the host agent and this program")]
    Asked(#[source] StateFileError),
    #[error("starting the async runtime")]
    Runtime(#[source] io::Error),
    #[error("writing to the terminal")]
    Output(#[source] io::Error),
}

impl ResetError {
    fn code(&self) -> ExitCode {
        match self.end() {
            ResetEnd::Refused => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    fn end(&self) -> ResetEnd {
        match self {
            Self::Place(error) if error.is_refusal() => ResetEnd::Refused,
            Self::Unconfirmed(_) | Self::NoBackupChoice | Self::BackupInside { .. } => ResetEnd::Refused,
            Self::Busy(_) => ResetEnd::Busy,
            _ => ResetEnd::Failed,
        }
    }
}

/// Runs the subcommand.
pub(crate) fn main(places: &Places, flags: Flags) -> ExitCode {
    let mut out = io::stdout();
    let runtime = command::runtime().map_err(ResetError::Runtime);
    let done = runtime.and_then(|runtime| {
        runtime.block_on(async {
            match flags.job {
                Job::Plan(target) => plan(places, &target, &mut out).await,
                Job::Apply(apply) => begin(places, &apply, &mut out).await,
                Job::Asked => asked::answer(places).await,
            }
        })
    });
    command::ended_as("reset", done, ResetError::code)
}

async fn plan(places: &Places, target: &Target, out: &mut dyn Write) -> Result<(), ResetError> {
    let place = Place::parse(&target.storage_path, &target.allow_path).map_err(ResetError::Place)?;
    let open = place.open(&places.host_root).map_err(ResetError::Place)?;
    let journal = Journal::at(places, Clock::system());
    let known = journal.load().map_err(ResetError::Journal)?;
    if let Some(state) = known.filter(appliance_common::host::ResetState::is_under_way) {
        return report::under_way(&state, out).map_err(ResetError::Output);
    }
    let measured = open
        .as_ref()
        .map(measure::measure)
        .transpose()
        .map_err(ResetError::Measure)?;
    let inventory = report::Inventory {
        cluster: look(places).await,
        disk: measured,
        site: site(places),
    };
    let state = journal
        .plan(target.scope.into(), place.path())
        .map_err(ResetError::Journal)?;
    report::planned(&state, &inventory, out).map_err(ResetError::Output)
}

async fn begin(places: &Places, apply: &Apply, out: &mut dyn Write) -> Result<(), ResetError> {
    let target = &apply.target;
    let place = Place::parse(&target.storage_path, &target.allow_path).map_err(ResetError::Place)?;
    place.open(&places.host_root).map_err(ResetError::Place)?;
    let scope = target.scope.into();
    if apply.dry_run {
        return report::steps(scope, place.path(), out).map_err(ResetError::Output);
    }
    if !nix::unistd::Uid::effective().is_root() && places.host_root == Path::new("/") {
        return Err(ResetError::NotRoot);
    }
    let _locks = locks(places)?;
    let journal = Journal::at(places, Clock::system());
    let known = journal.load().map_err(ResetError::Journal)?;
    let mut state = match known {
        Some(state) if state.is_under_way() => state,
        known => {
            let site = site(places);
            let by = Confirmation {
                nonce: &apply.confirm,
                phrase: &apply.phrase,
                site: &site,
                scope,
                storage_path: place.path(),
            };
            journal::confirmed(known.as_ref(), &by, journal.now()).map_err(ResetError::Unconfirmed)?;
            if apply.backup.is_none() && !apply.no_backup {
                return Err(ResetError::NoBackupChoice);
            }
            if let Some(backup) = &apply.backup {
                is_elsewhere(backup, &[place.path(), &places.state_dir])?;
            }
            let mut state = known.ok_or(ResetError::Unconfirmed(Unconfirmed::NoPlan))?;
            state.confirmed = true;
            state.backup = apply.backup.as_ref().map(|dir| dir.display().to_string());
            journal.store(&state).map_err(ResetError::Journal)?;
            state
        }
    };
    // The record may be of another call: its path is judged like any other.
    let place = Place::parse(&state.storage_path, &target.allow_path).map_err(ResetError::Place)?;
    let cluster = places
        .cluster_source()
        .open(Arc::new(Meter::default()))
        .await
        .map_err(ResetError::Cluster)?;
    let resets = Resets {
        places,
        cluster: &cluster,
        journal: &journal,
        place: &place,
    };
    resets.carry_out(&mut state, out).await.map_err(ResetError::Apply)
}

/// Host lock, then the appliance's: nothing else changes the box meanwhile (decision 15).
fn locks(places: &Places) -> Result<[FileLock; 2], ResetError> {
    let note = format!("alga-appliance-bootstrap reset, process {}", std::process::id());
    let host = places.below_root(appliance_common::names::HOST_LOCK);
    let host = FileLock::try_acquire(&host, &note).map_err(ResetError::Busy)?;
    let path = places.state_dir.join(file::UPDATE_LOCK);
    let update = FileLock::try_acquire(&path, &note).map_err(ResetError::Busy)?;
    // One that was made just now is root's; the control plane must be able to take it afterwards.
    owned::give_to_pod(&path).map_err(|source| ResetError::Busy(LockError::Unusable { path, source }))?;
    Ok([host, update])
}

/// A copy inside what is removed, or inside what is copied, is none.
fn is_elsewhere(backup: &Path, from: &[&Path]) -> Result<(), ResetError> {
    let canonical = backup.is_absolute() && backup.components().all(|part| part.as_os_str() != "..");
    match from
        .iter()
        .find(|inside| !canonical || backup.starts_with(inside))
    {
        None => Ok(()),
        Some(inside) => Err(ResetError::BackupInside {
            backup: backup.to_owned(),
            inside: (*inside).to_owned(),
        }),
    }
}

async fn look(places: &Places) -> Result<report::InCluster, ClusterError> {
    let cluster = places.cluster_source().open(Arc::new(Meter::default())).await?;
    Ok(report::InCluster {
        namespaces: cluster::namespaces(&cluster).await?,
        volumes: cluster::volumes(&cluster).await?,
    })
}

/// What the box is called in the phrase: its id, else its name.
fn site(places: &Places) -> String {
    let read = |path: PathBuf| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let named = read(places.state_dir.join(file::APPLIANCE_ID)).filter(|text| !text.is_empty());
    named
        .or_else(|| read(places.below_root("/etc/hostname")).filter(|text| !text.is_empty()))
        .unwrap_or_else(|| "appliance".to_owned())
}
