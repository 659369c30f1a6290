//! What a real run said, as `docs/examples` has it.

use std::path::Path;

use anyhow::{Context, Result};
use appliance_common::names::{self, file};
use appliance_common::outbound::DnsPolicy;
use appliance_common::state_file::replace;
use serde_json::Value;

use super::api::Api;
use super::appliance::Appliance;
use super::world::World;

const MODE: u32 = 0o644;
/// Where the cluster's credentials are on a box.
const KUBECONFIG: &str = "/etc/rancher/k3s/k3s.yaml";
/// An address for documentation; RFC 5737.
const RESOLVER: &str = "192.0.2.53";

/// The examples of one run.
pub(crate) struct Examples<'a> {
    dir: &'a Path,
    /// Places and servers of this machine, and what stands for them.
    places: Vec<(String, &'static str)>,
}

impl<'a> Examples<'a> {
    /// Examples in `dir` from a run of this appliance in this world.
    pub(crate) fn new(dir: &'a Path, appliance: &Appliance, world: &World) -> Self {
        let mut places = vec![
            (world.kubeconfig().display().to_string(), KUBECONFIG),
            (appliance.volume().display().to_string(), names::STATE_DIR),
        ];
        let resolvers = DnsPolicy::System.servers().into_iter();
        places.extend(resolvers.map(|server| (server.ip().to_string(), RESOLVER)));
        Self { dir, places }
    }

    /// What an install that went through told, and what it left on the state volume.
    pub(crate) async fn of_an_install(&self, api: &mut Api, appliance: &Appliance) -> Result<()> {
        self.write("plan.json", &api.get("/api/setup/plan").await?)?;
        self.write("preflight.json", &api.get("/api/setup/preflight").await?)?;
        for name in [file::MAINTENANCE_METADATA, file::SETUP_JOURNAL] {
            let path = appliance.volume().join(name);
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            self.write_text(name, &text)?;
        }
        Ok(())
    }

    /// What an install that was stopped told.
    pub(crate) async fn of_a_stop(&self, api: &mut Api) -> Result<()> {
        self.write("plan-blocked.json", &api.get("/api/setup/plan").await?)
    }

    fn write(&self, name: &str, value: &Value) -> Result<()> {
        self.write_text(name, &(serde_json::to_string_pretty(value)? + "\n"))
    }

    fn write_text(&self, name: &str, text: &str) -> Result<()> {
        let path = self.dir.join(name);
        let text = self
            .places
            .iter()
            .fold(text.to_owned(), |text, (here, there)| text.replace(here, there));
        replace(&path, text.as_bytes(), MODE).with_context(|| format!("writing {}", path.display()))
    }
}
