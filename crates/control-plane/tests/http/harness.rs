//! A box of its own for each test: a state directory, a clock, a router, a server when asked.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::state_file::replace;
use appliance_control_plane::http::{Front, Limits};
use appliance_control_plane::settings::Settings;
use appliance_control_plane::{App, Running};
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::promise::hold_whatever;

pub(crate) const TOKEN: &str = "4821-0937-5566-1203-9987";
pub(crate) const PASSWORD: &str = "Str0ng!Pass";
pub(crate) const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 50));
pub(crate) const HOST: &str = "192.0.2.10:8080";

/// A fresh box with a setup token.
pub(crate) struct TestBox {
    dir: tempfile::TempDir,
    now: Arc<AtomicI64>,
    pub(crate) front: Front,
    flags: Vec<String>,
    limits: Limits,
    /// What goes away with it.
    kept: Vec<PathBuf>,
}

impl Drop for TestBox {
    fn drop(&mut self) {
        for path in &self.kept {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

impl TestBox {
    pub(crate) fn new() -> Self {
        Self::with(&[], Limits::default())
    }

    pub(crate) fn with(flags: &[&str], limits: Limits) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now = Arc::new(AtomicI64::new(1_800_000_000));
        let flags: Vec<_> = flags.iter().map(|&flag| flag.to_owned()).collect();
        let front = Front::new(app(&dir, &now, &flags, &limits));
        let this = Self {
            dir,
            now,
            front,
            flags,
            limits,
            kept: Vec::new(),
        };
        this.write("setup-token", format!("{TOKEN}\n").as_bytes());
        this
    }

    /// The same box after its process was started anew.
    pub(crate) fn restarted(mut self) -> Self {
        self.front = Front::new(self.app());
        self
    }

    /// Keeps a directory of the test's as long as the box.
    pub(crate) fn keep(&mut self, dir: PathBuf) {
        self.kept.push(dir);
    }

    pub(crate) fn app(&self) -> App {
        app(&self.dir, &self.now, &self.flags, &self.limits)
    }

    /// The same box on a real socket.
    pub(crate) async fn serve(&self) -> Running {
        Running::start(self.app()).await.unwrap()
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.now
            .fetch_add(i64::try_from(time.as_secs()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) {
        replace(&self.path(name), content, 0o600).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// What `alga-appliance-reset-admin` leaves: a new token and no password.
    pub(crate) fn reset_admin(&self, token: &str) {
        self.write("setup-token", format!("{token}\n").as_bytes());
        for gone in ["admin-ui-credential.json", "session-secret"] {
            std::fs::remove_file(self.path(gone)).unwrap();
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Call::new(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Call::new(Method::POST, path).json(body)).await
    }

    pub(crate) async fn send(&self, call: Call) -> Answer {
        answer(&self.front, call).await
    }

    /// Sets the password with the token; returns the session cookie.
    pub(crate) async fn configured(&self) -> String {
        let body = json!({"token": TOKEN, "password": PASSWORD});
        self.post("/api/auth/set-password", body).await.session()
    }

    /// The session of somebody on this machine, whose address a real socket has.
    pub(crate) async fn loopback_session(&self) -> String {
        let loopback = [127, 0, 0, 1];
        let body = json!({"token": TOKEN, "password": PASSWORD});
        let set = Call::new(Method::POST, "/api/auth/set-password")
            .json(body)
            .from(loopback);
        let answer = self.send(set).await;
        if answer.status.is_success() {
            return answer.session();
        }
        let login = Call::new(Method::POST, "/api/auth/login").json(json!({"password": PASSWORD}));
        self.send(login.from(loopback)).await.session()
    }

    pub(crate) async fn phase(&self, cookie: &str) -> String {
        let answer = self
            .send(Call::new(Method::GET, "/api/auth/state").cookie(cookie))
            .await;
        answer.body["phase"].as_str().unwrap().to_owned()
    }
}

fn app(dir: &tempfile::TempDir, now: &Arc<AtomicI64>, flags: &[String], limits: &Limits) -> App {
    let path = |name: &str| dir.path().join(name).into_os_string().into_string().unwrap();
    let mut args = vec!["appliance-control-plane".to_owned()];
    for (flag, value) in [
        ("--port", "0".to_owned()),
        ("--listen-address", "127.0.0.1".to_owned()),
        ("--token-file", path("setup-token")),
        ("--admin-credential-file", path("admin-ui-credential.json")),
        ("--session-secret-file", path("session-secret")),
        ("--state-file", path("install-state.json")),
        ("--setup-inputs-file", path("setup-inputs.json")),
        ("--release-selection-file", path("release-selection.json")),
        ("--host-agent-socket", path("host-agent.sock")),
        ("--metrics-socket", path("metrics.sock")),
        // Nobody on the internet is asked.
        ("--bundle-probes", String::new()),
    ] {
        if !flags.iter().any(|given| given == flag) {
            args.extend([flag.to_owned(), value]);
        }
    }
    args.extend_from_slice(flags);
    let now = Arc::clone(now);
    let clock = Clock::from_fn(move || Timestamp::from_second(now.load(Ordering::SeqCst)).unwrap());
    App::open(Settings::read(args).unwrap(), clock, limits.clone())
}

/// A request.
pub(crate) struct Call {
    request: axum::http::request::Builder,
    body: Body,
    peer: IpAddr,
}

impl Call {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self {
            request: Request::builder().method(method).uri(path).header("host", HOST),
            body: Body::empty(),
            peer: PEER,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn cookie(self, cookie: &str) -> Self {
        self.header("cookie", cookie)
    }

    #[expect(clippy::needless_pass_by_value, reason = "callers write the value in place")]
    pub(crate) fn json(self, body: Value) -> Self {
        self.text(body.to_string())
    }

    pub(crate) fn text(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", "application/json")
    }

    pub(crate) fn from(mut self, peer: [u8; 4]) -> Self {
        self.peer = peer.into();
        self
    }
}

/// What came back of an answer that does not end: its head.
pub(crate) async fn head(front: &Front, call: Call) -> Answer {
    let request = call.request.body(call.body).unwrap();
    let (parts, _) = front.clone().answer(request, call.peer).await.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: Value::Null,
        text: String::new(),
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The body, if it is JSON.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The pair `name=value` of the session cookie that was set.
    pub(crate) fn session(&self) -> String {
        self.cookie("alga_appliance_session")
            .unwrap_or_else(|| panic!("no session: {self:?}"))
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.headers
            .get_all("set-cookie")
            .iter()
            .filter_map(|value| value.to_str().unwrap().split(';').next())
            .find(|pair| pair.starts_with(name))
            .map(str::to_owned)
    }
}

/// The answer to a request, which is what the API's document promises.
pub(crate) async fn answer(front: &Front, call: Call) -> Answer {
    let request = call.request.body(call.body).unwrap();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = front.clone().answer(request, call.peer).await;
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let answer = Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    };
    hold_whatever(&method, &uri, &answer);
    answer
}

/// Sends bytes to a real server and reads until it closes the connection.
pub(crate) async fn raw(server: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server).await.unwrap();
    // The server may have answered and closed before it took everything.
    let _ = stream.write_all(bytes).await;
    read_to_end(&mut stream).await
}

/// Reads what a server sends until it closes the connection.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
    reading.await.expect("the server closes the connection").ok();
    String::from_utf8(answer).unwrap()
}

/// The probe answers at once, on a connection of its own; the limit leaves room for a busy machine.
pub(crate) async fn assert_alive(server: SocketAddr) {
    let probe = raw(
        server,
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    let answer = tokio::time::timeout(Duration::from_secs(3), probe)
        .await
        .expect("alive");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}
