//! A web server that does what a script says, including what no good server does.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::release::reference::Digest;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, …
    pub method: String,
    /// Path and query.
    pub target: String,
    headers: Vec<(String, String)>,
    /// The body, as long as its `Content-Length` says.
    pub body: Vec<u8>,
}

impl Request {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// An answer to be given.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    delay: Duration,
}

#[derive(Debug, Clone)]
enum Body {
    Whole(Vec<u8>),
    Cut(Vec<u8>),
    Dripped(Vec<u8>, Duration),
    Endless,
    Silence,
}

impl Reply {
    /// A status without a body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Whole(Vec::new()),
            delay: Duration::ZERO,
        }
    }

    /// 200 with a body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: Body::Whole(body.into()),
            ..Self::status(200)
        }
    }

    /// 200 that promises a whole body, sends half of it and closes.
    pub fn cut(body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: Body::Cut(body.into()),
            ..Self::status(200)
        }
    }

    /// 200 with a body that comes byte by byte.
    pub fn dripped(body: impl Into<Vec<u8>>, every: Duration) -> Self {
        Self {
            body: Body::Dripped(body.into(), every),
            ..Self::status(200)
        }
    }

    /// 200 with a body that has no length and no end.
    #[must_use]
    pub fn endless() -> Self {
        Self {
            body: Body::Endless,
            ..Self::status(200)
        }
    }

    /// Nothing at all: the request is read, and the connection stays open.
    #[must_use]
    pub fn silence() -> Self {
        Self {
            body: Body::Silence,
            ..Self::status(200)
        }
    }

    /// The same under another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same, but only after a while.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(location: impl Into<String>) -> Self {
        Self::status(307).header("Location", location)
    }
}

type Script = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// What one server remembers.
#[derive(Debug, Default)]
struct Record {
    requests: Mutex<Vec<Request>>,
    sent: AtomicU64,
}

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct WebServer {
    address: SocketAddr,
    record: Arc<Record>,
    task: AbortHandle,
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl WebServer {
    /// Listens on a free port of 127.0.0.1 and answers each request with what `script` says.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        Self::serve(listener, script, |stream| async { Ok(stream) })
    }

    /// The same over TLS, under `certificate`.
    ///
    /// # Errors
    /// When no port can be had or the certificate does not work.
    #[cfg(all(test, feature = "registry"))]
    pub(crate) async fn start_tls(
        config: Arc<tokio_rustls::rustls::ServerConfig>,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let acceptor = tokio_rustls::TlsAcceptor::from(config);
        Self::serve(listener, script, move |stream| acceptor.accept(stream))
    }

    fn serve<S, F>(
        listener: TcpListener,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
        wrap: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<S>> + Send + 'static,
    {
        let address = listener.local_addr()?;
        let record = Arc::new(Record::default());
        let (script, kept): (Script, _) = (Arc::new(script), Arc::clone(&record));
        let accepting = async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (wrapped, script, record) = (wrap(stream), Arc::clone(&script), Arc::clone(&kept));
                // A peer that hangs up in the middle is part of the game.
                connections.spawn(async move { answer(wrapped.await?, &script, &record).await });
            }
        };
        Ok(Self {
            address,
            record,
            task: tokio::spawn(accepting).abort_handle(),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.record
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Bytes of endless bodies that were taken from it so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.record.sent.load(Ordering::Relaxed)
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    script: &Script,
    record: &Record,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let request = read(&mut stream).await?;
    let reply = script(&request);
    record
        .requests
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);
    tokio::time::sleep(reply.delay).await;
    let mut head = format!("HTTP/1.1 {} Scripted\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let length = |body: &[u8]| format!("Content-Length: {}\r\n\r\n", body.len());
    match &reply.body {
        Body::Whole(body) => {
            stream.write_all((head + &length(body)).as_bytes()).await?;
            stream.write_all(body).await?;
        }
        Body::Cut(body) => {
            stream.write_all((head + &length(body)).as_bytes()).await?;
            stream.write_all(&body[..body.len() / 2]).await?;
        }
        Body::Dripped(body, every) => {
            stream.write_all((head + &length(body)).as_bytes()).await?;
            for byte in body {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(*every).await;
            }
        }
        Body::Endless => {
            stream.write_all((head + "\r\n").as_bytes()).await?;
            loop {
                stream.write_all(&[b' '; 16 * 1024]).await?;
                record.sent.fetch_add(16 * 1024, Ordering::Relaxed);
            }
        }
        Body::Silence => std::future::pending::<()>().await,
    }
    stream.shutdown().await
}

async fn read<S: AsyncRead + Unpin>(stream: &mut BufReader<S>) -> io::Result<Request> {
    if !stream
        .fill_buf()
        .await?
        .first()
        .is_some_and(u8::is_ascii_uppercase)
    {
        return Err(io::Error::other("not HTTP"));
    }
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let mut first = lines.first().map(|line| line.split(' ')).into_iter().flatten();
    let mut request = Request {
        method: first.next().unwrap_or_default().to_owned(),
        target: first.next().unwrap_or_default().to_owned(),
        body: Vec::new(),
        headers: lines
            .iter()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect(),
    };
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok());
    request.body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut request.body).await?;
    Ok(request)
}

/// A release as a registry holds it.
#[derive(Debug, Clone)]
pub struct Published {
    /// The OCI manifest.
    pub manifest: Vec<u8>,
    /// The release manifest, its config blob.
    pub config: Vec<u8>,
}

impl Published {
    /// A correct OCI manifest around a release manifest.
    pub fn new(config: impl Into<Vec<u8>>) -> Self {
        let config = config.into();
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.alga.appliance.release.v1+json",
                "digest": Digest::of(&config),
                "size": config.len(),
            },
            "layers": [],
            "annotations": { "org.opencontainers.image.created": "2026-01-02T03:04:05Z" },
        });
        Self {
            manifest: manifest.to_string().into_bytes(),
            config,
        }
    }

    /// What an honest registry without tokens answers: the manifest by any reference, the blob, `/v2/`.
    #[must_use]
    pub fn reply(&self, request: &Request) -> Reply {
        let path = request.target.split('?').next().unwrap_or_default();
        if path == "/v2/" {
            Reply::ok("{}")
        } else if path.contains("/manifests/") {
            Reply::ok(self.manifest.clone())
                .header("Docker-Content-Digest", Digest::of(&self.manifest).to_string())
        } else if path.ends_with(Digest::of(&self.config).as_str()) {
            Reply::ok(self.config.clone())
        } else {
            Reply::status(404)
        }
    }
}
