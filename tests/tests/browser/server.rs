//! The control plane under test: this test program once more, as `control_plane` below. It serves the pages
//! that are embedded in it, on a port that stays the same when it is killed and started again.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_common::state_file;
use appliance_common::testing::host_root;
use appliance_control_plane::cli;
use appliance_tests::control_plane::{Place, listening};
use appliance_tests::process::{GuardedDir, Launch, Process};

/// What the operator reads from the console.
pub(crate) const TOKEN: &str = "4711-0815-2345-6789-0123";

/// Longest time until it listens.
const START_LIMIT: Duration = Duration::from_mins(1);

#[test]
#[ignore = "the program under test; the scenarios start it"]
fn control_plane() {
    // Whoever runs the ignored tests by hand has no box around it.
    if Path::new(file::SETUP_TOKEN).exists() {
        let ended = cli::main(["appliance-control-plane".into()]);
        assert_eq!(format!("{ended:?}"), format!("{:?}", ExitCode::SUCCESS));
    }
}

/// A box: a state volume, a made-up host, and the program on them while it runs.
pub(crate) struct Server {
    process: Option<Process>,
    volume: GuardedDir,
    env: Vec<(&'static str, String)>,
    address: String,
    lives: u32,
}

impl Server {
    /// A box as it is delivered, running. `more` is what it is told beside the servers around it.
    pub(crate) async fn start(place: &Place, more: &[(&'static str, String)]) -> Result<Self> {
        let volume = GuardedDir::new("alga-browser-box-")?;
        let token = format!("{TOKEN}\n");
        state_file::replace(&volume.path().join(file::SETUP_TOKEN), token.as_bytes(), 0o640)?;
        let mut env = place.environment(volume.path()).context("making up a host")?;
        env.extend_from_slice(more);
        // A support bundle asks nobody on the internet.
        env.push(("ALGA_APPLIANCE_BUNDLE_PROBES", String::new()));
        let mut server = Self {
            process: None,
            volume,
            env,
            address: String::new(),
            lives: 0,
        };
        server.start_again().await?;
        Ok(server)
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it on the same volume and port, and waits until it listens.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        ensure!(self.process.is_none(), "the server runs already");
        self.lives += 1;
        let mut process = Process::start(&Launch {
            name: format!("control-plane-{}", self.lives),
            program: std::env::current_exe().context("finding this program")?,
            args: [
                "server::control_plane",
                "--exact",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ]
            .map(str::to_owned)
            .into(),
            env: self.env.clone(),
            dir: self.volume.path().to_owned(),
        })?;
        self.address = listening(&mut process, START_LIMIT).await?;
        let port = self.address.rsplit(':').next().unwrap_or_default().to_owned();
        // Of two values of one variable the later counts.
        self.env.push(("ALGA_APPLIANCE_PORT", port));
        self.process = Some(process);
        Ok(())
    }

    /// `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where the made-up host is.
    pub(crate) fn write_host(&self, path: &str, text: &str) -> Result<()> {
        let root = self.volume.path().join("host-root");
        host_root::write(&root, path, text).with_context(|| format!("writing {path} of the host"))
    }

    /// The end of its log, for errors.
    pub(crate) fn log_tail(&self) -> String {
        self.process
            .as_ref()
            .map_or_else(|| "(it does not run)".to_owned(), Process::log_tail)
    }
}
