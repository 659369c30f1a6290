//! Everything around the pages: the stack with a published release, the licence service, and a box.

use anyhow::{Context, Result, bail};
use appliance_tests::control_plane::Place;
use appliance_tests::flux;
use appliance_tests::stack::Stack;
use appliance_tests::standins::helm_controller::Bootstrap;
use appliance_tests::standins::license_service::{LicenseService, Plan};
use appliance_tests::tools::Tools;
use kube::Client;
use serde_json::{Value, json};
use xtask::publish::{Options, publish};

use crate::server::{Server, TOKEN};
use crate::{application, trouble};

/// The company that has bought the box.
const COMPANY: &str = "Example Ltd";

/// `/proc/meminfo` of a host that is too small, and of one that is not.
const SMALL: &str = "MemTotal:       2048000 kB\nMemAvailable:   1024000 kB\n";
const LARGE: &str = "MemTotal:       16384000 kB\nMemAvailable:   12000000 kB\n";

/// The running whole. The box ends first, the cluster last.
pub(crate) struct World {
    server: Server,
    place: Place,
    license: LicenseService,
    client: Client,
    stack: Stack,
}

impl World {
    /// Starts everything; the box is as it was delivered.
    pub(crate) async fn start() -> Result<Self> {
        let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
        let stack = Stack::start(&tools).await?;
        publish(&Options::sample(stack.registry.host().parse()?, "1.0.0")).await?;
        let license = LicenseService::start().await?;
        let place = Place {
            kubeconfig: stack.cluster.kubeconfig(),
            registry: stack.registry.host(),
            flux_manifest: Some(flux::manifest(&tools)?.path),
            storage_proof: None,
        };
        application::install_scripts(&stack.cluster)?;
        Ok(Self {
            server: new_box(&place, &license).await?,
            client: stack.cluster.client().await?,
            place,
            license,
            stack,
        })
    }

    /// Another box, as it was delivered, in the same world.
    pub(crate) async fn unpack_another(&mut self) -> Result<()> {
        self.server = new_box(&self.place, &self.license).await?;
        Ok(())
    }

    /// The end of the box's log, for errors.
    pub(crate) fn log_tail(&self) -> String {
        self.server.log_tail()
    }

    /// Does what a scenario asks for.
    ///
    /// # Errors
    /// It cannot be done, or nobody knows it.
    pub(crate) async fn act(&mut self, words: &[&str]) -> Result<Value> {
        match words {
            ["box"] => return Ok(self.told()),
            ["server", "kill"] => self.server.kill(),
            ["server", "start"] => self.server.start_again().await?,
            ["host", "small"] => self.server.write_host("proc/meminfo", SMALL)?,
            ["host", "large"] => self.server.write_host("proc/meminfo", LARGE)?,
            ["registry", "kill"] => self.stack.registry.kill(),
            ["registry", "start"] => self.stack.registry.start_again().await?,
            ["registry", "pause"] => self.stack.registry.pause()?,
            ["registry", "resume"] => self.stack.registry.resume()?,
            ["api", "kill"] => self.stack.cluster.kill_api(),
            ["api", "start"] => self.stack.cluster.start_api().await?,
            ["release", "fail", name, message] => {
                self.stack.helm.fail(name, message);
                trouble::ask_for(&self.client, "HelmRelease", name).await?;
            }
            ["release", "heal", name] => {
                self.stack.helm.heal(name);
                trouble::ask_for(&self.client, "HelmRelease", name).await?;
            }
            ["ask", kind, name] => trouble::ask_for(&self.client, kind, name).await?,
            ["bootstrap", "fails"] => self.stack.helm.bootstrap(Bootstrap::Fails),
            ["bootstrap", "completes"] => self.stack.helm.bootstrap(Bootstrap::Completes),
            ["log", lines @ ..] => self.stack.cluster.write_log(lines)?,
            ["script", name, says, ends] => application::script(&self.stack.cluster, name, says, ends)?,
            ["make", class] => trouble::make(&self.client, class).await?,
            ["mend", class] => trouble::mend(&self.client, class).await?,
            ["code"] => return Ok(self.license.issue(COMPANY, Plan::Pro).into()),
            ["code", "expired"] => {
                let code = self.license.issue(COMPANY, Plan::Pro);
                self.license.expire(&code);
                return Ok(code.into());
            }
            unknown => bail!("nobody here knows how to do {unknown:?}"),
        }
        Ok(Value::Null)
    }

    /// What an operator knows of the box.
    fn told(&self) -> Value {
        json!({
            "url": self.server.url(),
            "token": TOKEN,
            "application": self.stack.web.url(),
            "company": COMPANY,
        })
    }
}

async fn new_box(place: &Place, license: &LicenseService) -> Result<Server> {
    let more = [("ALGA_LICENSE_SERVICE_URL", license.url())];
    Server::start(place, &more).await.context("starting the box")
}
