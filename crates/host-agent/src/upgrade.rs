//! An upgrade of the control plane: a unit of systemd's own, so that neither this agent's end nor the pod's stops it
//! (50 §8, 10 §12.3).

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::host::{ControlPlaneUpgrade, UpgradeStatus, lock_appliance};
use appliance_common::names::{file, unit};
use appliance_common::process::chain;
use appliance_common::state_file::{self, LockError, StateFile};
use appliance_common::systemd::{Systemd, SystemdError};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::routes::Agent;
use crate::settings::Settings;

/// How often a unit that runs is looked at; systemd is told nothing by it.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// By then a unit that was asked for has begun, or has ended already.
const BEGUN_WITHIN: Duration = Duration::from_secs(3);
/// Group-readable: the pod shows it.
const MODE: u32 = 0o640;
/// An update of the shipped product that says it runs is believed for this long; it took no lock (10 §12.3).
const SHIPPED_UPDATE: SignedDuration = SignedDuration::from_mins(30);

/// Why no upgrade was begun.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpgradeError {
    #[error("another operation changes the appliance; try again when it is done")]
    Busy(#[source] LockError),
    #[error("an update of the application is under way; try again when it is done")]
    Updating,
    #[error(transparent)]
    Systemd(SystemdError),
    #[error("recording the upgrade in {}", path.display())]
    Record { path: PathBuf, source: io::Error },
}

impl UpgradeError {
    /// Whether the same request may be made again later.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Busy(_) | Self::Updating)
    }
}

/// Whether an upgrade of this agent's is followed, and the lock of who begins one.
#[derive(Debug, Default)]
pub(crate) struct Upgrades {
    beginning: Mutex<()>,
    is_followed: AtomicBool,
}

/// Starts the upgrade; `false` when one runs already.
pub(crate) async fn start(agent: &Arc<Agent>) -> Result<bool, UpgradeError> {
    // Two requests at once are one upgrade.
    let _turn = agent.upgrades.beginning.lock().await;
    if agent.upgrades.is_followed.load(Ordering::Acquire) {
        return Ok(false);
    }
    let settings = &agent.settings;
    let systemd = Systemd::connect(&settings.host_root)
        .await
        .map_err(UpgradeError::Systemd)?;
    if is_running(&systemd).await.map_err(UpgradeError::Systemd)? {
        return Ok(false);
    }
    nobody_else(settings)?;
    let now = Clock::system().now();
    let begun = ControlPlaneUpgrade {
        message: Some("the host starts the upgrade".to_owned()),
        ..ControlPlaneUpgrade::begun(now)
    };
    write(settings, &begun)?;
    if let Err(error) = systemd.start(unit::CONTROL_PLANE_UPGRADE).await {
        write(
            settings,
            &blocked(
                now,
                Some(now),
                format!("it could not be started: {}", chain(&error)),
            ),
        )?;
        return Err(UpgradeError::Systemd(error));
    }
    agent.upgrades.is_followed.store(true, Ordering::Release);
    let agent = Arc::clone(agent);
    tokio::spawn(async move {
        follow(&agent.settings).await;
        agent.upgrades.is_followed.store(false, Ordering::Release);
    });
    Ok(true)
}

/// What an earlier agent began, and nobody saw end.
pub(crate) async fn resume(agent: Arc<Agent>) {
    if known(&agent.settings).is_some_and(|upgrade| upgrade.status == UpgradeStatus::Running) {
        follow(&agent.settings).await;
    }
}

/// How the last upgrade went, if there was one.
pub(crate) fn known(settings: &Settings) -> Option<ControlPlaneUpgrade> {
    StateFile::at(path(settings)).load().ok().flatten()
}

/// Until the unit has ended: one that said nothing of its end was interrupted.
async fn follow(settings: &Settings) {
    let asked = Instant::now();
    let mut was_seen = false;
    loop {
        let is_running = match Systemd::connect(&settings.host_root).await {
            Ok(systemd) => is_running(&systemd).await,
            Err(error) => Err(error),
        };
        match is_running {
            Ok(true) => was_seen = true,
            // A start is queued before it is begun.
            Ok(false) if was_seen || asked.elapsed() > BEGUN_WITHIN => break,
            Ok(false) => {}
            Err(error) => tracing::warn!(
                error = chain(&error),
                "the upgrade is not followed for the moment"
            ),
        }
        sleep(LOOK_EVERY).await;
    }
    let Some(upgrade) = known(settings).filter(|upgrade| upgrade.status == UpgradeStatus::Running) else {
        return;
    };
    let why = format!(
        "it was interrupted; the control plane that runs is the one shown. See: journalctl -u {}",
        unit::CONTROL_PLANE_UPGRADE
    );
    let ended = ControlPlaneUpgrade {
        from_image: upgrade.from_image.clone(),
        resolved_image: upgrade.resolved_image.clone(),
        ..blocked(Clock::system().now(), upgrade.started_at, why)
    };
    if let Err(error) = write(settings, &ended) {
        tracing::warn!(error = chain(&error), "the end of the upgrade cannot be told");
    }
}

