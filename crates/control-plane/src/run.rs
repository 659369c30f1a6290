//! The life of the process: listen, serve, drain.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;

use appliance_common::clock::Clock;
use appliance_common::process::chain;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::http::{self, Front, Limits};
use crate::settings::Settings;
use crate::status::Status;

/// Why the control plane could not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The listen port was not to be had.
    #[error("listening on {address}: free the port or set ALGA_APPLIANCE_PORT to another")]
    Listen {
        /// What was to be bound.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// Stop signals cannot be received.
    #[error("watching for stop signals")]
    Signals(#[source] io::Error),
}

/// Runs the control plane until SIGTERM or SIGINT.
///
/// # Errors
/// [`RunError`] when it could not start; once it serves, nothing but a signal ends it.
pub async fn run(settings: Settings) -> Result<(), RunError> {
    // Before listening, so that a signal that comes early is not lost. They stay installed to the
    // end: a second signal must not cut the drain short.
    let mut terminate = stop_signal(SignalKind::terminate())?;
    let mut interrupt = stop_signal(SignalKind::interrupt())?;
    if settings.engine.update_owner_max_age.malformed {
        tracing::warn!("ALGA_APPLIANCE_UPDATE_OWNER_MAX_AGE_MS is not a positive number: using the default");
    }
    if let Err(error) = settings.setup().license_service {
        tracing::error!(
            error = chain(&error),
            "ALGA_LICENSE_SERVICE_URL cannot be used: no install code is redeemed"
        );
    }
    raise_descriptor_limit();
    let repair_delay = settings.storage.storage_repair_delay;
    let app = App::open(settings, Clock::system(), Limits::default());
    let (setup, checkup, manage) = (app.setup.clone(), app.checkup.clone(), app.manage.clone());
    let support = app.support.clone();
    let mut stopped = pin!(async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    let running = tokio::select! {
        started = Running::start(app) => started?,
        // The port may be in use for longer than a stop may take.
        () = &mut stopped => return Ok(()),
    };
    setup.resume();
    let repair = setup.repair_storage(repair_delay);
    checkup.watch();
    manage.resume();
    stopped.await;
    tracing::info!("stopping: no new connections, requests in flight may end");
    drop(repair);
    setup.stop();
    checkup.stop();
    manage.stop();
    support.stop();
    running.stop().await;
    Ok(())
}

/// As many descriptors as the connection limit needs beside files and outbound connections.
const DESCRIPTORS: u64 = 4096;

/// The soft limit is 1024 on most systems: the connections alone would use it up.
fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        let wanted = DESCRIPTORS.min(hard).max(soft);
        setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files was not raised");
    }
}

fn stop_signal(kind: SignalKind) -> Result<Signal, RunError> {
    signal(kind).map_err(RunError::Signals)
}

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    status: Status,
    stop: CancellationToken,
    serving: JoinHandle<()>,
    metrics: Option<JoinHandle<()>>,
}

impl Running {
    /// Binds the port of the settings and begins to serve `app`.
    ///
    /// # Errors
    /// [`RunError::Listen`].
    pub async fn start(app: App) -> Result<Self, RunError> {
        let wanted = SocketAddr::new(app.settings.http.listen_address, app.settings.http.port);
        let agent = &app.settings.cluster.host_agent_socket;
        let failed = |source| RunError::Listen {
            address: wanted,
            source,
        };
        let listener = http::bind(wanted, agent, app.limits.bind_retry)
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        tracing::info!(%address, "listening");
        let stop = CancellationToken::new();
        let metrics = serve_metrics(&app, &stop);
        let limits = (*app.limits).clone();
        let status = app.status.clone();
        status.begin();
        let serving = tokio::spawn(http::serve(listener, Front::new(app), limits, stop.clone()));
        Ok(Self {
            address,
            status,
            stop,
            serving,
            metrics,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops accepting, lets requests in flight end within the drain limit, and returns.
    pub async fn stop(self) {
        self.status.stop();
        self.stop.cancel();
        if let Err(error) = self.serving.await {
            tracing::error!(%error, "the server ended badly");
        }
        if let Some(metrics) = self.metrics
            && let Err(error) = metrics.await
        {
            tracing::error!(%error, "serving metrics ended badly");
        }
    }
}

/// Serves metrics on their socket; a box whose metrics cannot be read works all the same.
fn serve_metrics(app: &App, stop: &CancellationToken) -> Option<JoinHandle<()>> {
    let path = &app.settings.metrics.metrics_socket;
    match http::metrics_socket::bind(path) {
        Ok(Some(socket)) => Some(tokio::spawn(socket.serve(app.clone(), stop.clone()))),
        Ok(None) => {
            tracing::info!(path = %path.display(), "no directory for it: metrics have no socket");
            None
        }
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "metrics are not served on a socket");
            None
        }
    }
}
