//! systemd as our programs see it: the system bus with one service on it, units that are known or not, and what was
//! asked of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use appliance_common::names::unit;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;
use zbus::zvariant::OwnedObjectPath;
use zbus::{connection, interface};

const ROOT: &str = "/org/freedesktop/systemd1";

/// The units there can be, each at an object of its own.
const UNITS: [&str; 8] = [
    "k3s.service",
    unit::BOOTSTRAP,
    unit::CONTROL_PLANE_REAPPLY,
    unit::CONTROL_PLANE_REFRESH,
    unit::CONTROL_PLANE_UPGRADE,
    unit::RESET,
    unit::SETUP_RIGHTS_BIND,
    unit::SETUP_RIGHTS_DROP,
];

/// What systemd knows.
#[derive(Debug, Default)]
struct Known {
    /// What was asked since the last look, in order.
    asked: Vec<String>,
    /// `ActiveState` of units that are not inactive.
    states: BTreeMap<String, String>,
    /// What a start makes of a unit, if not active.
    becomes: BTreeMap<String, String>,
}

/// A manager that knows k3s when its unit's file is there, and our own units always. A unit that is started is
/// active, or what was said that it becomes.
#[derive(Debug)]
pub struct Systemd {
    known: Shared,
    serving: JoinHandle<()>,
}

type Shared = Arc<Mutex<Known>>;

fn lock(known: &Shared) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Systemd {
    /// Listens below `root`, the directory that stands for `/`.
    ///
    /// # Errors
    /// The socket cannot be bound.
    pub fn below(root: &Path) -> Result<Self> {
        let dir = root.join("run/dbus");
        std::fs::create_dir_all(&dir)?;
        let socket = dir.join("system_bus_socket");
        let listener = UnixListener::bind(socket).context("binding the bus's socket")?;
        let known = Shared::default();
        let serving = tokio::spawn(serve(listener, Arc::clone(&known), root.to_owned()));
        Ok(Self { known, serving })
    }

    /// What was asked since the last look.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.known).asked)
    }

    /// From now on a start makes a unit this.
    pub fn starts_as(&self, unit: &str, state: &str) {
        lock(&self.known)
            .becomes
            .insert(unit.to_owned(), state.to_owned());
    }

    /// From now on a unit stands so: `active`, `activating`, `failed`, `inactive`.
    pub fn set(&self, unit: &str, state: &str) {
        lock(&self.known).states.insert(unit.to_owned(), state.to_owned());
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: UnixListener, known: Shared, root: std::path::PathBuf) {
    while let Ok((stream, _)) = listener.accept().await {
        let (known, root) = (Arc::clone(&known), root.clone());
        tokio::spawn(async move {
            if let Ok(connection) = speak(stream, &known, &root).await {
                connection.closed().await;
            }
        });
    }
}

async fn speak(
    stream: tokio::net::UnixStream,
    known: &Shared,
    root: &Path,
) -> zbus::Result<zbus::Connection> {
    let mut building = connection::Builder::unix_stream(stream)
        .server(zbus::Guid::generate())?
        .p2p()
        .serve_at("/org/freedesktop/DBus", Bus(":1.1"))?
        .serve_at(ROOT, Manager(Arc::clone(known)))?;
    for name in UNITS {
        let unit = Unit {
            known: Arc::clone(known),
            name,
            file: root.join("etc/systemd/system").join(name),
        };
        building = building.serve_at(object_of(name), unit)?;
    }
    building.build().await
}

/// Names of objects have no other characters.
fn object_of(unit: &str) -> String {
    let name: String = unit
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    format!("{ROOT}/unit/{name}")
}

/// What a client says to a bus first of all, and the name that it gets.
struct Bus(&'static str);

#[interface(name = "org.freedesktop.DBus")]
impl Bus {
    fn hello(&self) -> &'static str {
        self.0
    }
}

struct Manager(Shared);

#[expect(clippy::needless_pass_by_value, reason = "what is decoded is handed over")]
#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn reload(&self) {
        lock(&self.0).asked.push("reload".to_owned());
    }

    /// For good and without force, as an operator's `systemctl enable` asks.
    fn enable_unit_files(
        &self,
        files: Vec<&str>,
        runtime: bool,
        force: bool,
    ) -> (bool, Vec<(String, String, String)>) {
        let words = if runtime || force { " not for good" } else { "" };
        let asked = format!("enable {}{words}", files.join(" "));
        lock(&self.0).asked.push(asked);
        (true, Vec::new())
    }

    fn start_unit(&self, name: &str, mode: &str) -> zbus::fdo::Result<OwnedObjectPath> {
        let words = if mode == "replace" {
            String::new()
        } else {
            format!(" by {mode}")
        };
        let mut known = lock(&self.0);
        known.asked.push(format!("start {name}{words}"));
        let state = known.becomes.get(name).cloned();
        let state = state.unwrap_or_else(|| "active".to_owned());
        known.states.insert(name.to_owned(), state);
        path("/org/freedesktop/systemd1/job/1")
    }

    fn restart_unit(&self, name: &str, mode: &str) -> zbus::fdo::Result<OwnedObjectPath> {
        lock(&self.0).asked.push(format!("restart {name} by {mode}"));
        path("/org/freedesktop/systemd1/job/1")
    }

    fn load_unit(&self, name: &str) -> zbus::fdo::Result<OwnedObjectPath> {
        let _known = lock(&self.0);
        if !UNITS.contains(&name) {
            return Err(zbus::fdo::Error::Failed(format!(
                "{name} is none of the units here"
            )));
        }
        path(&object_of(name))
    }
}

fn path(text: &str) -> zbus::fdo::Result<OwnedObjectPath> {
    OwnedObjectPath::try_from(text).map_err(|error| zbus::fdo::Error::Failed(error.to_string()))
}

struct Unit {
    known: Shared,
    name: &'static str,
    file: std::path::PathBuf,
}

#[interface(name = "org.freedesktop.systemd1.Unit")]
impl Unit {
    #[zbus(property)]
    fn load_state(&self) -> String {
        let is_there = self.name != "k3s.service" || self.file.exists();
        if is_there { "loaded" } else { "not-found" }.to_owned()
    }

    #[zbus(property)]
    fn active_state(&self) -> String {
        let known = lock(&self.known);
        known
            .states
            .get(self.name)
            .map_or("inactive", String::as_str)
            .to_owned()
    }
}
