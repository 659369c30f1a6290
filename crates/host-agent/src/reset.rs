//! A reset on the operator's wish: a unit of systemd's own plans it or carries it out, and what it says is told.

use std::time::Duration;

use appliance_common::agent_api::{ResetAnswer, ResetReply, ResetRequest, ResetStep};
use appliance_common::host::ResetState;
use appliance_common::names::{host_file, unit};
use appliance_common::process::chain;
use appliance_common::state_file::{StateFile, StateFileError};
use appliance_common::systemd::{Systemd, SystemdError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use crate::routes::Agent;
use crate::settings::Settings;

/// How often the unit is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// By then a unit that was asked for has begun, or has ended already.
const BEGUN_WITHIN: Duration = Duration::from_secs(3);
/// Longest wait for an answer: a plan measures the volumes, with a limit of its own.
const LIMIT: Duration = Duration::from_mins(1);

/// Why there is no answer of the unit's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResetError {
    #[error("a reset is at work; how far it is: GET /v1/operations")]
    UnderWay,
    #[error("passing the request on")]
    Record(#[source] StateFileError),
    #[error(transparent)]
    Systemd(SystemdError),
    #[error("it ended without an answer. See: journalctl -u {}", unit::RESET)]
    NoAnswer,
    #[error("no answer within a minute. See: journalctl -u {}", unit::RESET)]
    Late,
}

/// What came of it.
pub(crate) enum Asked {
    /// The unit has ended and has said this.
    Ended(ResetAnswer),
    /// It is confirmed, and carried out from now on.
    UnderWay(ResetReply),
}

/// Has the unit do it; waits for its answer, or until what is confirmed is under way.
pub(crate) async fn ask(agent: &Agent, request: &ResetRequest) -> Result<Asked, ResetError> {
    let _turn = agent.resets.lock().await;
    let settings = &agent.settings;
    let systemd = Systemd::connect(&settings.host_root)
        .await
        .map_err(ResetError::Systemd)?;
    if is_at_work(&systemd).await? {
        return Err(ResetError::UnderWay);
    }
    // One that was stopped is known to be under way before it is gone on with.
    let answer = file::<ResetAnswer>(settings, host_file::RESET_ANSWER);
    answer.remove().map_err(ResetError::Record)?;
    let file = file(settings, host_file::RESET_REQUEST);
    file.store(request).map_err(ResetError::Record)?;
    if let Err(error) = systemd.start(unit::RESET).await {
        // Nobody is to find it later.
        file.remove().map_err(ResetError::Record)?;
        return Err(ResetError::Systemd(error));
    }
    let asked = Instant::now();
    loop {
        let answered = answer.load().map_err(ResetError::Record)?;
        // Whoever asks again at once is not told that this one is at work.
        if let Some(answer) = answered {
            ended(&systemd, asked).await?;
            return Ok(Asked::Ended(answer));
        }
        let is_at_work = is_at_work(&systemd).await?;
        if is_at_work && request.step == ResetStep::Apply && !request.dry_run && is_under_way(settings) {
            return Ok(Asked::UnderWay(ResetReply {
                ok: true,
                is_under_way: true,
                text: "the reset is confirmed and under way".to_owned(),
            }));
        }
        if !is_at_work && asked.elapsed() > BEGUN_WITHIN {
            // It may have ended between the two looks.
            let last = answer.load().map_err(ResetError::Record)?;
            return last.map(Asked::Ended).ok_or(ResetError::NoAnswer);
        }
        if asked.elapsed() > LIMIT {
            return Err(ResetError::Late);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Waits until the unit that has answered is over.
async fn ended(systemd: &Systemd, asked: Instant) -> Result<(), ResetError> {
    while is_at_work(systemd).await? && asked.elapsed() < LIMIT {
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Goes on with what a reboot or somebody's hand stopped.
pub(crate) async fn resume(settings: &Settings) {
    let begun = match Systemd::connect(&settings.host_root).await {
        Ok(systemd) => systemd.start(unit::RESET).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(()) => tracing::warn!("a reset that was stopped is gone on with"),
        Err(error) => tracing::warn!(
            error = chain(&error),
            "a reset that was stopped cannot be gone on with"
        ),
    }
}

async fn is_at_work(systemd: &Systemd) -> Result<bool, ResetError> {
    let state = systemd.state(unit::RESET).await.map_err(ResetError::Systemd)?;
    Ok(state.as_deref() == Some("activating"))
}

/// Whether a confirmed one is on record that is not over.
pub(crate) fn is_under_way(settings: &Settings) -> bool {
    let known = file::<ResetState>(settings, host_file::RESET_STATE).load();
    known.ok().flatten().is_some_and(|state| state.is_under_way())
}

fn file<T: Serialize + DeserializeOwned>(settings: &Settings, name: &str) -> StateFile<T> {
    StateFile::at(settings.host_state_dir.join(name))
}
