//! The real program, killed in the middle of an install again and again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_common::state_file;
use appliance_tests::control_plane::{Place, listening};
use appliance_tests::flux;
use appliance_tests::process::{Launch, Process};
use appliance_tests::stack::Stack;
use appliance_tests::tools::Tools;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, interval};
use xtask::publish::{Options, publish};

const TOKEN: &str = "4711-0815-2345-6789-0123";
const MANAGEMENT_PASSWORD: &str = r#"M4nage"ment\Canary"#;
const PASSWORD: &str = r#"C4nary"of\the!PSA"#;
const LICENSE_KEY: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.Y2FuYXJ5";

/// Journal lines between two kills. A start that resumes writes two before its step begins, so every
/// life of the process gets at least one step further.
const LINES_PER_LIFE: usize = 5;
/// Longest time one condition may take.
const LIMIT: Duration = Duration::from_mins(1);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A state volume and the program on it.
struct Subject {
    volume: TempDir,
    env: Vec<(&'static str, String)>,
}

impl Subject {
    fn new(stack: &Stack, flux_manifest: &Path) -> Result<Self> {
        let volume = tempfile::tempdir()?;
        state_file::replace(
            &volume.path().join(file::SETUP_TOKEN),
            format!("{TOKEN}\n").as_bytes(),
            0o640,
        )?;
        let place = Place {
            kubeconfig: stack.cluster.kubeconfig(),
            registry: stack.registry.host(),
            flux_manifest: Some(flux_manifest.to_owned()),
            storage_proof: None,
        };
        let mut env = place.environment(volume.path())?;
        env.push(("RUST_LOG", "debug".to_owned()));
        Ok(Self { volume, env })
    }

    /// One life of the program; its log is kept under its own name.
    async fn start(&self, life: usize) -> Result<Life> {
        let mut process = Process::start(&Launch {
            name: format!("life-{life}"),
            program: PathBuf::from(env!("CARGO_BIN_EXE_appliance-control-plane")),
            args: Vec::new(),
            env: self.env.clone(),
            dir: self.volume.path().to_owned(),
        })?;
        let address = listening(&mut process, LIMIT).await?;
        Ok(Life {
            process,
            url: format!("http://{address}"),
        })
    }

    fn journal_lines(&self) -> usize {
        let text = fs::read_to_string(self.volume.path().join(file::SETUP_JOURNAL)).unwrap_or_default();
        text.lines().count()
    }

    fn state(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&fs::read(
            self.volume.path().join(file::INSTALL_STATE),
        )?)?)
    }
}

struct Life {
    process: Process,
    url: String,
}

impl Life {
    async fn post(&self, path: &str, cookie: &str, body: &Value) -> Result<reqwest::Response> {
        let request = client()?
            .post(format!("{}{path}", self.url))
            .header("cookie", cookie);
        let body = serde_json::to_vec(body)?;
        Ok(request
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?)
    }

    async fn get(&self, path: &str, cookie: &str) -> Result<(u16, String)> {
        let answer = client()?
            .get(format!("{}{path}", self.url))
            .header("cookie", cookie)
            .send()
            .await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// What anybody on the machine can read of the process.
    fn command_line(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&fs::read(format!("/proc/{}/cmdline", self.process.id()))?).into_owned())
    }
}

fn client() -> Result<reqwest::Client> {
    // Plain HTTP on loopback: no authority is trusted, because none is asked.
    Ok(reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?)
}

async fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    let mut looks = interval(LOOK_EVERY);
    while !holds()? {
        ensure!(
            Instant::now() < deadline,
            "{what}: not after {} s",
            LIMIT.as_secs()
        );
        looks.tick().await;
    }
    Ok(())
}

fn answers() -> Value {
    json!({
        "appHostname": "https://psa.example.test", "tenantName": "Example Ltd", "adminFirstName": "Ada",
        "adminLastName": "Lovelace", "adminEmail": "ada@example.test", "adminPassword": PASSWORD,
        "adminPasswordConfirm": PASSWORD, "licenseMode": "manual", "licenseKey": LICENSE_KEY,
        "waivedChecks": ["disk-space", "disk-space-data", "inode-space"],
    })
}

/// Every file of the volume, by name.
fn files(volume: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let entries = fs::read_dir(volume)?;
    entries
        // The made-up host is a directory.
        .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_file()))
        .map(|entry| {
            let entry = entry?;
            Ok((
                entry.file_name().to_string_lossy().into_owned(),
                fs::read(entry.path())?,
            ))
        })
        .collect()
}

fn assert_clean(place: &str, content: &[u8]) {
    let text = String::from_utf8_lossy(content);
    for secret in [TOKEN, MANAGEMENT_PASSWORD, PASSWORD, LICENSE_KEY] {
        let escaped = Value::from(secret).to_string();
        for form in [secret, escaped.trim_matches('"')] {
            assert!(!text.contains(form), "{place} shows {form}");
        }
    }
}

#[tokio::test]
async fn an_install_whose_program_is_killed_every_five_events_ends_as_if_it_had_not_been() -> Result<()> {
    let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
    let stack = Stack::start(&tools).await?;
    publish(&Options::sample(stack.registry.host().parse()?, "1.0.0")).await?;
    let subject = Subject::new(&stack, &flux::manifest(&tools)?.path)?;

    let mut life = subject.start(0).await?;
    let password = json!({"token": TOKEN, "password": MANAGEMENT_PASSWORD});
    let signed_in = life.post("/api/auth/set-password", "", &password).await?;
    let cookie = signed_in.headers()["set-cookie"]
        .to_str()?
        .split(';')
        .next()
        .context("a cookie")?
        .to_owned();
    let accepted = life.post("/api/setup", &cookie, &answers()).await?;
    assert_eq!(accepted.status(), 202);
    assert_clean("the answer to the submission", accepted.text().await?.as_bytes());

    let mut lives = 1;
    while subject.state()?["status"] != "release-config-complete" {
        let goal = subject.journal_lines() + LINES_PER_LIFE;
        until("five more events, or the end", || {
            Ok(subject.journal_lines() >= goal || subject.state()?["status"] == "release-config-complete")
        })
        .await
        .with_context(|| format!("{:#?}\n{}", subject.state(), life.process.log_tail()))?;
        assert_clean("its command line", life.command_line()?.as_bytes());
        // Dropping it is SIGKILL.
        drop(life);
        life = subject.start(lives).await?;
        lives += 1;
        // The session outlives the process, and no answer shows a secret on the way.
        for path in ["/api/status", "/api/setup/config", "/api/auth/state", "/healthz"] {
            let (status, body) = life.get(path, &cookie).await?;
            assert_eq!(status, 200, "{path}: {body}");
            assert_clean(path, body.as_bytes());
        }
    }
    assert!(lives > 3, "it was killed {} times", lives - 1);

    until("the sealed answers are gone", || {
        Ok(!fs::read_to_string(subject.volume.path().join(file::SETUP_INPUTS))?.contains("\"sealed\""))
    })
    .await?;
    let state = subject.state()?;
    let is_done = |step: &Value| step["status"] == "done";
    assert!(
        state["steps"].as_array().context("steps")?.iter().all(is_done),
        "{state:#}"
    );
    for (name, content) in files(subject.volume.path())? {
        assert_clean(&name, &content);
    }
    let again = life.post("/api/setup", &cookie, &answers()).await?;
    assert_eq!(again.status(), 409);
    Ok(())
}
