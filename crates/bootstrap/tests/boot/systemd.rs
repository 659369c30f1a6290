//! systemd as bootstrap sees it: the system bus with one service on it, units that are known or not, and what was asked of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use zbus::zvariant::OwnedObjectPath;
use zbus::{connection, interface};

const ROOT: &str = "/org/freedesktop/systemd1";
const UNIT: &str = "/org/freedesktop/systemd1/unit/k3s_2eservice";

/// What was asked, in order.
type Asked = Arc<Mutex<Vec<String>>>;

/// A manager that knows a unit when its file is there, and for which a started unit is active.
pub(crate) struct Systemd {
    asked: Asked,
    serving: JoinHandle<()>,
}

/// What a client says to a bus first of all, and the name that it gets.
struct Bus(&'static str);

#[interface(name = "org.freedesktop.DBus")]
impl Bus {
    fn hello(&self) -> &'static str {
        self.0
    }
}

struct Manager {
    asked: Asked,
}

struct Unit {
    asked: Asked,
    file: PathBuf,
}

impl Systemd {
    /// Listens below `root`.
    pub(crate) fn below(root: &Path) -> Result<Self> {
        let dir = root.join("run/dbus");
        std::fs::create_dir_all(&dir)?;
        let listener =
            UnixListener::bind(dir.join("system_bus_socket")).context("binding the bus's socket")?;
        let (asked, file) = (Asked::default(), root.join("etc/systemd/system/k3s.service"));
        let serving = tokio::spawn(serve(listener, Arc::clone(&asked), file));
        Ok(Self { asked, serving })
    }

    /// What was asked since the last look.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: UnixListener, asked: Asked, file: PathBuf) {
    // A start is remembered beyond the connection it came by.
    let started = Asked::default();
    while let Ok((stream, _)) = listener.accept().await {
        let manager = Manager {
            asked: Arc::clone(&asked),
        };
        let unit = Unit {
            asked: Arc::clone(&started),
            file: file.clone(),
        };
        let (asked, started) = (Arc::clone(&asked), Arc::clone(&started));
        tokio::spawn(async move {
            let guid = zbus::Guid::generate();
            let building = async {
                connection::Builder::unix_stream(stream)
                    .server(guid)?
                    .p2p()
                    .serve_at("/org/freedesktop/DBus", Bus(":1.1"))?
                    .serve_at(ROOT, manager)?
                    .serve_at(UNIT, unit)?
                    .build()
                    .await
            };
            if let Ok(connection) = building.await {
                connection.closed().await;
            }
            let starts = asked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .filter(|one| one.starts_with("start"))
                .count();
            if starts > 0 {
                started
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push("started".to_owned());
            }
        });
    }
}

fn note(asked: &Asked, what: String) {
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(what);
}

#[expect(clippy::needless_pass_by_value, reason = "what is decoded is handed over")]
#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn reload(&self) {
        note(&self.asked, "reload".to_owned());
    }

    /// For good and without force, as an operator's `systemctl enable` asks.
    fn enable_unit_files(
        &self,
        files: Vec<&str>,
        runtime: bool,
        force: bool,
    ) -> (bool, Vec<(String, String, String)>) {
        let words = if runtime || force { " not for good" } else { "" };
        note(&self.asked, format!("enable {}{words}", files.join(" ")));
        (true, Vec::new())
    }

    fn start_unit(&self, name: &str, mode: &str) -> zbus::fdo::Result<OwnedObjectPath> {
        let words = if mode == "replace" {
            String::new()
        } else {
            format!(" by {mode}")
        };
        note(&self.asked, format!("start {name}{words}"));
        path("/org/freedesktop/systemd1/job/1")
    }

    /// There is one unit.
    fn load_unit(&self, name: &str) -> zbus::fdo::Result<OwnedObjectPath> {
        if name != "k3s.service" {
            note(&self.asked, format!("load {name}"));
        }
        path(UNIT)
    }
}

fn path(text: &str) -> zbus::fdo::Result<OwnedObjectPath> {
    OwnedObjectPath::try_from(text).map_err(|error| zbus::fdo::Error::Failed(error.to_string()))
}

#[interface(name = "org.freedesktop.systemd1.Unit")]
impl Unit {
    #[zbus(property)]
    fn load_state(&self) -> String {
        if self.file.exists() { "loaded" } else { "not-found" }.to_owned()
    }

    #[zbus(property)]
    fn active_state(&self) -> String {
        let started = !self
            .asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty();
        if started { "active" } else { "inactive" }.to_owned()
    }
}
