//! A small HTTP server on loopback for the stand-ins.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::StandIn;

/// What a server answers to a path.
pub(super) type Answer = dyn Fn(&str) -> Response<Full<Bytes>> + Send + Sync;

/// Serves on a free port until the handle is dropped; open connections end with it.
pub(super) async fn serve(answer: Arc<Answer>) -> Result<(SocketAddr, StandIn)> {
    serve_by(answer, None).await
}

/// The same over TLS.
pub(super) async fn serve_tls(answer: Arc<Answer>, acceptor: TlsAcceptor) -> Result<(SocketAddr, StandIn)> {
    serve_by(answer, Some(acceptor)).await
}

async fn serve_by(answer: Arc<Answer>, tls: Option<TlsAcceptor>) -> Result<(SocketAddr, StandIn)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("listening on loopback")?;
    let address = listener.local_addr().context("asking for the port")?;
    let server = StandIn::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            while connections.try_join_next().is_some() {}
            let (answer, tls) = (answer.clone(), tls.clone());
            connections.spawn(async move {
                match tls {
                    None => talk(stream, &*answer).await,
                    // Whoever does not trust the certificate goes away.
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            talk(stream, &*answer).await;
                        }
                    }
                }
            });
        }
    });
    Ok((address, server))
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin, answer: &Answer) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = answer(request.uri().path());
        async { Ok::<_, Infallible>(response) }
    });
    // The client's end of a connection is its own affair.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// An answer with a status and a body.
pub(super) fn respond(status: u16, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
}
