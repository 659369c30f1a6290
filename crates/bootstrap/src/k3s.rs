//! k3s as the appliance runs it: its unit, its configuration, and that it is started (50 §6.2).

mod config;
mod registries;
pub(crate) mod route;
mod unit;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use appliance_common::host::k3s::{UNIT_FILE, without_local_storage};
use appliance_common::names::KUBECONFIG;
use appliance_common::state_file;
use appliance_common::systemd::{Systemd, SystemdError};

use crate::settings::Places;

/// Its unit.
pub(crate) const UNIT: &str = "k3s.service";
/// Where containerd's registries are told.
const REGISTRIES: &str = "/etc/rancher/k3s/registries.yaml";
const CONFIG_DIR: &str = "/etc/rancher/k3s/config.yaml.d";

pub(crate) use self::registries::Mirror;

/// How containerd reaches registries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    pub(crate) mirrors: Vec<Mirror>,
    /// PEM file of further certification authorities.
    pub(crate) ca_bundle: Option<PathBuf>,
}

/// Why k3s does not run as it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum K3sError {
    #[error("{doing} {}", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("there is no k3s to start: {} is missing or may not be executed", expected.display())]
    NoBinary { expected: PathBuf },
    #[error("k3s cannot be started")]
    Systemd(#[source] SystemdError),
}

/// Sees that its files are as wanted, and that it is enabled and started. Says what was changed.
pub(crate) async fn ensure(
    places: &Places,
    binary: Option<&Path>,
    network: Option<&Network>,
) -> Result<String, K3sError> {
    let mut changed = configured(places)?;
    if let Some(network) = network {
        changed.extend(registries_written(places, network)?);
    }
    for_root_alone(places)?;
    let systemd = Systemd::connect(&places.host_root)
        .await
        .map_err(K3sError::Systemd)?;
    let is_written = unit_written(places, binary, &systemd).await?;
    changed.extend(is_written.then(|| "its unit".to_owned()));
    if is_written {
        systemd.reload().await.map_err(K3sError::Systemd)?;
    }
    let state = systemd.state(UNIT).await.map_err(K3sError::Systemd)?;
    if state.as_deref() != Some("active") {
        systemd.enable(UNIT).await.map_err(K3sError::Systemd)?;
        systemd.start(UNIT).await.map_err(K3sError::Systemd)?;
        changed.push("it was started".to_owned());
    }
    Ok(match changed.as_slice() {
        [] => "k3s runs, and is configured as it should be".to_owned(),
        changed => format!("k3s: {}", changed.join(", ")),
    })
}

/// The configuration files that k3s reads at its start; those that were written.
fn configured(places: &Places) -> Result<Vec<String>, K3sError> {
    let hostname = fs::read_to_string(places.below_root("/etc/hostname")).unwrap_or_default();
    let mut changed = Vec::new();
    for wanted in config::files(hostname.trim()) {
        let path = places.below_root(CONFIG_DIR).join(wanted.name);
        let live = read(&path)?;
        let is_kept = wanted.only_first && live.is_some();
        if is_kept || live.as_deref() == Some(wanted.text.as_str()) {
            continue;
        }
        write(&path, &wanted.text, 0o600)?;
        changed.push(wanted.name.to_owned());
    }
    Ok(changed)
}

/// containerd's registries, unless the operator wrote them; what was changed.
fn registries_written(places: &Places, network: &Network) -> Result<Option<String>, K3sError> {
    let path = places.below_root(REGISTRIES);
    let live = read(&path)?;
    if live
        .as_ref()
        .is_some_and(|live| !live.starts_with(registries::MARK))
    {
        return Ok(None);
    }
    let wanted = registries::text(&network.mirrors, network.ca_bundle.as_deref());
    if live == wanted {
        return Ok(None);
    }
    match &wanted {
        Some(text) => write(&path, text, 0o600)?,
        None => state_file::remove(&path).map_err(|source| K3sError::File {
            doing: "removing",
            path,
            source,
        })?,
    }
    Ok(Some(
        "registries.yaml, which counts from k3s's next start on".to_owned(),
    ))
}

/// The administrator's kubeconfig is root's: the shipped product let every local user have it (50 W13).
fn for_root_alone(places: &Places) -> Result<(), K3sError> {
    let path = places.below_root(KUBECONFIG);
    let failed = |source| K3sError::File {
        doing: "closing to others",
        path: path.clone(),
        source,
    };
    match fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o077 != 0 => {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

async fn unit_written(places: &Places, binary: Option<&Path>, systemd: &Systemd) -> Result<bool, K3sError> {
    let path = places.below_root(UNIT_FILE);
    if let Some(live) = read(&path)? {
        let mended = without_local_storage(&live).unwrap_or_else(|| live.clone());
        let mended = mended.replace("--write-kubeconfig-mode 0644", "--write-kubeconfig-mode 0600");
        if mended == live {
            return Ok(false);
        }
        write(&path, &mended, 0o644)?;
        return Ok(true);
    }
    if systemd.state(UNIT).await.map_err(K3sError::Systemd)?.is_some() {
        return Ok(false);
    }
    let binary = binary.ok_or_else(|| K3sError::NoBinary {
        expected: places.appliance_root.join("bin/k3s"),
    })?;
    write(&path, &unit::text(binary), 0o644)?;
    Ok(true)
}

fn read(path: &Path) -> Result<Option<String>, K3sError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(K3sError::File {
            doing: "reading",
            path: path.to_owned(),
            source,
        }),
    }
}

fn write(path: &Path, text: &str, mode: u32) -> Result<(), K3sError> {
    state_file::replace(path, text.as_bytes(), mode).map_err(|source| K3sError::File {
        doing: "writing",
        path: path.to_owned(),
        source,
    })
}
