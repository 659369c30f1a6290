//! systemd, asked over D-Bus on its own socket for root: no bus daemon has to run yet, and no program is started
//! for it (decision 1).
//!
//! <https://www.freedesktop.org/wiki/Software/systemd/dbus/>

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::timeout;
use zbus::zvariant::OwnedObjectPath;
use zbus::{Connection, Proxy};

/// systemd's socket for root (`systemctl` as root uses it too).
const SOCKET: &str = "/run/systemd/private";

/// Longest time one call may take.
const LIMIT: Duration = Duration::from_secs(25);

const SERVICE: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const ROOT: &str = "/org/freedesktop/systemd1";

/// Why systemd did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SystemdError {
    #[error("reaching systemd at {}", path.display())]
    Unreachable { path: PathBuf, source: io::Error },
    #[error("{doing}: systemd did not answer within {LIMIT:?}")]
    TooSlow { doing: String },
    #[error("{doing}")]
    Refused { doing: String, source: Box<zbus::Error> },
}

/// A connection to systemd.
#[derive(Debug, Clone)]
pub(crate) struct Systemd {
    connection: Connection,
}

impl Systemd {
    /// Connects; `root` is the directory that stands for `/`.
    pub(crate) async fn connect(root: &Path) -> Result<Self, SystemdError> {
        let path = root.join(SOCKET.trim_start_matches('/'));
        let stream = UnixStream::connect(&path).await;
        let stream = stream.map_err(|source| SystemdError::Unreachable { path, source })?;
        let building = zbus::connection::Builder::unix_stream(stream).p2p().build();
        let connection = within("greeting systemd", building).await?;
        Ok(Self { connection })
    }

    /// Reads unit files anew.
    pub(crate) async fn reload(&self) -> Result<(), SystemdError> {
        let manager = self.manager().await?;
        within("reloading unit files", manager.call::<_, _, ()>("Reload", &())).await
    }

    /// Has a unit started at each boot.
    pub(crate) async fn enable(&self, unit: &str) -> Result<(), SystemdError> {
        type Changes = Vec<(String, String, String)>;

        let manager = self.manager().await?;
        let asked = (vec![unit], false, false);
        let call = manager.call::<_, _, (bool, Changes)>("EnableUnitFiles", &asked);
        within(&format!("enabling {unit}"), call).await.map(drop)
    }

    /// Queues the start of a unit, and does not wait for it: k3s may take minutes (50 W10).
    pub(crate) async fn start(&self, unit: &str) -> Result<(), SystemdError> {
        let manager = self.manager().await?;
        let asked = (unit, "replace");
        let call = manager.call::<_, _, OwnedObjectPath>("StartUnit", &asked);
        within(&format!("starting {unit}"), call).await.map(drop)
    }

    /// How a unit stands: `active`, `activating`, `failed`, `inactive`; `None` when systemd knows no such unit.
    pub(crate) async fn state(&self, unit: &str) -> Result<Option<String>, SystemdError> {
        let doing = format!("asking for {unit}");
        let manager = self.manager().await?;
        let path: OwnedObjectPath = within(&doing, manager.call("LoadUnit", &(unit,))).await?;
        let properties = within(&doing, Proxy::new(&self.connection, SERVICE, path, UNIT)).await?;
        let loaded: String = within(&doing, properties.get_property("LoadState")).await?;
        if loaded == "not-found" {
            return Ok(None);
        }
        let state: String = within(&doing, properties.get_property("ActiveState")).await?;
        Ok(Some(state))
    }

    async fn manager(&self) -> Result<Proxy<'static>, SystemdError> {
        within(
            "finding systemd's manager",
            Proxy::new(&self.connection, SERVICE, ROOT, MANAGER),
        )
        .await
    }
}

async fn within<T>(doing: &str, call: impl Future<Output = zbus::Result<T>>) -> Result<T, SystemdError> {
    match timeout(LIMIT, call).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(source)) => Err(SystemdError::Refused {
            doing: doing.to_owned(),
            source: Box::new(source),
        }),
        Err(_) => Err(SystemdError::TooSlow {
            doing: doing.to_owned(),
        }),
    }
}
