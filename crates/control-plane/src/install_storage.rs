//! `appliance-control-plane install-storage`: storage reconciliation on its own, for the host and for
//! people. Exits 0 when storage is as it should be, 1 for every failure and wrong use (20 §7).

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use appliance_common::clock::Clock;
use appliance_common::cluster::{ClusterError, ClusterSource};
use appliance_common::host::lock_appliance;
use appliance_common::meter::Meter;
use appliance_common::names::{self, file};
use appliance_common::process::{chain, exit_with};
use appliance_common::state_file::{FileLock, LockError};
use appliance_common::storage::{Plan, Storage, StorageError, unseen};
use clap::Parser;

use crate::settings::StorageArgs;

/// Its name on the command line.
const NAME: &str = "install-storage";

/// Makes storage as the appliance needs it.
#[derive(Debug, Clone, Parser)]
#[command(name = "install-storage", version)]
struct Arguments {
    /// Kubeconfig of the cluster.
    #[arg(long, env = "KUBECONFIG")]
    kubeconfig: PathBuf,
    /// Print what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Install state; the record of storage and the appliance's lock are beside it.
    #[arg(long, env = "ALGA_APPLIANCE_STATE_FILE", default_value_os_t = PathBuf::from(names::STATE_DIR).join(file::INSTALL_STATE))]
    state_file: PathBuf,
    /// Unix socket of the host agent.
    #[arg(long, env = "ALGA_APPLIANCE_HOST_AGENT_SOCKET", default_value = names::HOST_AGENT_SOCKET)]
    host_agent_socket: PathBuf,
    #[command(flatten)]
    storage: StorageArgs,
}

/// Why storage was not installed.
#[derive(Debug, thiserror::Error)]
enum InstallError {
    /// There is no kubeconfig.
    #[error("kubeconfig {} does not exist: name one with --kubeconfig or KUBECONFIG", .0.display())]
    NoKubeconfig(PathBuf),
    /// The kubeconfig cannot be used.
    #[error("reaching the cluster")]
    Cluster(#[source] ClusterError),
    /// Somebody works on the appliance.
    #[error("the appliance is busy: wait until the other work has ended")]
    Busy(#[source] LockError),
    /// Storage is not as it should be.
    #[error("installing storage: {next_step}")]
    Storage {
        /// What to do.
        next_step: String,
        /// Why.
        source: Box<StorageError>,
    },
    /// Nobody reads what is printed.
    #[error("printing")]
    Print(#[source] io::Error),
}

/// The arguments of this command, if `args` ask for it.
#[must_use]
pub fn requested(args: impl IntoIterator<Item = OsString>) -> Option<Vec<OsString>> {
    let mut args = args.into_iter().skip(1).peekable();
    args.next_if(|first| first == NAME)?;
    Some(std::iter::once(NAME.into()).chain(args).collect())
}

/// Runs the command.
#[must_use]
pub fn run(args: Vec<OsString>) -> ExitCode {
    match Arguments::try_parse_from(args) {
        Ok(arguments) => exit_with(install(arguments)),
        Err(error) => {
            // What cannot be printed has no other way to be told.
            let _ = error.print();
            ExitCode::from(u8::from(error.use_stderr()))
        }
    }
}

async fn install(arguments: Arguments) -> Result<(), InstallError> {
    let kubeconfig = arguments.kubeconfig.clone();
    let settings = arguments
        .storage
        .engine(&arguments.state_file, &arguments.host_agent_socket);
    if !arguments.dry_run && !kubeconfig.is_file() {
        return Err(InstallError::NoKubeconfig(kubeconfig));
    }
    let source = ClusterSource::new(kubeconfig);
    let cluster = match source.open(Meter::default().into()).await {
        Err(error) if arguments.dry_run => return show(Err(&error)),
        opened => opened.map_err(InstallError::Cluster)?,
    };
    let (attempts, pause) = (settings.lock_attempts, settings.lock_pause);
    let storage = Storage::new(cluster, settings, Clock::system());
    if arguments.dry_run {
        let looked = storage.look().await;
        return show(looked.as_ref().map_err(|error| error as &dyn Error));
    }
    let lock = arguments.state_file.with_file_name(file::UPDATE_LOCK);
    let _lock = wait_for(&lock, attempts, pause).await?;
    let report = storage.converge(&|text| print(&text).unwrap_or_default()).await;
    let report = report.map_err(|source| InstallError::Storage {
        next_step: source.next_step(),
        source: Box::new(source),
    })?;
    print(&report.summary()).map_err(InstallError::Print)
}

/// The appliance's lock goes before that of storage.
async fn wait_for(
    path: &std::path::Path,
    attempts: u32,
    pause: std::time::Duration,
) -> Result<FileLock, InstallError> {
    let mut left = attempts;
    loop {
        left = left.saturating_sub(1);
        match lock_appliance(path, NAME) {
            Ok(lock) => return Ok(lock),
            // Only the holder can end this, and it tells nobody.
            Err(LockError::Held { .. }) if left > 0 => tokio::time::sleep(pause).await,
            Err(error) => return Err(InstallError::Busy(error)),
        }
    }
}

/// The plan for what can be seen; where nothing can be seen, that of a first installation.
fn show(plan: Result<&Plan, &dyn Error>) -> Result<(), InstallError> {
    let lines = match plan {
        Ok(plan) if plan.is_empty() => vec!["storage is as it should be: nothing to do".to_owned()],
        Ok(plan) => plan.lines(),
        Err(error) => {
            let unknown = format!("the cluster could not be looked at: {}", chain(error));
            std::iter::once(unknown).chain(unseen().lines()).collect()
        }
    };
    let print = |line: &String| print(&format!("[plan] {line}"));
    lines.iter().try_for_each(print).map_err(InstallError::Print)
}

fn print(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_known_by_its_first_argument_only() {
        let asked = |args: &[&str]| requested(args.iter().map(OsString::from)).is_some();
        assert!(asked(&["appliance-control-plane", "install-storage", "--help"]));
        assert!(!asked(&["appliance-control-plane"]));
        assert!(!asked(&["appliance-control-plane", "--port", "install-storage"]));
        assert!(!asked(&["install-storage"]));
    }
}
