//! The Unix socket: no token, because only who may open it can ask (owner and group, 0660).

use std::convert::Infallible;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{Method, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::http::error::{method_not_allowed, not_found};
use crate::watched::Stamp;

/// Owner and group may ask.
const MODE: u32 = 0o660;
/// Connections at once; a monitoring system has one.
const CONNECTIONS: usize = 8;
/// A whole connection: a request is answered, and that is all.
const LIMIT: Duration = Duration::from_secs(10);
/// How long accepting rests after an error.
const REST: Duration = Duration::from_millis(100);

/// A socket that listens.
#[derive(Debug)]
pub(crate) struct MetricsSocket {
    listener: UnixListener,
    path: PathBuf,
    stamp: Option<Stamp>,
}

/// Listens at `path`, in place of what a process before has left there; `None` where its directory is missing.
pub(crate) fn bind(path: &Path) -> io::Result<Option<MetricsSocket>> {
    if !path.parent().is_some_and(Path::is_dir) {
        return Ok(None);
    }
    // Under another name first: nobody finds it before it has its mode.
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&unfinished)?;
    std::fs::set_permissions(&unfinished, Permissions::from_mode(MODE))?;
    std::fs::rename(&unfinished, path)?;
    Ok(Some(MetricsSocket {
        listener,
        stamp: Stamp::of(path).ok().flatten(),
        path: path.to_owned(),
    }))
}

impl MetricsSocket {
    /// Answers until `stop`, then takes the socket away.
    pub(crate) async fn serve(self, app: App, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    // Without a place it is closed at once.
                    Ok((stream, _)) => if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                        let answering = connection(stream, app.clone());
                        connections.spawn(async move {
                            let _place = place;
                            let _ = tokio::time::timeout(LIMIT, answering).await;
                        });
                    },
                    Err(error) => {
                        tracing::warn!(%error, "accepting a connection for metrics");
                        tokio::time::sleep(REST).await;
                    }
                },
            }
        }
        // Another process may have put its own there.
        if self.stamp.is_some() && Stamp::of(&self.path).ok().flatten() == self.stamp {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

async fn connection(stream: UnixStream, app: App) {
    let handle = service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
        async move { Ok::<_, Infallible>(answer(&app, &request)) }
    });
    let served = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), handle);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection for metrics ended");
    }
}

fn answer(app: &App, request: &Request<Incoming>) -> Response {
    match (request.uri().path(), request.method()) {
        ("/metrics", &Method::GET | &Method::HEAD) => super::answer(app),
        ("/metrics", _) => method_not_allowed().into_response(),
        _ => not_found().into_response(),
    }
}
