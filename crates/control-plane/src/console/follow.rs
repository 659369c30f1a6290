//! Following the install to its end, whatever the connection does meanwhile.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::client::Client;
use super::error::ConsoleError;
use super::progress::{Progress, judge};
use super::settings::ConsoleSettings;
use super::terminal::Terminal;

/// Longest time without any answer: a box that reboots is back before.
const LOST_LIMIT: Duration = Duration::from_mins(10);

/// Shows each change until the application is handed to Flux.
pub(super) async fn follow(
    client: &mut Client,
    terminal: &Terminal,
    settings: &ConsoleSettings,
) -> Result<(), ConsoleError> {
    let begun = Instant::now();
    let (mut heard, mut shown) = (begun, String::new());
    while begun.elapsed() < settings.timeout {
        match client.get("/api/status").await {
            Ok(status) => {
                heard = Instant::now();
                match judge(&status) {
                    Progress::Finished { address } => {
                        finished(terminal, address.as_deref());
                        return Ok(());
                    }
                    Progress::Blocked(why) => return Err(ConsoleError::Blocked(why)),
                    Progress::Running(line) => show(terminal, &mut shown, line),
                    Progress::Empty => show(terminal, &mut shown, "[setup] waiting for setup".to_owned()),
                }
            }
            Err(error) if error.may_pass() && heard.elapsed() < LOST_LIMIT => {
                let line = "[setup] the control plane does not answer just now; setup goes on by itself";
                show(terminal, &mut shown, line.to_owned());
            }
            Err(error) if error.may_pass() => {
                let (limit, source) = (LOST_LIMIT, Box::new(error));
                return Err(ConsoleError::Lost { limit, source });
            }
            Err(error) => return Err(error),
        }
        sleep(settings.poll).await;
    }
    Err(ConsoleError::TooSlow {
        limit: settings.timeout,
    })
}

fn show(terminal: &Terminal, shown: &mut String, line: String) {
    if *shown != line {
        terminal.say(&line);
        *shown = line;
    }
}

fn finished(terminal: &Terminal, address: Option<&str>) {
    terminal.say("Setup is finished: the application is handed to Flux, which installs it now.");
    if let Some(address) = address {
        terminal.say(&format!(
            "It will answer at {address}; the status page shows how far it is."
        ));
    }
}
