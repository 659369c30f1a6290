//! A server, what stands around it, and one run of the console.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::names::file;
use appliance_common::state_file::replace;
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::control_plane::{Place, listening};
use appliance_tests::process::{Launch, Process};
use appliance_tests::registry::TestRegistry;
use appliance_tests::tools::Tools;
use appliance_tests::{apply, flux, releases, storage};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_appliance-control-plane");
const TOKEN: &str = "4711-0815-2345-6789-0123";
/// Longest time a server may take to listen.
const LIMIT: Duration = Duration::from_mins(1);

/// An API server with storage and Flux's kinds, and a registry with a release.
pub(crate) struct Site {
    cluster: TestCluster,
    pub(crate) registry: TestRegistry,
    proof: Value,
}

impl Site {
    pub(crate) async fn start() -> Result<Self> {
        let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
        let cluster = TestCluster::start(&tools, Parts::Api).await?;
        let client = cluster.client().await?;
        let flux = fs::read_to_string(flux::manifest(&tools)?.path)?;
        apply::yaml(&client, "test", "default", &flux).await?;
        storage::roll_out(&client).await?;
        let proof = storage::proof(&client).await?;
        let registry = TestRegistry::start(&tools).await?;
        let release = releases::manifest(&registry.host(), "1.0.0").to_string();
        releases::push(&registry.host(), "stable", release.as_bytes()).await?;
        Ok(Self {
            cluster,
            registry,
            proof,
        })
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            kubeconfig: self.cluster.kubeconfig(),
            registry: self.registry.host(),
            flux_manifest: None,
            storage_proof: Some(self.proof.clone()),
        }
    }
}

/// Where no cluster answers.
pub(crate) fn nowhere() -> Place {
    Place {
        kubeconfig: PathBuf::from("/nowhere/kubeconfig"),
        registry: "127.0.0.1:9".to_owned(),
        flux_manifest: None,
        storage_proof: None,
    }
}

/// The control plane on a fresh state volume.
pub(crate) struct Server {
    pub(crate) volume: TempDir,
    pub(crate) url: String,
    _process: Process,
}

impl Server {
    pub(crate) async fn start(place: &Place) -> Result<Self> {
        Self::start_as(place, None, |_| Ok(())).await
    }

    /// As another user, to whom the volume belongs but for what `root_leaves` there.
    pub(crate) async fn start_as(
        place: &Place,
        uid: Option<u32>,
        root_leaves: impl FnOnce(&Path) -> io::Result<()>,
    ) -> Result<Self> {
        let volume = tempfile::tempdir()?;
        let token = volume.path().join(file::SETUP_TOKEN);
        replace(&token, TOKEN.as_bytes(), 0o640)?;
        chown(volume.path(), uid, uid)?;
        chown(&token, uid, uid)?;
        root_leaves(volume.path())?;
        let (program, args) = match uid {
            None => (PathBuf::from(PROGRAM), Vec::new()),
            Some(uid) => {
                let args = [
                    format!("--reuid={uid}"),
                    format!("--regid={uid}"),
                    "--clear-groups".to_owned(),
                ];
                let args = args.into_iter().chain([PROGRAM.to_owned()]).collect();
                (PathBuf::from("/usr/bin/setpriv"), args)
            }
        };
        let mut process = Process::start(&Launch {
            name: "server".to_owned(),
            program,
            args,
            env: place.environment(volume.path())?,
            dir: volume.path().to_owned(),
        })?;
        let address = listening(&mut process, LIMIT).await?;
        Ok(Self {
            volume,
            url: format!("http://{address}"),
            _process: process,
        })
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.volume.path().join(file::SETUP_TOKEN)
    }
}

/// How a run of the console ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the console to its end; it must leave no file where it was started.
#[expect(
    clippy::disallowed_methods,
    reason = "the program under test, with its standard streams"
)]
pub(crate) fn console(url: &str, token_file: &Path, args: &[&str], input: &str) -> Result<Ended> {
    let dir = tempfile::tempdir()?;
    let mut child = Command::new(PROGRAM)
        .args(["setup", "--timeout-seconds", "120"])
        .args(args)
        .env("ALGA_APPLIANCE_URL", url)
        .env("ALGA_APPLIANCE_TOKEN_FILE", token_file)
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("a standard input")?;
    // It may have ended without reading, and says why.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(fs::read_dir(dir.path())?.next().is_none(), "it wrote files");
    Ok(Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout)?,
        err: String::from_utf8(output.stderr)?,
    })
}
