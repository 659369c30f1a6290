//! The rescue page (decision 18): when nobody has answered on the control plane's port for a while, the agent does,
//! and says which step of boot failed and why. It lets go of the port as soon as the control plane asks for it.

mod door;
mod page;
mod seen;
mod serve;
mod visitors;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout};

use self::door::Door;
use crate::routes::Agent;

/// How often the port is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How long a connection to this machine may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// Whether the port is held, and the wish that it be let go of.
#[derive(Debug)]
pub(crate) struct Rescue {
    is_held: watch::Sender<bool>,
    /// Counts the wishes.
    wishes: watch::Sender<u64>,
    /// One wish is granted after another.
    releasing: Mutex<()>,
}

impl Default for Rescue {
    fn default() -> Self {
        Self {
            is_held: watch::Sender::new(false),
            wishes: watch::Sender::new(0),
            releasing: Mutex::default(),
        }
    }
}

impl Rescue {
    /// Lets go of the port; whether it was held.
    pub(crate) async fn release(&self) -> bool {
        let _turn = self.releasing.lock().await;
        self.wishes.send_modify(|wishes| *wishes += 1);
        let was_held = *self.is_held.borrow();
        // Whoever serves ends at once: there is nothing that it waits for.
        let mut is_held = self.is_held.subscribe();
        drop(is_held.wait_for(|is_held| !is_held).await);
        was_held
    }
}

/// Looks at the port for as long as the agent runs, and serves the page while nobody else is there.
pub(crate) async fn watch_over(agent: Arc<Agent>) {
    let settings = &agent.settings;
    let Some(after) = settings.rescue_after() else {
        return;
    };
    let door = Arc::new(Door::new(settings));
    loop {
        refused_for(settings.port, after).await;
        let address = SocketAddr::from((settings.rescue_address, settings.port));
        let mut wishes = agent.rescue.wishes.subscribe();
        wishes.mark_unchanged();
        match TcpListener::bind(address).await {
            Ok(listener) => {
                agent.rescue.is_held.send_replace(true);
                tracing::warn!(%address, "nobody answers on the control plane's port: the rescue page does");
                let serving = serve::serve(listener, Arc::clone(&agent), Arc::clone(&door));
                tokio::select! {
                    () = serving => {}
                    _ = wishes.changed() => tracing::info!("the control plane takes its port back"),
                }
                agent.rescue.is_held.send_replace(false);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => tracing::warn!(%error, %address, "the rescue page has no port"),
        }
    }
}

/// Ends when connections were refused all the time for `after`: whoever listens, however slowly it answers, is
/// there.
async fn refused_for(port: u16, after: Duration) {
    let mut since = Instant::now();
    loop {
        let connecting = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        let is_refused = match timeout(CONNECT_LIMIT, connecting).await {
            Ok(Err(error)) => error.kind() == io::ErrorKind::ConnectionRefused,
            Ok(Ok(_)) | Err(_) => false,
        };
        if !is_refused {
            since = Instant::now();
        } else if since.elapsed() >= after {
            return;
        }
        sleep(LOOK_EVERY.min(after)).await;
    }
}
