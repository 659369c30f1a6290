//! A whole install over the HTTP API, watched to its end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::answers::{Answers, password};
use super::api::Api;
use super::appliance::Appliance;
use super::examples::Examples;
use super::story::{At, Stopped, Story};
use super::summary::{Summary, rounded, seconds};
use super::world::World;
use super::{objects, releases};
use crate::publish::Published;

/// Longest time the workflow may take; here it is seconds.
const LIMIT: Duration = Duration::from_mins(10);

/// How often the status is asked for.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// `installState.status` of a run that has handed everything to Flux.
const COMPLETE: &str = "release-config-complete";

/// Where the application's page sends somebody who is not signed in.
const DASHBOARD: &str = "/msp/dashboard";

/// A run of the workflow that has ended well.
pub(crate) struct Handed {
    /// The state document.
    pub(crate) state: Value,
    /// From the submission to its end.
    pub(crate) took: Duration,
}

/// What an install is given.
pub(crate) struct Given<'a> {
    pub(crate) world: &'a World,
    pub(crate) answers: &'a Answers,
    pub(crate) published: &'a Published,
    /// What of it is kept as an example.
    pub(crate) examples: Option<&'a Examples<'a>>,
}

/// Installs, and waits until the application runs.
pub(crate) async fn run(story: &Story, given: &Given<'_>, mut appliance: Appliance) -> Result<Summary> {
    let Given {
        world,
        answers,
        published,
        examples,
    } = given;
    let mut api = Api::new(appliance.url())?;
    enter(story, &mut api, &appliance).await?;
    let handed = workflow(story, &mut api, &mut appliance, answers).await;
    if let (Err(_), Some(examples)) = (&handed, examples) {
        examples.of_a_stop(&mut api).await?;
    }
    let handed = handed?;
    let digest = handed.state["release"]["manifestDigest"]
        .as_str()
        .unwrap_or_default();
    let figures = appliance.run_figures().await?;
    story.say("handed over to Flux; waiting for the application");
    let ready = releases::ready(story, &world.cluster().await?).await?;
    page_answers(story, &world.app_url())
        .await
        .at("page", "look at the page that plays the application")?;
    appliance.check()?;
    if let Some(examples) = examples {
        examples.of_an_install(&mut api, &appliance).await?;
    }
    Ok(Summary {
        release: text(&handed.state["release"]["selectedReleaseVersion"]),
        channel: text(&handed.state["release"]["selectedChannel"]),
        digest: expected(digest, published)?,
        app_url: text(&answers.body()["appHostname"]),
        seconds_per_step: steps(&handed.state)?,
        seconds_until_ready: ready,
        objects_applied: objects::applied(world.kubeconfig()).await?,
        api_requests: figures.requests,
        workflow_seconds: rounded(handed.took),
        own_seconds: rounded(handed.took.saturating_sub(figures.waited)),
        total_seconds: rounded(story.elapsed()),
    })
}

/// Signs in for the first time.
pub(crate) async fn enter(story: &Story, api: &mut Api, appliance: &Appliance) -> Result<()> {
    sign_in(api, appliance.token())
        .await
        .at("sign-in", "see the control plane's log")?;
    story.say("signed in with the setup token");
    Ok(())
}

/// Signs in, submits the answers and follows the run until it has handed over to Flux.
pub(crate) async fn workflow(
    story: &Story,
    api: &mut Api,
    appliance: &mut Appliance,
    answers: &Answers,
) -> Result<Handed> {
    let config = api
        .get("/api/setup/config")
        .await
        .at("config", "see the control plane's log")?;
    story.say(format_args!(
        "the setup page offers channel {}",
        config["defaults"]["channel"]
    ));
    let checks = api
        .post(
            "/api/setup/preflight",
            &json!({"channel": answers.body()["channel"]}),
        )
        .await;
    show_checks(story, &checks.at("preflight", "see the control plane's log")?);
    let submitted = Timestamp::now();
    api.post("/api/setup", &answers.body())
        .await
        .at("submit", "do what the answer says and run this again")?;
    story.say("the answers were accepted");
    let state = follow(story, api, appliance)
        .await
        .at("setup", "see what it waits for, and run this again")?;
    let plan = api.get("/api/setup/plan").await;
    show_plan(story, &plan.at("plan", "see the control plane's log")?);
    let ended = last_end(&state).context("the state document does not say when the run ended")?;
    let took = Duration::try_from(ended.duration_since(submitted)).context("a run ended before it began")?;
    Ok(Handed { state, took })
}

