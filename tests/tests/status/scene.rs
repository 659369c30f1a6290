//! A control plane on a fresh state volume before a real API server, and somebody who is signed in.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use appliance_common::clock::Clock;
use appliance_common::names::file;
use appliance_common::state_file;
use appliance_control_plane::http::Limits;
use appliance_control_plane::settings::Settings;
use appliance_control_plane::{App, Running};
use appliance_tests::cluster::TestCluster;
use appliance_tests::control_plane::Place;
use appliance_tests::tools::Tools;
use bytes::BytesMut;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};

/// Longest time any one condition may take.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

/// Kinds that every API server serves, node Leases among them; and those with Flux' four.
pub(crate) const PLAIN: usize = 8;
pub(crate) const WITH_FLUX: usize = PLAIN + 4;

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How status is known in the API server's audit log.
pub(crate) const AGENT: &str = "alga-appliance-status/";

const TOKEN: &str = "4821-0937-5566-1203-9987";
const PASSWORD: &str = "Str0ng!Pass";

pub(crate) fn tools() -> Result<Tools> {
    Tools::ensure(&|progress| eprintln!("{progress}"))
}

/// The running control plane, and a session.
pub(crate) struct Page {
    pub(crate) running: Running,
    _volume: TempDir,
    client: Client,
    cookie: String,
}

impl Page {
    /// On a fresh box.
    pub(crate) async fn open(kubeconfig: &Path) -> Result<Self> {
        Self::open_on(kubeconfig, "127.0.0.1:1", &[]).await
    }

    /// On a box with these documents, and a registry.
    pub(crate) async fn open_on(
        kubeconfig: &Path,
        registry: &str,
        documents: &[(&str, Value)],
    ) -> Result<Self> {
        let volume = tempfile::tempdir()?;
        state_file::replace(&volume.path().join(file::SETUP_TOKEN), TOKEN.as_bytes(), 0o600)?;
        for (name, document) in documents {
            state_file::replace(&volume.path().join(name), document.to_string().as_bytes(), 0o600)?;
        }
        let place = Place {
            kubeconfig: kubeconfig.to_owned(),
            registry: registry.to_owned(),
            flux_manifest: None,
            storage_proof: None,
        };
        let app = App::open(
            settings(&place, volume.path())?,
            Clock::system(),
            Limits::default(),
        );
        let running = Running::start(app).await?;
        let client = Client::builder().no_proxy().build()?;
        let mut page = Self {
            running,
            _volume: volume,
            client,
            cookie: String::new(),
        };
        page.cookie = page.sign_in().await?;
        Ok(page)
    }

    async fn sign_in(&self) -> Result<String> {
        let body = json!({"token": TOKEN, "password": PASSWORD}).to_string();
        let request = self.client.post(self.url("/api/auth/set-password"));
        let answer = request
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        let session = answer.headers().get_all(SET_COOKIE).iter().find_map(|cookie| {
            let cookie = cookie.to_str().ok()?.split(';').next()?;
            cookie
                .starts_with("alga_appliance_session")
                .then(|| cookie.to_owned())
        });
        session.with_context(|| format!("no session: {}", answer.status()))
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address())
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Response> {
        let answer = self
            .client
            .get(self.url(path))
            .header(COOKIE, &self.cookie)
            .send()
            .await?;
        ensure!(answer.status().is_success(), "{path}: {}", answer.status());
        Ok(answer)
    }

    pub(crate) async fn status(&self) -> Result<Value> {
        let body = self.get("/api/status").await?.bytes().await?;
        serde_json::from_slice(&body).context("the document is no JSON")
    }