async fn is_running(systemd: &Systemd) -> Result<bool, SystemdError> {
    for unit in [unit::CONTROL_PLANE_UPGRADE, unit::CONTROL_PLANE_REFRESH] {
        if systemd.state(unit).await?.as_deref() == Some("activating") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Neither a program of ours, which would have the lock, nor one of the shipped product, which takes none.
fn nobody_else(settings: &Settings) -> Result<(), UpgradeError> {
    let lock = settings.state_dir.join(file::UPDATE_LOCK);
    // One that is not there yet is nobody's, and is the pod's to make.
    if lock.exists() {
        lock_appliance(&lock, "alga-host-agent, a look").map_err(UpgradeError::Busy)?;
    }
    let state = StateFile::<Value>::at(settings.state_dir.join(file::INSTALL_STATE)).load();
    let state = state.ok().flatten().unwrap_or_default();
    if is_shipped_update(&state, Clock::system().now()) {
        return Err(UpgradeError::Updating);
    }
    Ok(())
}

fn is_shipped_update(state: &Value, now: Timestamp) -> bool {
    let updated = state["updatedAt"]
        .as_str()
        .and_then(|at| at.parse::<Timestamp>().ok());
    let is_fresh = updated.is_some_and(|at| now.duration_since(at) < SHIPPED_UPDATE);
    let status = state["status"].as_str().unwrap_or_default();
    let is_at_work = status == "update-queued" || status.ends_with("-running");
    let update = &state["update"];
    update["scope"] == "application-only" && update["generation"].is_null() && is_fresh && is_at_work
}

fn blocked(now: Timestamp, started_at: Option<Timestamp>, message: String) -> ControlPlaneUpgrade {
    ControlPlaneUpgrade {
        status: UpgradeStatus::Blocked,
        started_at,
        finished_at: Some(now),
        message: Some(message),
        ..ControlPlaneUpgrade::begun(now)
    }
}

fn path(settings: &Settings) -> PathBuf {
    let beside = || settings.state_dir.join(file::CONTROL_PLANE_UPGRADE);
    settings.upgrade_status_file.clone().unwrap_or_else(beside)
}

/// Over whatever has the name: the directory is the pod's, and a link there is replaced, never followed.
fn write(settings: &Settings, upgrade: &ControlPlaneUpgrade) -> Result<(), UpgradeError> {
    let path = path(settings);
    let written = serde_json::to_vec(upgrade)
        .map_err(io::Error::from)
        .and_then(|mut bytes| {
            bytes.push(b'\n');
            state_file::replace(&path, &bytes, MODE)?;
            if nix::unistd::Uid::effective().is_root() {
                std::os::unix::fs::lchown(&path, Some(0), Some(settings.socket_gid))?;
            }
            Ok(())
        });
    written.map_err(|source| UpgradeError::Record { path, source })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_of_the_shipped_product_is_believed_for_half_an_hour() {
        let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
        let update = |status: &str, at: &str| json!({"status": status, "updatedAt": at, "update": {"scope": "application-only"}});
        for status in ["update-queued", "update-running", "storage-install-running"] {
            assert!(is_shipped_update(&update(status, "2026-06-01T11:31:00Z"), now));
            assert!(!is_shipped_update(&update(status, "2026-06-01T11:29:00Z"), now));
        }
        let mut ours = update("update-running", "2026-06-01T11:59:00Z");
        ours["update"]["generation"] = "g".into();
        assert!(!is_shipped_update(&ours, now), "ours has a lock");
        assert!(!is_shipped_update(
            &update("update-complete", "2026-06-01T11:59:00Z"),
            now
        ));
        assert!(!is_shipped_update(&Value::Null, now));
    }
}