/// How many checks came out how, and each that is worth a look.
fn show_checks(story: &Story, checks: &Value) {
    let checks: Vec<_> = checks["report"]["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    let count = |outcome: &str| checks.iter().filter(|check| check["outcome"] == outcome).count();
    let outcomes = ["pass", "warn", "fail", "unknown", "skipped"];
    let counts = outcomes.map(|outcome| format!("{} {outcome}", count(outcome)));
    story.say(format_args!("preflight: {}", counts.join(", ")));
    for check in checks {
        let outcome = text(&check["outcome"]);
        if matches!(outcome.as_str(), "warn" | "fail" | "unknown") {
            let (id, measured) = (text(&check["id"]), text(&check["measured"]));
            story.say(format_args!("  {outcome:<7} {id:<18} {measured}"));
        }
    }
}

/// The plan as an operator can ask for it at any time: where each step is, and what a retry would do.
fn show_plan(story: &Story, plan: &Value) {
    story.say(format_args!(
        "plan: {}, attempt {}",
        text(&plan["state"]),
        plan["run"]["attempt"]
    ));
    for step in plan["steps"].as_array().into_iter().flatten() {
        let [id, state, retry] = [&step["id"], &step["state"], &step["onRetry"]["action"]].map(text);
        story.say(format_args!("  {id:<22} {state:<8} on retry: {retry}"));
    }
}

/// Redeems the setup token and sets a password, which it gives.
pub(crate) async fn sign_in(api: &mut Api, token: &str) -> Result<String> {
    api.post("/api/auth/redeem-token", &json!({"token": token}))
        .await?;
    let password = password();
    api.post("/api/auth/set-password", &json!({"password": password}))
        .await?;
    let state = api.get("/api/auth/state").await?;
    ensure!(
        state["phase"] == "authenticated",
        "after set-password the phase is {}",
        state["phase"]
    );
    Ok(password)
}

async fn follow(story: &Story, api: &mut Api, appliance: &mut Appliance) -> Result<Value> {
    let began = Instant::now();
    let mut told = BTreeSet::new();
    loop {
        let status = api.get("/api/status").await;
        appliance.check().at("setup", "see the log above")?;
        let mut status = status.at("status", "see the control plane's log")?;
        let state = status["installState"].take();
        tell(story, &state, &mut told)?;
        if let Some(stopped) = blocked(&status, &state) {
            return Err(stopped.into());
        }
        if state["status"] == COMPLETE {
            return Ok(state);
        }
        if began.elapsed() >= LIMIT {
            bail!(
                "setup has not ended after {} s; it says: {}",
                LIMIT.as_secs(),
                text(&state["lastAction"])
            );
        }
        sleep(ASK_EVERY).await;
    }
}

/// Tells of each step once when it begins and once when it is done.
fn tell(story: &Story, state: &Value, told: &mut BTreeSet<(String, bool)>) -> Result<()> {
    for step in state["steps"].as_array().into_iter().flatten() {
        let (name, done) = (text(&step["id"]), step["status"] == "done");
        if !done && step["status"] != "running" || !told.insert((name.clone(), done)) {
            continue;
        }
        if done {
            let took = duration(step)?.as_secs_f64();
            story.say(format_args!("  {name}: {} ({took:.2} s)", text(&step["summary"])));
        } else {
            story.say(format_args!("  {name} …"));
        }
    }
    Ok(())
}

/// The failure of a run that does not go on, in its own words. The product would try a passing one again
/// by itself; whoever runs this wants to read it.
fn blocked(status: &Value, state: &Value) -> Option<Stopped> {
    let is_blocked = text(&state["status"]).ends_with("-blocked") || status["rollup"]["state"] == "blocked";
    if !is_blocked || state["status"] == "setup-interrupted" {
        return None;
    }
    let failure = &status["lastRecordedError"];
    let (message, cause) = (text(&failure["message"]), text(&failure["suspectedCause"]));
    let cause = if cause.starts_with(&message) {
        cause
    } else {
        format!("{message}: {cause}")
    };
    Some(Stopped {
        step: text(&failure["step"]),
        cause,
        next: text(&failure["suggestedNextStep"]),
    })
}

/// The digest that was installed must be the one that was published.
fn expected(installed: &str, published: &Published) -> Result<String> {
    let promised = &published.release.digest;
    ensure!(
        installed == promised,
        "{installed} was installed, and {promised} was published: report this as a bug"
    );
    Ok(installed.to_owned())
}

async fn page_answers(story: &Story, url: &str) -> Result<()> {
    let leads_to = Api::new(url)?.redirect_of(url).await?;
    let leads_to = leads_to.with_context(|| format!("{url} does not redirect"))?;
    ensure!(
        leads_to.ends_with(DASHBOARD),
        "{url} leads to {leads_to}, not to {DASHBOARD}"
    );
    story.say(format_args!("{url} leads to {leads_to}: the login answers"));
    Ok(())
}

/// Each step's time by its name.
fn steps(state: &Value) -> Result<Map<String, Value>> {
    let steps = state["steps"].as_array().into_iter().flatten();
    steps
        .map(|step| Ok((text(&step["id"]), seconds(duration(step)?))))
        .collect()
}

fn duration(step: &Value) -> Result<Duration> {
    let at = |key: &str| -> Result<Timestamp> {
        let stamp = step[key]
            .as_str()
            .with_context(|| format!("step {}: no {key}", step["id"]))?;
        stamp
            .parse()
            .with_context(|| format!("step {}: {key} is {stamp}", step["id"]))
    };
    let took = at("finishedAt")?.duration_since(at("startedAt")?);
    Duration::try_from(took).with_context(|| format!("step {} ended before it began", step["id"]))
}

fn last_end(state: &Value) -> Option<Timestamp> {
    let steps = state["steps"].as_array()?;
    steps
        .iter()
        .filter_map(|step| step["finishedAt"].as_str()?.parse().ok())
        .max()
}

/// A text, empty when there is none.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_run_is_told_in_its_own_words() {
        let status = json!({
            "rollup": {"state": "blocked"},
            "lastRecordedError": {"step": "resolve-registry-host", "message": "no address",
                "suspectedCause": "the server does not answer", "suggestedNextStep": "correct it"},
        });
        let stopped = blocked(&status, &json!({"status": "preflight-blocked"}))
            .unwrap()
            .to_string();
        assert_eq!(
            stopped,
            "stopped at step `resolve-registry-host`\n  cause: no address: the server does not answer\n  next:  correct it"
        );
        assert!(blocked(&json!({"rollup": {"state": "installing"}}), &Value::Null).is_none());
    }

    #[test]
    fn steps_have_their_seconds_in_order() {
        let state = json!({"steps": [
            {"id": "storage", "startedAt": "2026-01-01T00:00:00.000Z", "finishedAt": "2026-01-01T00:00:01.250Z"},
            {"id": "preflight", "startedAt": "2026-01-01T00:00:02.000Z", "finishedAt": "2026-01-01T00:00:02.010Z"},
        ]});
        let times = steps(&state).unwrap();
        assert_eq!(
            serde_json::to_string(&times).unwrap(),
            r#"{"storage":1.25,"preflight":0.01}"#
        );
        assert_eq!(last_end(&state), "2026-01-01T00:00:02.010Z".parse().ok());
    }
}
