//! `appliance-control-plane setup`: the wizard on a terminal, or from a file of answers.
//!
//! A client of the control plane's own HTTP API and nothing else: it writes no file, so whoever runs it
//! leaves nothing behind that the pod could not read. No secret is on its command line, in its output
//! or in its errors.

mod answers;
mod client;
mod error;
mod follow;
mod form;
mod progress;
mod settings;
mod sign_in;
mod terminal;

use std::process::ExitCode;
use std::time::Duration;

use appliance_common::process::chain;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use answers::Answers;
use client::{Client, Refused};
use error::ConsoleError;
use form::Form;
use progress::Progress;
pub use settings::ConsoleSettings;
use sign_in::SignIn;
use terminal::Terminal;

/// Longest time a submission is offered again while the control plane says that it cannot take it yet.
const SUBMIT_LIMIT: Duration = Duration::from_mins(10);
/// Pause before a submission is offered again, where the control plane names none.
const SUBMIT_PAUSE: Duration = Duration::from_secs(5);

/// Sets the appliance up as `settings` say; returns how the process ends.
#[must_use]
pub fn main(settings: ConsoleSettings) -> ExitCode {
    let terminal = Terminal::open();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal.warn(&format!("starting: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        tokio::select! {
            ended = Console::run(settings, terminal.clone()) => match ended {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    terminal.warn(&chain(&error));
                    error.exit_code()
                }
            },
            code = signalled() => code,
        }
    });
    terminal.restore();
    // A thread may still wait for the keyboard.
    runtime.shutdown_background();
    code
}

/// The exit code of the first signal that ends programs on a terminal; as shells have it.
async fn signalled() -> ExitCode {
    let of = |kind: SignalKind| async move {
        match signal(kind) {
            Ok(mut signals) => drop(signals.recv().await),
            // Then the signal ends the process by itself.
            Err(_) => std::future::pending().await,
        }
        ExitCode::from(128 + u8::try_from(kind.as_raw_value()).unwrap_or_default())
    };
    tokio::select! {
        code = of(SignalKind::interrupt()) => code,
        code = of(SignalKind::terminate()) => code,
        code = of(SignalKind::hangup()) => code,
        code = of(SignalKind::quit()) => code,
    }
}

/// One set-up.
struct Console {
    settings: ConsoleSettings,
    terminal: Terminal,
    client: Client,
}

/// What to do with answers.
enum Door {
    /// They are taken.
    Open,
    /// An install is under way.
    Running,
    /// There is one already.
    Finished { address: Option<String> },
}

impl Console {
    async fn run(settings: ConsoleSettings, terminal: Terminal) -> Result<(), ConsoleError> {
        let mut answers = match &settings.answers {
            Some(path) => Some(Answers::read(path, &terminal)?),
            None if terminal.is_interactive() => None,
            None => return Err(ConsoleError::NoTerminal),
        };
        let mut console = Self {
            client: Client::open(&settings)?,
            settings,
            terminal,
        };
        let sign_in = SignIn {
            client: &mut console.client,
            terminal: &console.terminal,
            settings: &console.settings,
            answers: answers.as_mut(),
        };
        sign_in.open().await?;
        let ended = console.install(answers).await;
        // Nobody is kept signed in by a script; a session that cannot be ended expires.
        let _ = console.client.post("/api/auth/logout", &json!({})).await;
        ended
    }

    async fn install(&mut self, answers: Option<Answers>) -> Result<(), ConsoleError> {
        let door = match self.door().await? {
            Door::Open => self.submit(answers).await?,
            door => door,
        };
        match door {
            Door::Finished { address } => {
                self.terminal
                    .say("This appliance is set up already; nothing was changed.");
                if let Some(address) = address {
                    self.terminal
                        .say(&format!("The application's address is {address}."));
                }
                return Ok(());
            }
            Door::Running => self
                .terminal
                .say("Setup is running already: no answers were sent, and it is followed to its end."),
            Door::Open => self
                .terminal
                .say("The answers are accepted. Setup runs on the appliance by itself."),
        }
        if self.settings.no_wait {
            return Ok(());
        }
        follow::follow(&mut self.client, &self.terminal, &self.settings).await
    }

    /// Whether this appliance takes answers. A block that new answers cannot lift is an error.
    async fn door(&mut self) -> Result<Door, ConsoleError> {
        let status = self.client.get("/api/status").await?;
        let is_open = status["setupReEditable"] == true;
        match progress::judge(&status) {
            Progress::Empty => Ok(Door::Open),
            Progress::Blocked(why) if is_open => {
                self.terminal.warn(&why);
                Ok(Door::Open)
            }
            Progress::Blocked(why) => Err(ConsoleError::Blocked(why)),
            // It goes on by itself in a moment.
            Progress::Running(_) if is_open && status["status"] != "setup-interrupted" => Ok(Door::Open),
            Progress::Running(_) => Ok(Door::Running),
            Progress::Finished { .. } if is_open => Ok(Door::Open),
            Progress::Finished { address } => Ok(Door::Finished { address }),
        }
    }

    /// Sends answers until they are taken: those of the file, or of a person who may correct them.
    async fn submit(&mut self, answers: Option<Answers>) -> Result<Door, ConsoleError> {
        let config = self.client.get("/api/setup/config").await?;
        let defaults = config["defaults"].clone();
        if let Some(mut answers) = answers {
            answers.complete(&defaults);
            return self.offer(&answers).await;
        }
        let terminal = self.terminal.clone();
        let mut form = Form::new(&terminal, defaults);
        form.fill().await?;
        loop {
            match self.offer(form.answers()).await {
                Err(ConsoleError::Refused(refused)) if !refused.fields.is_empty() => {
                    if !form.correct(&refused.fields).await? {
                        return Err(ConsoleError::Refused(refused));
                    }
                }
                ended => return ended,
            }
        }
    }

    /// Sends the answers, again while the control plane says that it will take them a little later.
    async fn offer(&mut self, answers: &Answers) -> Result<Door, ConsoleError> {
        let begun = Instant::now();
        loop {
            match self.client.post("/api/setup", &answers.body()).await {
                Ok(_) => return Ok(Door::Open),
                Err(ConsoleError::Refused(refused)) => match refused.code.as_str() {
                    "setup_running" => return Ok(Door::Running),
                    "setup_finished" => return Ok(Door::Finished { address: None }),
                    "cluster_unavailable" if begun.elapsed() < SUBMIT_LIMIT => self.pause(&refused).await,
                    _ => return Err(ConsoleError::Refused(refused)),
                },
                Err(error) => return Err(error),
            }
        }
    }

    async fn pause(&self, refused: &Refused) {
        let pause = refused.retry_after.unwrap_or(SUBMIT_PAUSE);
        self.terminal.warn(&format!(
            "{} The answers are sent again in {} seconds.",
            refused.sentence,
            pause.as_secs()
        ));
        sleep(pause).await;
    }
}
