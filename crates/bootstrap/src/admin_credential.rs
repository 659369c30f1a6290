//! `init-admin-credential`: a temporary password for the console account of a box whose installer asked for none
//! (decision 5). It is shown on local consoles, expires at the first login, and is made anew at each boot until
//! then, because one that nobody wrote down cannot be shown again.

mod judge;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::names::host_file;
use appliance_common::secret::Secret;
use appliance_common::state_file::{StateFile, StateFileError};
use appliance_kubectl_queue::{Gate, Launch, Starter};

use self::judge::{Account, Act, Record, RecordState, judge};
use crate::command::{self, ChildFailed};
use crate::consoles::Consoles;
use crate::say;
use crate::settings::Places;
use crate::token::Token;

/// The account of the installer's seed.
const USER: &str = "alga-admin";

/// Longest time one of the two programs may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Where it is shown.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    consoles: Consoles,
}

/// Why the account is as it was, or is made anew at the next boot.
#[derive(Debug, thiserror::Error)]
enum CredentialError {
    #[error("reading {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("the record of the console password")]
    Record(#[source] StateFileError),
    #[error("starting a thread")]
    Starter(#[source] io::Error),
    #[error(
        "{program} for {USER} ended with {outcome}: {said}. Log in by recovery mode, or see: journalctl -b"
    )]
    Program {
        program: &'static str,
        outcome: &'static str,
        said: String,
    },
    #[error(
        "no console took the password, so that nobody can know it; it is made anew when this is begun again"
    )]
    NotShown,
}

/// Runs `init-admin-credential`.
pub(crate) fn main(gate: Gate, places: &Places, flags: &Flags) -> ExitCode {
    let runtime = command::runtime().map_err(CredentialError::Starter);
    let done = runtime.and_then(|runtime| runtime.block_on(settle(gate, places, &flags.consoles)));
    command::ended("init-admin-credential", done)
}

async fn settle(gate: Gate, places: &Places, consoles: &Consoles) -> Result<(), CredentialError> {
    let shadow = places.below_root("/etc/shadow");
    let text = fs::read_to_string(&shadow).map(Secret::new);
    let text = text.map_err(|source| CredentialError::Unreadable { path: shadow, source })?;
    let file = StateFile::<Record>::at(places.host_state_dir.join(host_file::ADMIN_PASSWORD_STATE));
    let record = file.load().map_err(CredentialError::Record)?;
    let now = Clock::system().now();
    let boot_id = places.boot_id();
    match judge(
        Account::of(text.expose(), USER).as_ref(),
        record.as_ref(),
        &boot_id,
    ) {
        Act::Leave => Ok(()),
        Act::Changed => {
            let created_at = record.map_or(now, |record| record.created_at);
            let changed = Record {
                state: RecordState::Changed,
                created_at,
                boot_id,
                changed_at: Some(now),
            };
            file.store(&changed).map_err(CredentialError::Record)
        }
        Act::Make => {
            let mut record = Record {
                state: RecordState::Setting,
                created_at: now,
                boot_id,
                changed_at: None,
            };
            // First of all: from now on the account is ours, whatever of the rest is done.
            file.store(&record).map_err(CredentialError::Record)?;
            make(gate, consoles).await?;
            record.state = RecordState::Temporary;
            file.store(&record).map_err(CredentialError::Record)
        }
    }
}

async fn make(gate: Gate, consoles: &Consoles) -> Result<(), CredentialError> {
    let starter = Starter::new(gate).map_err(CredentialError::Starter)?;
    // As strong as the setup token, and as easy to type.
    let password = Token::make();
    let line = Secret::new(format!("{USER}:{}\n", password.shown()));
    run(&starter, "chpasswd", &[], Some(&line)).await?;
    run(&starter, "chage", &["-d", "0", USER], None).await?;
    show(&password, consoles)
}

async fn run(
    starter: &Starter,
    program: &'static str,
    arguments: &[&str],
    input: Option<&Secret<String>>,
) -> Result<(), CredentialError> {
    let mut launch = Launch::new(program).args(arguments.iter().copied()).limit(LIMIT);
    if let Some(input) = input {
        launch = launch.stdin(input.expose().as_bytes());
    }
    let ended = command::child(starter, launch).await.map(drop);
    ended.map_err(|ChildFailed { outcome, said }| CredentialError::Program {
        program,
        outcome,
        // What it says of a password is not repeated: its input was one.
        said: input.map_or(said, |_| "its words are kept back".to_owned()),
    })
}

fn show(password: &Token, consoles: &Consoles) -> Result<(), CredentialError> {
    let text = format!(
        "Console login: {USER}\nTemporary password: {}\nIt must be changed at the first login; until then each start of this machine shows a new one.\n",
        password.shown()
    );
    let mut is_shown = false;
    for (console, shown) in consoles.show(&text) {
        match shown {
            Ok(()) => is_shown = true,
            Err(error) => say::error(&format!(
                "init-admin-credential: showing it on {}: {error}",
                console.display()
            )),
        }
    }
    if is_shown {
        Ok(())
    } else {
        Err(CredentialError::NotShown)
    }
}
