//! A reset over the socket: a unit of systemd's does it, and what it says is told.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use appliance_common::agent_api::{ResetAnswer, ResetEnd, ResetRequest};
use appliance_common::host::{ResetPhase, ResetScope, ResetState};
use appliance_common::names::{host_file, unit};
use appliance_common::state_file::StateFile;
use appliance_tests::standins::systemd::Systemd;
use serde_json::Value;

use crate::{Host, spawn, until};

const ROUTE: &str = "/v1/reset";
const PLAN: &str = r#"{"step": "plan", "scope": "app"}"#;
const APPLY: &str = r#"{"step": "apply", "scope": "app", "confirm": "n", "type": "WIPE box"}"#;

/// The unit as the agent sees it: it takes the request and leaves its answer.
struct Unit {
    systemd: Systemd,
    dir: PathBuf,
}

impl Unit {
    fn of(host: &Host) -> Result<Self> {
        let systemd = Systemd::below(host.root.path())?;
        systemd.starts_as(unit::RESET, "activating");
        let dir = host.at("host");
        std::fs::create_dir_all(&dir)?;
        Ok(Self { systemd, dir })
    }

    fn request(&self) -> StateFile<ResetRequest> {
        StateFile::at(self.dir.join(host_file::RESET_REQUEST))
    }

    /// Asks, and is the unit meanwhile.
    fn answers(&self, host: &Host, body: &str, end: ResetEnd, text: &str) -> Result<(u16, Value)> {
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| host.ask("POST", ROUTE, body));
            until("there is a request", || self.request().path().exists())?;
            let asked = self.request().load()?.context("no request")?;
            ensure!(asked == serde_json::from_str(body)?, "{asked:?}");
            self.request().remove()?;
            let answer = StateFile::at(self.dir.join(host_file::RESET_ANSWER));
            let text = text.to_owned();
            answer.store(&ResetAnswer { end, text })?;
            self.systemd.set(unit::RESET, "inactive");
            asking.join().ok().context("the asking thread panicked")?
        })
    }

    fn record(&self, phase: ResetPhase) -> Result<()> {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let state = ResetState {
            phase,
            confirmed: true,
            ..ResetState::planned(ResetScope::App, "/var/mnt/alga-data", "n".to_owned(), now)
        };
        StateFile::at(self.dir.join(host_file::RESET_STATE)).store(&state)?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_unit_answers_is_what_the_caller_gets() -> Result<()> {
    let host = Host::start(&[], 1000)?;
    let unit = Unit::of(&host)?;
    for (body, end, status, key) in [
        (PLAN, ResetEnd::Done, 200, "text"),
        (APPLY, ResetEnd::Done, 200, "text"),
        (APPLY, ResetEnd::Refused, 400, "error"),
        (APPLY, ResetEnd::Busy, 409, "error"),
        (APPLY, ResetEnd::Failed, 500, "error"),
    ] {
        let answer = tokio::task::block_in_place(|| unit.answers(&host, body, end, "as it is"))?;
        ensure!(answer.0 == status, "{end:?}: {answer:?}");
        ensure!(answer.1[key] == "as it is", "{end:?}: {answer:?}");
        ensure!(unit.systemd.asked() == [format!("start {}", unit::RESET)]);
    }
    for body in [
        "",
        "{}",
        r#"{"step": "apply"}"#,
        r#"{"step": "plan", "scope": "app", "backup": "/etc"}"#,
    ] {
        let (status, answer) = tokio::task::block_in_place(|| host.ask("POST", ROUTE, body))?;
        ensure!(status == 400, "{body}: {answer}");
    }
    ensure!(unit.systemd.asked().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_one_is_answered_while_it_works_and_gone_on_with_by_the_next_agent() -> Result<()> {
    let mut host = Host::start(&[], 1000)?;
    let unit = Unit::of(&host)?;
    unit.record(ResetPhase::Quiesced)?;
    let ask = |host: &Host, body: &str| tokio::task::block_in_place(|| host.ask("POST", ROUTE, body));
    let (status, begun) = ask(&host, APPLY)?;
    ensure!(status == 202 && begun["isUnderWay"] == true, "{begun}");
    let (status, refused) = ask(&host, PLAN)?;
    ensure!(status == 409, "{refused}");
    ensure!(unit.systemd.asked() == [format!("start {}", unit::RESET)]);

    // The box went down meanwhile, and the record says that it was not over.
    host.agent.kill()?;
    host.agent.wait()?;
    unit.systemd.set(unit::RESET, "inactive");
    host.agent = spawn(&host.root, 1000)?;
    tokio::task::block_in_place(|| {
        until("it is gone on with", || {
            unit.systemd.asked() == [format!("start {}", unit::RESET)]
        })
    })?;
    // What is complete is left alone.
    host.agent.kill()?;
    host.agent.wait()?;
    unit.record(ResetPhase::Complete)?;
    unit.systemd.set(unit::RESET, "inactive");
    host.agent = spawn(&host.root, 1000)?;
    tokio::task::block_in_place(|| until("it answers", || host.ask("GET", "/v1/health", "").is_ok()))?;
    ensure!(unit.systemd.asked().is_empty());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_ends_without_an_answer_is_named() -> Result<()> {
    let host = Host::start(&[], 1000)?;
    let unit = Unit::of(&host)?;
    unit.systemd.starts_as(unit::RESET, "failed");
    let (status, answer) = tokio::task::block_in_place(|| host.ask("POST", ROUTE, PLAN))?;
    let why = answer["error"].as_str().unwrap_or_default();
    ensure!(
        status == 500 && why.contains("journalctl -u alga-appliance-reset"),
        "{answer}"
    );
    Ok(())
}
