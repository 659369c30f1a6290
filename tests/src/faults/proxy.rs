//! A proxy on loopback that does to requests what its script says, and else passes everything through:
//! bodies stream, so watches do too.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::body::{self, Body, Cut};
use super::fault::{Dialect, Fault, HOLD_LIMIT};
use super::script::Script;
use crate::ports;

/// Largest body of a request.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Longest time until a port that was closed is open again.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// How often a port that is still taken is tried.
const BIND_EVERY: Duration = Duration::from_millis(20);

/// What a proxy stands before.
pub(super) struct Behind {
    /// Where the server listens.
    pub(super) address: SocketAddr,
    /// How it is reached, if by TLS.
    pub(super) tls: Option<(TlsConnector, ServerName<'static>)>,
    /// How clients are met, if by TLS.
    pub(super) front: Option<TlsAcceptor>,
    /// How the server words its errors.
    pub(super) dialect: Dialect,
}

/// A running proxy; dropping it ends it and its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    script: Script,
    open: watch::Sender<bool>,
    listening: watch::Receiver<bool>,
    _task: JoinSet<()>,
}

impl Proxy {
    pub(super) async fn start(behind: Behind, script: Script) -> Result<Self> {
        // Not a port of the kernel's choice: it must be had again after it was closed.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports::free()?));
        let (open, wanted) = watch::channel(true);
        let (is_listening, listening) = watch::channel(false);
        let inner = Arc::new(Inner {
            behind,
            script: script.clone(),
            open: open.clone(),
            answered: watch::Sender::new(0),
        });
        let mut task = JoinSet::new();
        task.spawn(listen(inner, address, wanted, is_listening));
        let mut proxy = Self {
            address,
            script,
            open,
            listening,
            _task: task,
        };
        proxy.heal().await?;
        Ok(proxy)
    }

    /// `127.0.0.1:<port>`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The rules it follows.
    #[must_use]
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Lifts the script and opens the port if a rule closed it.
    ///
    /// # Errors
    /// Somebody else took the port meanwhile.
    pub async fn heal(&mut self) -> Result<()> {
        self.script.lift();
        self.open.send_replace(true);
        let opened = timeout(OPEN_LIMIT, self.listening.wait_for(|listening| *listening)).await;
        opened
            .with_context(|| format!("{} is not to be had again", self.address))?
            .context("the proxy has ended")?;
        Ok(())
    }
}

struct Inner {
    behind: Behind,
    script: Script,
    open: watch::Sender<bool>,
    /// How many answers went back.
    answered: watch::Sender<u64>,
}

/// The one connection to the server behind one connection of a client.
type Line = Mutex<Option<SendRequest<Full<Bytes>>>>;

async fn listen(
    inner: Arc<Inner>,
    address: SocketAddr,
    mut open: watch::Receiver<bool>,
    listening: watch::Sender<bool>,
) {
    while open.wait_for(|open| *open).await.is_ok() {
        let Ok(listener) = TcpListener::bind(address).await else {
            sleep(BIND_EVERY).await;
            continue;
        };
        listening.send_replace(true);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                Ok((stream, _)) = listener.accept() => {
                    while connections.try_join_next().is_some() {}
                    connections.spawn(connection(Arc::clone(&inner), stream));
                }
                _ = open.wait_for(|open| !*open) => break,
            }
        }
        listening.send_replace(false);
    }
}

/// A connection's end is its client's affair, so errors are nobody's.
async fn connection(inner: Arc<Inner>, stream: TcpStream) {
    match inner.behind.front.clone() {
        None => serve(inner, TokioIo::new(stream)).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(inner, TokioIo::new(stream)).await;
            }
        }
    }
}

async fn serve<I: Read + Write + Unpin + Send + 'static>(inner: Arc<Inner>, io: I) {
    let line = Arc::new(Line::default());
    let service = service_fn(move |request| {
        let (inner, line) = (Arc::clone(&inner), Arc::clone(&line));
        async move {
            let answer = inner.answer(&line, request).await;
            inner.answered.send_modify(|answers| *answers += 1);
            answer
        }
    });
    let _ = http1::Builder::new().serve_connection(io, service).await;
}

impl Inner {
    async fn answer(&self, line: &Line, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let fault = self.script.decide(request.method(), target);
        match fault {
            None => self.pass(line, request).await.map(body::whole),
            Some(fault) => self.disturb(fault, line, request).await,
        }
    }

    async fn disturb(
        &self,
        fault: Fault,
        line: &Line,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Cut> {
        if let Some((status, retry_after)) = fault.status() {
            return Ok(body::own(self.behind.dialect.answer(status, retry_after)));
        }
        match fault {
            Fault::Delay => {
                sleep(self.script.delay()).await;
                self.pass(line, request).await.map(body::whole)
            }
            Fault::CutInBody => Ok(body::cut(self.pass(line, request).await?).await),
            Fault::Truncate => Ok(body::truncate(self.pass(line, request).await?).await),
            Fault::Reorder => {
                let answer = self.pass(line, request).await?;
                self.let_another_pass().await;
                Ok(body::whole(answer))
            }
            Fault::Stall => {
                self.script.until_lifted().await;
                Err(Cut)
            }
            Fault::CutAfter => {
                self.pass(line, request).await?;
                Err(Cut)
            }
            Fault::KillAfter => {
                self.pass(line, request).await?;
                self.kill().await
            }
            Fault::KillBefore => self.kill().await,
            Fault::Refuse => {
                self.open.send_replace(false);
                Err(Cut)
            }
            _ => Err(Cut),
        }
    }

    async fn kill(&self) -> Result<Response<Body>, Cut> {
        self.script.ask_for_a_kill();
        self.script.until_lifted().await;
        Err(Cut)
    }

    async fn let_another_pass(&self) {
        let mut answered = self.answered.subscribe();
        // Without a later request it is only late.
        let _ = timeout(HOLD_LIMIT, answered.changed()).await;
    }

    /// Passes a request on and gives the beginning of its answer: by then the server has done it.
    async fn pass(&self, line: &Line, request: Request<Incoming>) -> Result<Response<Incoming>, Cut> {
        let (mut head, body) = request.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|_| Cut)?;
        body::forget_framing(&mut head.headers);
        let request = Request::from_parts(head, Full::new(body.to_bytes()));
        let mut line = line.lock().await;
        let mut known = line.take();
        if let Some(sender) = &mut known
            && sender.ready().await.is_err()
        {
            known = None;
        }
        let mut sender = match known {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let answer = sender.send_request(request).await.map_err(|_| Cut)?;
        *line = Some(sender);
        Ok(answer)
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>, Cut> {
        let stream = TcpStream::connect(self.behind.address).await.map_err(|_| Cut)?;
        match &self.behind.tls {
            None => open_line(TokioIo::new(stream)).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await.map_err(|_| Cut)?;
                open_line(TokioIo::new(stream)).await
            }
        }
    }
}

async fn open_line<I>(io: I) -> Result<SendRequest<Full<Bytes>>, Cut>
where
    I: Read + Write + Unpin + Send + 'static,
{
    let (sender, line) = handshake(io).await.map_err(|_| Cut)?;
    // It ends with its sender and the body under way.
    tokio::spawn(line);
    Ok(sender)
}
