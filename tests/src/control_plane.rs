//! How the real control plane is told about a state volume and the servers around it, and where it then listens.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use appliance_common::names::file;
use appliance_common::state_file::replace;
use appliance_common::testing::host_root;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::process::Process;

/// What its log says once it listens.
const LISTENING: &str = "listening address=";

/// How often the log is looked at: a file has nothing to wait on.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Where the made-up host is, below the state volume.
const HOST_ROOT: &str = "host-root";

/// The servers that a control plane is told about.
#[derive(Debug, Clone)]
pub struct Place {
    /// Where the cluster is.
    pub kubeconfig: PathBuf,
    /// `host:port` of the registry.
    pub registry: String,
    /// The Flux controllers; `None` where the cluster has them.
    pub flux_manifest: Option<PathBuf>,
    /// `storage-state.json` of the box, where no pod can run the storage test.
    pub storage_proof: Option<Value>,
}

impl Place {
    /// The variables of a control plane that lives in `volume` and listens on a free loopback port, which
    /// its log names.
    ///
    /// # Errors
    /// When the made-up host or the storage proof below it cannot be written.
    pub fn environment(&self, volume: &Path) -> io::Result<Vec<(&'static str, String)>> {
        let at = |name: &str| volume.join(name).display().to_string();
        host_root::write_healthy(&volume.join(HOST_ROOT))?;
        if let Some(proof) = &self.storage_proof {
            replace(
                &volume.join(file::STORAGE_STATE),
                proof.to_string().as_bytes(),
                0o644,
            )?;
        }
        let mut environment = vec![
            ("RUST_LOG", "info".to_owned()),
            ("ALGA_APPLIANCE_LISTEN_ADDRESS", "127.0.0.1".to_owned()),
            ("ALGA_APPLIANCE_PORT", "0".to_owned()),
            ("ALGA_APPLIANCE_TOKEN_FILE", at(file::SETUP_TOKEN)),
            ("ALGA_APPLIANCE_ADMIN_CREDENTIAL_FILE", at(file::ADMIN_CREDENTIAL)),
            ("ALGA_APPLIANCE_SESSION_SECRET_FILE", at(file::SESSION_SECRET)),
            ("ALGA_APPLIANCE_STATE_FILE", at(file::INSTALL_STATE)),
            ("ALGA_APPLIANCE_SETUP_INPUTS_FILE", at(file::SETUP_INPUTS)),
            (
                "ALGA_APPLIANCE_RELEASE_SELECTION_FILE",
                at(file::RELEASE_SELECTION),
            ),
            ("ALGA_APPLIANCE_HOST_AGENT_SOCKET", at("host-agent.sock")),
            ("ALGA_APPLIANCE_METRICS_SOCKET", at("metrics.sock")),
            ("ALGA_APPLIANCE_STORAGE_LOCK_PATH", at(file::STORAGE_LOCK)),
            // Nothing else here would bring a second provisioner back.
            ("ALGA_APPLIANCE_STORAGE_STABILITY_SECONDS", "0".to_owned()),
            ("ALGA_APPLIANCE_KUBECONFIG", self.kubeconfig.display().to_string()),
            ("ALGA_APPLIANCE_REGISTRY_HOST", self.registry.clone()),
            // What is checked is a healthy host's, whatever machine this is.
            ("ALGA_APPLIANCE_HOST_ROOT", at(HOST_ROOT)),
            ("ALGA_APPLIANCE_PREFLIGHT_FSYNC", "0".to_owned()),
            // The registry is this machine's own, whatever proxy the person uses.
            ("NO_PROXY", "127.0.0.1,localhost".to_owned()),
        ];
        if let Some(manifest) = &self.flux_manifest {
            environment.push(("ALGA_APPLIANCE_FLUX_MANIFEST", manifest.display().to_string()));
        }
        Ok(environment)
    }
}

/// `HOST:PORT` where a control plane listens, once its log says so.
///
/// # Errors
/// It has ended, or says nothing of it within `limit`; the message has the end of its log.
pub async fn listening(process: &mut Process, limit: Duration) -> Result<String> {
    let deadline = Instant::now() + limit;
    loop {
        let log = std::fs::read_to_string(process.log()).context("reading the control plane's log")?;
        if let Some(address) = listening_address(&log) {
            return Ok(address.to_owned());
        }
        if let Some(status) = process.exited()? {
            bail!(
                "the control plane ended with {status}; its log ends:\n{}",
                process.log_tail()
            );
        }
        if Instant::now() >= deadline {
            let limit = limit.as_secs();
            bail!(
                "the control plane does not listen after {limit} s; its log ends:\n{}",
                process.log_tail()
            );
        }
        sleep(LOOK_EVERY).await;
    }
}

/// The address in a control plane's log, once its line is whole.
#[must_use]
pub fn listening_address(log: &str) -> Option<&str> {
    let (_, rest) = log.split_once(LISTENING)?;
    let (address, _) = rest.split_once('\n')?;
    Some(address.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_read_only_when_a_line_is_whole() {
        let line = "INFO appliance_control_plane::run: listening address=127.0.0.1:4123";
        assert_eq!(listening_address(line), None);
        assert_eq!(listening_address(&format!("{line}\n")), Some("127.0.0.1:4123"));
    }
}
