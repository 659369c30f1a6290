//! What setup does by itself about a failure that can pass, and what an operator can do about any.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use appliance_common::clock::Clock;
use appliance_common::names::file;
use appliance_control_plane::setup::board::View;
use appliance_control_plane::setup::retry::{RetryPolicy, Verdict};
use appliance_control_plane::setup::run::Run;
use appliance_control_plane::setup::{ControlError, Setup};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::scene::{RUN_LIMIT, answers, ended, journal_lines, killed_at, reading, released, submit};
use crate::site::Site;

/// Deadline of one request to a registry that does not answer.
const REGISTRY_TIMEOUT: Duration = Duration::from_millis(500);

/// A box that tries again within moments.
async fn impatient(max_attempts: u32) -> Result<Site> {
    let mut site = Site::start().await?;
    let settings = &mut site.volume.settings;
    settings.registry.timeout = REGISTRY_TIMEOUT;
    settings.retry.policy = RetryPolicy {
        enabled: true,
        max_attempts,
        base: Duration::from_millis(100),
        max: Duration::from_secs(5),
    };
    settings.retry.interval = Duration::from_millis(50);
    settings.retry.probe_ttl = Duration::from_millis(100);
    Ok(site)
}

fn viewed(setup: &Setup) -> Result<Arc<View>> {
    let view = setup.view();
    view.map_err(|cause| anyhow::anyhow!("{cause}"))
}

/// Waits for what the board shows.
async fn shown(setup: &Setup, condition: impl Fn(&View) -> bool) -> Result<()> {
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    let seen = tokio::time::timeout(RUN_LIMIT, views.wait_for(|view| condition(view))).await;
    seen.with_context(|| format!("not shown: {:?}", setup.view()))??;
    Ok(())
}

async fn completes(site: &Site, setup: &Setup) -> Result<()> {
    shown(setup, |view| view.history.run == Run::Complete).await?;
    ensure!(site.volume.document(file::INSTALL_STATE)?["status"] == "release-config-complete");
    Ok(())
}

/// What the journal tells of each attempt: its trigger, its begin and its end.
fn attempts(site: &Site) -> Result<Vec<(String, Timestamp, Timestamp)>> {
    let mut attempts: Vec<(String, Timestamp, Timestamp)> = Vec::new();
    for line in journal_lines(&site.volume)? {
        let line: Value = serde_json::from_str(&line)?;
        let at: Timestamp = line["at"].as_str().context("no time")?.parse()?;
        match line["event"].as_str() {
            Some("run-started") => {
                attempts.push((line["trigger"].as_str().unwrap_or("?").to_owned(), at, at));
            }
            Some("step-failed") => attempts.last_mut().context("no attempt")?.2 = at,
            _ => {}
        }
    }
    Ok(attempts)
}

/// A release channel that answers 404 would be final; a registry that answers `/v2/` and breaks off
/// every manifest passes each look and fails each attempt.
async fn broken_registry() -> Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let host = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let answer: &[u8] = if request[..length].starts_with(b"GET /v2/ ") {
                    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
                } else {
                    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                };
                let _ = stream.write_all(answer).await;
            });
        }
    });
    Ok(host)
}

#[tokio::test]
async fn what_always_fails_is_tried_exactly_as_often_as_allowed_with_growing_gaps() -> Result<()> {
    let mut site = impatient(3).await?;
    let host = broken_registry().await?;
    site.volume.settings.registry.host = host.parse()?;
    site.volume.settings.retry.policy.base = Duration::from_secs(1);
    // A tick is far shorter than an attempt, and the process is started anew in between.
    site.volume.settings.retry.interval = Duration::from_millis(1);
    let setup = site.open();
    setup.resume();
    submit(&setup, &answers()).await?;
    shown(&setup, |view| {
        view.history.automatic == 1 && matches!(view.history.run, Run::Blocked { .. })
    })
    .await?;
    setup.stop();
    drop(setup);
    released(&site.volume).await?;

    let setup = site.open();
    setup.resume();
    let policy = site.volume.settings.retry.policy;
    shown(&setup, |view| {
        policy.judge(&view.history, Clock::system().now()) == Verdict::Exhausted
    })
    .await?;
    let found = attempts(&site)?;
    let triggers: Vec<&str> = found.iter().map(|(trigger, ..)| trigger.as_str()).collect();
    assert_eq!(triggers, ["submitted", "automatic", "automatic", "automatic"]);
    let gaps: Vec<_> = found
        .windows(2)
        .map(|pair| pair[1].1.duration_since(pair[0].2))
        .collect();
    assert!(gaps[0] < gaps[1] && gaps[1] < gaps[2], "{gaps:?}");

    let plan = setup.plan().map_err(anyhow::Error::msg)?;
    let auto = plan.auto_retry.context("no summary")?;
    assert_eq!((auto.will_retry, auto.exhausted, auto.attempts), (false, true, 3));
    assert!(plan.can_retry && plan.editable && !plan.can_cancel);
    released(&site.volume).await?;
    setup.retry().await?;
    shown(&setup, |view| {
        view.history.attempt == 5 && matches!(view.history.run, Run::Blocked { .. })
    })
    .await?;
    assert_eq!(attempts(&site)?[4].0, "operator");
    let document = site.volume.document(file::AUTO_RETRY_STATE)?;
    assert_eq!(
        document["attempts"], 3,
        "an operator's attempt is not one of them"
    );
    setup.stop();
    Ok(())
}