    /// Waits until the document meets a condition, and gives it.
    pub(crate) async fn wait(&self, what: &str, is_met: impl Fn(&Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + LIMIT;
        loop {
            let status = self.status().await?;
            if is_met(&status) {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("{what}: not in {status:#}");
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the API server is reached, as many kinds as it serves are watched, and what they hold is
    /// read: a list that comes as the beginning of a watch is a while behind the watch's opening.
    pub(crate) async fn settled(&self, cluster: &TestCluster, kinds: usize) -> Result<Value> {
        let reachable = |status: &Value| status["cluster"]["reachable"] == true;
        self.wait("the API server is reached", reachable).await?;
        let deadline = Instant::now() + LIMIT;
        loop {
            let watched = watched(cluster)?;
            if watched.len() == kinds {
                return self.wait("pods and jobs are read", read).await;
            }
            ensure!(Instant::now() < deadline, "only these are watched: {watched:?}");
            sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) async fn stream(&self) -> Result<Stream> {
        Ok(Stream {
            answer: self.get("/api/status/stream").await?,
            held: BytesMut::new(),
        })
    }
}

fn read(status: &Value) -> bool {
    let kubernetes = &status["kubernetes"];
    kubernetes["podCount"].is_number() && kubernetes["jobCount"].is_number()
}

/// The kinds that status has opened watches of. One that was refused is not open: while the storage of a new
/// kind is coming up, its lists are answered and its watches are told to come again (status 429).
pub(crate) fn watched(cluster: &TestCluster) -> Result<BTreeSet<String>> {
    let requests = cluster.requests_of(AGENT)?.into_iter();
    let watches = requests.filter(|request| request.verb == "watch" && request.status == 200);
    Ok(watches
        .map(|request| request.uri.split('?').next().unwrap_or_default().to_owned())
        .collect())
}

/// Through the program's own variables, so that what is not named here has its default.
fn settings(place: &Place, volume: &Path) -> Result<Settings> {
    let variables = place.environment(volume)?.into_iter();
    let flags = variables.filter_map(|(name, value)| {
        let flag = match name {
            "ALGA_APPLIANCE_LISTEN_ADDRESS" => "--listen-address",
            "ALGA_APPLIANCE_PORT" => "--port",
            "ALGA_APPLIANCE_TOKEN_FILE" => "--token-file",
            "ALGA_APPLIANCE_ADMIN_CREDENTIAL_FILE" => "--admin-credential-file",
            "ALGA_APPLIANCE_SESSION_SECRET_FILE" => "--session-secret-file",
            "ALGA_APPLIANCE_STATE_FILE" => "--state-file",
            "ALGA_APPLIANCE_SETUP_INPUTS_FILE" => "--setup-inputs-file",
            "ALGA_APPLIANCE_RELEASE_SELECTION_FILE" => "--release-selection-file",
            "ALGA_APPLIANCE_HOST_AGENT_SOCKET" => "--host-agent-socket",
            "ALGA_APPLIANCE_KUBECONFIG" => "--kubeconfig",
            "ALGA_APPLIANCE_REGISTRY_HOST" => "--registry-host",
            "ALGA_APPLIANCE_HOST_ROOT" => "--host-root",
            _ => return None,
        };
        Some([flag.to_owned(), value])
    });
    let program = std::iter::once("appliance-control-plane".to_owned());
    Settings::read(program.chain(flags.flatten())).context("reading the settings of the product")
}

/// A stream that is read event by event.
pub(crate) struct Stream {
    answer: Response,
    held: BytesMut,
}

impl Stream {
    /// The name and data of the next event; comments are passed over.
    pub(crate) async fn event(&mut self) -> Result<(String, Value)> {
        loop {
            while let Some(end) = self.held.windows(2).position(|two| two == b"\n\n") {
                let text = self.held.split_to(end + 2);
                let text = std::str::from_utf8(&text)?;
                let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
                if let (Some(name), Some(data)) = (field("event: "), field("data: ")) {
                    return Ok((name.to_owned(), serde_json::from_str(data)?));
                }
            }
            let more = timeout(LIMIT, self.answer.chunk())
                .await
                .context("the stream is silent")??;
            self.held
                .extend_from_slice(&more.context("the stream has ended")?);
        }
    }

    /// Waits until a change sets a key so that it meets a condition.
    pub(crate) async fn until(&mut self, key: &str, is_met: impl Fn(&Value) -> bool) -> Result<()> {
        loop {
            let (name, data) = self.event().await?;
            let keys = if name == "snapshot" { &data } else { &data["set"] };
            if keys.get(key).is_some_and(&is_met) {
                return Ok(());
            }
        }
    }
}
