//! systemd, asked over the system bus; no program is started for it (decision 1).
//!
//! Not on its private socket, as `systemctl` does: there it names itself by what is no bus name, and what it says
//! is not a valid message (seen with systemd 252).
//!
//! <https://www.freedesktop.org/wiki/Software/systemd/dbus/>

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};
use zbus::zvariant::{DynamicType, OwnedObjectPath, OwnedValue};
use zbus::{Connection, Message};

/// The system bus.
const SOCKET: &str = "/run/dbus/system_bus_socket";

/// Longest time one call may take.
const LIMIT: Duration = Duration::from_secs(25);

/// How often a job that is queued is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

const SERVICE: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const JOB: &str = "org.freedesktop.systemd1.Job";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const ROOT: &str = "/org/freedesktop/systemd1";

/// Why systemd did not do it.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// There is no bus.
    #[error("reaching the system bus at {}; see: systemctl status dbus", path.display())]
    Unreachable {
        /// Its socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{doing}: systemd was not done in time; see: systemctl list-jobs")]
    TooSlow {
        /// What was asked.
        doing: String,
    },
    /// It declined, or the connection broke.
    #[error("{doing}")]
    Refused {
        /// What was asked.
        doing: String,
        /// What came back.
        source: Box<zbus::Error>,
    },
}

/// A connection to systemd.
#[derive(Debug, Clone)]
pub struct Systemd {
    connection: Connection,
}

impl Systemd {
    /// Connects; `root` is the directory that stands for `/`.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn connect(root: &Path) -> Result<Self, SystemdError> {
        let path = root.join(SOCKET.trim_start_matches('/'));
        let stream = UnixStream::connect(&path).await;
        let stream = stream.map_err(|source| SystemdError::Unreachable { path, source })?;
        let building = zbus::connection::Builder::unix_stream(stream).build();
        let connection = within("greeting the system bus", building).await?;
        Ok(Self { connection })
    }

    /// Reads unit files anew.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn reload(&self) -> Result<(), SystemdError> {
        self.manager("reloading unit files", "Reload", &())
            .await
            .map(drop)
    }

    /// Has a unit started at each boot.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn enable(&self, unit: &str) -> Result<(), SystemdError> {
        let asked = (vec![unit], false, false);
        self.manager(&format!("enabling {unit}"), "EnableUnitFiles", &asked)
            .await
            .map(drop)
    }

    /// Queues the start of a unit, and does not wait for it: k3s may take minutes (50 W10).
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn start(&self, unit: &str) -> Result<(), SystemdError> {
        let asked = (unit, "replace");
        self.manager(&format!("starting {unit}"), "StartUnit", &asked)
            .await
            .map(drop)
    }

    /// Queues the start of a unit, after its end where it runs or has failed.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn restart(&self, unit: &str) -> Result<(), SystemdError> {
        let asked = (unit, "replace");
        self.manager(&format!("starting {unit} anew"), "RestartUnit", &asked)
            .await
            .map(drop)
    }

    /// Starts a unit that does one thing and ends (`Type=oneshot`), and waits for its end; whether it did it.
    ///
    /// systemd removes the job of a start once the unit's commands are done (org.freedesktop.systemd1(5)).
    ///
    /// # Errors
    /// [`SystemdError`]; too slow also when it is not done within `limit`: it then goes on by itself.
    pub async fn run(&self, unit: &str, limit: Duration) -> Result<bool, SystemdError> {
        self.to_its_end(format!("running {unit}"), "StartUnit", unit, limit)
            .await?;
        Ok(self.state(unit).await?.as_deref() != Some("failed"))
    }

    /// Stops a unit, and waits until it has ended. One that does not run is stopped.
    ///
    /// # Errors
    /// [`SystemdError`]; too slow also when it has not ended within `limit`: systemd then goes on ending it.
    pub async fn stop(&self, unit: &str, limit: Duration) -> Result<(), SystemdError> {
        self.to_its_end(format!("stopping {unit}"), "StopUnit", unit, limit)
            .await
    }

    /// Queues a job, and waits until systemd has removed it.
    async fn to_its_end(
        &self,
        doing: String,
        method: &str,
        unit: &str,
        limit: Duration,
    ) -> Result<(), SystemdError> {
        let said = self.manager(&doing, method, &(unit, "replace")).await?;
        let job: OwnedObjectPath = read(&doing, &said)?;
        let ended = async {
            while self.is_queued(&job).await {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(limit, ended)
            .await
            .map_err(|_| SystemdError::TooSlow { doing })
    }

    /// Whether the job is there; one that is done has no object any more.
    async fn is_queued(&self, job: &OwnedObjectPath) -> bool {
        let asked = (JOB, "State");
        let call = self
            .connection
            .call_method(Some(SERVICE), job, Some(PROPERTIES), "Get", &asked);
        !matches!(
            within("asking for a job", call).await,
            Err(SystemdError::Refused { .. })
        )
    }

    /// How a unit stands: `active`, `activating`, `failed`, `inactive`; `None` when systemd knows no such unit.
    ///
    /// # Errors
    /// [`SystemdError`].
    pub async fn state(&self, unit: &str) -> Result<Option<String>, SystemdError> {
        let doing = format!("asking for {unit}");
        let said = self.manager(&doing, "LoadUnit", &(unit,)).await?;
        let path: OwnedObjectPath = read(&doing, &said)?;
        if self.property(&doing, &path, "LoadState").await? == "not-found" {
            return Ok(None);
        }
        self.property(&doing, &path, "ActiveState").await.map(Some)
    }

    async fn property(
        &self,
        doing: &str,
        path: &OwnedObjectPath,
        name: &str,
    ) -> Result<String, SystemdError> {
        let asked = (UNIT, name);
        let call = self
            .connection
            .call_method(Some(SERVICE), path, Some(PROPERTIES), "Get", &asked);
        let value: OwnedValue = read(doing, &within(doing, call).await?)?;
        value
            .try_into()
            .map_err(|error| refused(doing, zbus::Error::Variant(error)))
    }

    async fn manager<B>(&self, doing: &str, method: &str, body: &B) -> Result<Message, SystemdError>
    where
        B: Serialize + DynamicType,
    {
        let call = self
            .connection
            .call_method(Some(SERVICE), ROOT, Some(MANAGER), method, body);
        within(doing, call).await
    }
}

fn read<T>(doing: &str, said: &Message) -> Result<T, SystemdError>
where
    T: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
{
    said.body().deserialize().map_err(|error| refused(doing, error))
}

fn refused(doing: &str, source: zbus::Error) -> SystemdError {
    SystemdError::Refused {
        doing: doing.to_owned(),
        source: Box::new(source),
    }
}

async fn within<T>(doing: &str, call: impl Future<Output = zbus::Result<T>>) -> Result<T, SystemdError> {
    match timeout(LIMIT, call).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(source)) => Err(refused(doing, source)),
        Err(_) => Err(SystemdError::TooSlow {
            doing: doing.to_owned(),
        }),
    }
}