#[tokio::test]
async fn a_registry_that_is_down_costs_no_attempts_and_setup_goes_on_by_itself() -> Result<()> {
    let mut site = impatient(2).await?;
    site.registry.kill();
    let setup = site.open();
    setup.resume();
    submit(&setup, &answers()).await?;
    shown(&setup, |view| view.waiting.is_some()).await?;
    let first = viewed(&setup)?.waiting.clone();
    // Many looks later nothing was spent.
    for _ in 0..5 {
        let before = viewed(&setup)?.waiting.clone();
        shown(&setup, |view| view.waiting.is_some() && view.waiting != before).await?;
    }
    let view = viewed(&setup)?;
    assert_eq!((view.history.automatic, view.history.attempt), (0, 1));
    let since = |waiting: &Option<_>| {
        let waiting: &appliance_control_plane::setup::board::Waiting = waiting.as_ref()?;
        Some(waiting.since)
    };
    assert_eq!(since(&view.waiting), since(&first), "since it went down");
    let plan = setup.plan().map_err(anyhow::Error::msg)?;
    let auto = plan.auto_retry.context("no summary")?;
    assert!(auto.will_retry && !auto.exhausted);
    let waiting = auto.waiting_for.context("waits for nobody")?;
    assert!(
        waiting.contains(&site.registry.host()) && waiting.contains("next look in"),
        "{waiting}"
    );
    let document = site.volume.document(file::AUTO_RETRY_STATE)?;
    assert_eq!(document["attempts"], 0);
    assert!(document["nextAttemptAt"].is_i64() && document.get("lastAttemptAt").is_none());

    site.registry.start_again().await?;
    completes(&site, &setup).await?;
    assert_eq!(attempts(&site)?.last().context("no attempt")?.0, "automatic");
    Ok(())
}

#[tokio::test]
async fn corrected_answers_replace_those_that_are_tried_again_by_themselves() -> Result<()> {
    let site = impatient(100).await?;
    let mut wrong = answers();
    wrong["dnsMode"] = json!("custom");
    wrong["dnsServers"] = json!("127.0.0.1");
    wrong["releaseRef"] = json!("9.9.9");
    let setup = site.open();
    setup.resume();
    submit(&setup, &wrong).await?;
    assert!(matches!(ended(&setup).await?.history.run, Run::Blocked { .. }));
    released(&site.volume).await?;
    submit(&setup, &answers()).await?;
    completes(&site, &setup).await?;
    let view = viewed(&setup)?;
    assert_eq!(
        (view.history.automatic, view.history.attempt),
        (0, 1),
        "a new count"
    );
    let forgotten = async {
        while site.volume.path(file::AUTO_RETRY_STATE).exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(RUN_LIMIT, forgotten).await?;
    assert!(matches!(setup.retry().await, Err(ControlError::Finished)));
    assert!(matches!(setup.cancel().await, Err(ControlError::Finished)));
    Ok(())
}

#[tokio::test]
async fn a_queue_that_is_switched_off_neither_starts_nor_tries_again() -> Result<()> {
    let mut site = impatient(3).await?;
    site.volume.settings.queue_disabled = true;
    let setup = site.open();
    setup.resume();
    submit(&setup, &answers()).await?;
    assert_eq!(
        site.volume.document(file::INSTALL_STATE)?["status"],
        "setup-queued"
    );
    assert!(matches!(setup.retry().await, Err(ControlError::Running)));
    setup.cancel().await?;
    assert!(matches!(setup.retry().await, Err(ControlError::Disabled)));
    assert_eq!(journal_lines(&site.volume)?.len(), 2, "nothing ran");
    Ok(())
}

#[tokio::test]
async fn a_run_that_another_process_goes_on_with_is_shown_and_left_alone() -> Result<()> {
    let site = impatient(3).await?;
    killed_at(&site.volume, 6).await?;
    let held = appliance_common::state_file::FileLock::try_acquire(
        &site.volume.path(file::UPDATE_LOCK),
        "setup (another process)",
    )?;
    let setup = site.open();
    setup.resume();
    shown(&setup, |view| view.holder.is_some()).await?;
    let plan = setup.plan().map_err(anyhow::Error::msg)?;
    assert_eq!(plan.state, "running");
    assert_eq!(plan.holder.as_deref(), Some("setup (another process)"));
    assert!(matches!(setup.cancel().await, Err(ControlError::Busy(_))));
    match setup.submit(&reading(&answers())?).await {
        Err(_) => {}
        Ok(_) => bail!("a run of another process was replaced"),
    }
    assert_eq!(journal_lines(&site.volume)?.len(), 6);
    drop(held);
    completes(&site, &setup).await
}
