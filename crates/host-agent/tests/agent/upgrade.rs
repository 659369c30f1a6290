//! An upgrade of the control plane: begun once, followed to its end whoever ends first, and told as it is.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use appliance_common::host::{ControlPlaneUpgrade, UpgradeStatus};
use appliance_common::names::{file, host_file, unit};
use appliance_common::state_file::{self, FileLock, StateFile};
use appliance_tests::standins::systemd::Systemd;
use serde_json::{Value, json};

use crate::{Host, spawn, until};

const ROUTE: &str = "/v1/control-plane/upgrade";

fn ask(host: &Host, method: &'static str, path: &'static str) -> Result<(u16, Value)> {
    // The stand-in answers on this test's runtime meanwhile.
    tokio::task::block_in_place(|| host.ask(method, path, ""))
}

fn until_so(what: &str, holds: impl Fn() -> bool) -> Result<()> {
    tokio::task::block_in_place(|| until(what, holds))
}

fn told(host: &Host) -> Result<ControlPlaneUpgrade> {
    let file = StateFile::at(host.at("state").join(file::CONTROL_PLANE_UPGRADE));
    file.load()?.context("nothing is told")
}

fn is_told(host: &Host, status: UpgradeStatus) -> bool {
    told(host).is_ok_and(|told| told.status == status)
}

fn host() -> Result<(Host, Systemd)> {
    let host = Host::start(&[], 1000)?;
    fs::create_dir_all(host.at("state"))?;
    let systemd = Systemd::below(host.root.path())?;
    systemd.starts_as(unit::CONTROL_PLANE_UPGRADE, "activating");
    Ok((host, systemd))
}

/// 50, cases 43 and 44; 10 section 12.3.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_is_begun_once_and_one_that_says_nothing_of_its_end_was_interrupted() -> Result<()> {
    let (mut host, systemd) = host()?;
    let begun = ask(&host, "POST", ROUTE)?;
    ensure!(begun == (202, json!({"ok": true, "started": true})), "{begun:?}");
    ensure!(systemd.asked() == [format!("start {}", unit::CONTROL_PLANE_UPGRADE)]);
    let again = ask(&host, "POST", ROUTE)?;
    ensure!(
        again == (202, json!({"ok": true, "started": false, "alreadyRunning": true})),
        "{again:?}"
    );
    ensure!(systemd.asked().is_empty());
    let (_, operations) = ask(&host, "GET", "/v1/operations")?;
    ensure!(
        operations["controlPlaneUpgrade"]["status"] == "running",
        "{operations}"
    );

    // The agent ends before the upgrade does; the next one sees that nothing was said.
    host.agent.kill()?;
    host.agent.wait()?;
    fs::remove_file(host.socket())?;
    host.agent = spawn(&host.root, 1000)?;
    until_so("the agent is back", || host.socket().exists())?;
    ensure!(is_told(&host, UpgradeStatus::Running));
    systemd.set(unit::CONTROL_PLANE_UPGRADE, "failed");
    until_so("its end is told", || is_told(&host, UpgradeStatus::Blocked))?;
    let message = told(&host)?.message.unwrap_or_default();
    ensure!(
        message.contains("interrupted") && message.contains("journalctl -u alga-control-plane-roll"),
        "{message}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_upgrade_says_of_its_end_stays() -> Result<()> {
    let (host, systemd) = host()?;
    ensure!(ask(&host, "POST", ROUTE)?.0 == 202);
    let complete = ControlPlaneUpgrade {
        status: UpgradeStatus::Complete,
        message: Some("it runs".to_owned()),
        ..told(&host)?
    };
    let path = host.at("state").join(file::CONTROL_PLANE_UPGRADE);
    state_file::replace(&path, &serde_json::to_vec(&complete)?, 0o640)?;
    systemd.set(unit::CONTROL_PLANE_UPGRADE, "inactive");
    // Its end was seen when another one may begin.
    until_so("another one may begin", || {
        ask(&host, "POST", ROUTE).is_ok_and(|(_, body)| body["started"] == true)
            || !is_told(&host, UpgradeStatus::Complete)
    })?;
    ensure!(told(&host)?.status == UpgradeStatus::Running);
    Ok(())
}

/// Case 46.
#[tokio::test(flavor = "multi_thread")]
async fn two_requests_at_once_are_one_upgrade() -> Result<()> {
    let (host, systemd) = host()?;
    let answers = std::thread::scope(|scope| {
        let asking = [(); 4].map(|()| scope.spawn(|| host.ask("POST", ROUTE, "")));
        asking.map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err(anyhow::anyhow!("a request panicked")))
        })
    });
    let mut started = 0;
    for answer in answers {
        let (status, body) = answer?;
        ensure!(status == 202, "{status} {body}");
        started += usize::from(body["started"] == true);
    }
    ensure!(started == 1, "{started} upgrades were begun");
    ensure!(systemd.asked().len() == 1);
    Ok(())
}

/// 50, case 45: never beside another change of the appliance, and what cannot be started is no upgrade.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_is_not_begun_beside_another_change() -> Result<()> {
    let (host, systemd) = host()?;
    let lock = host.at("state").join(file::UPDATE_LOCK);
    {
        let _held = FileLock::try_acquire(&lock, "an update of the application")?;
        let (status, body) = ask(&host, "POST", ROUTE)?;
        let why = body["error"].as_str().unwrap_or_default();
        ensure!(
            status == 409 && why.contains("an update of the application"),
            "{status} {body}"
        );
    }
    let now = jiff::Timestamp::now();
    let shipped =
        json!({"status": "update-running", "updatedAt": now, "update": {"scope": "application-only"}});
    let state = host.at("state").join(file::INSTALL_STATE);
    state_file::replace(&state, shipped.to_string().as_bytes(), 0o600)?;
    ensure!(ask(&host, "POST", ROUTE)?.0 == 409);
    fs::remove_file(&state)?;
    ensure!(systemd.asked().is_empty());
    ensure!(!host.at("state").join(file::CONTROL_PLANE_UPGRADE).exists());
    drop(systemd);
    let (status, body) = ask(&host, "POST", ROUTE)?;
    let why = body["error"].as_str().unwrap_or_default();
    ensure!(status == 500 && why.contains("system bus"), "{status} {body}");
    Ok(())
}

/// A link on the pod's volume leads root nowhere, and what confirms a reset is not told.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_through_a_link_and_no_nonce_is_told() -> Result<()> {
    let (host, _systemd) = host()?;
    let target = host.at("etc/shadow");
    state_file::replace(&target, b"root:x", 0o600)?;
    let path = host.at("state").join(file::CONTROL_PLANE_UPGRADE);
    std::os::unix::fs::symlink(Path::new(&target), &path)?;
    ensure!(ask(&host, "POST", ROUTE)?.0 == 202);
    ensure!(fs::read(&target)? == b"root:x" && fs::symlink_metadata(&path)?.is_file());
    let reset = json!({
        "phase": "planned", "scope": "data", "storagePath": "/var/mnt/alga-data", "nonce": "n0nce-canary",
        "plannedAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z", "confirmed": false,
    });
    let record = host.at("host").join(host_file::RESET_STATE);
    state_file::replace(&record, reset.to_string().as_bytes(), 0o600)?;
    let (_, operations) = ask(&host, "GET", "/v1/operations")?;
    ensure!(operations["reset"]["phase"] == "planned", "{operations}");
    ensure!(!operations.to_string().contains("n0nce-canary"), "{operations}");
    Ok(())
}
