//! The control plane's image as strangers see it: `skopeo` reads its archives and a registry's copy, and `podman` runs
//! the Deployment of `deploy/` from it.
//!
//! The program in it is the tests' own, with the libraries it is linked with; the static one takes minutes to build.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use appliance_common::names::BAKED_IMAGE;
use appliance_common::state_file;
use appliance_common::testing::FakeAgent;
use appliance_tests::registry::TestRegistry;
use appliance_tests::tools::Tools;
use clap::Parser;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use xtask::image::{ImageOptions, Made, image};

/// The startup probe of the Deployment: sixty times, two seconds apart.
const STARTED_WITHIN: Duration = Duration::from_mins(2);
const PROBE_EVERY: Duration = Duration::from_millis(100);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: ImageOptions,
}

/// Makes the image into a directory.
async fn made(output: &Path, more: &[&str]) -> Result<Made> {
    let program = std::env::current_exe()?;
    let program = program
        .parent()
        .and_then(Path::parent)
        .context("no target directory")?;
    let program = program.join("appliance-control-plane");
    let (program, output) = (program.display().to_string(), output.display().to_string());
    let mut line = vec![
        "image",
        "--binary",
        &program,
        "--output",
        &output,
        "--revision",
        "c0ffee",
    ];
    line.extend(more);
    image(&Line::parse_from(line).options, &mut std::io::sink()).await
}

#[expect(clippy::disallowed_methods, reason = "a test has no settings")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// Whether programs of the system are here; CI must have them.
fn have(programs: &[&str]) -> Result<bool> {
    let on_path = |program: &&&str| {
        let path = variable("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|dir| dir.join(program).exists())
    };
    let missing: Vec<_> = programs.iter().filter(|program| !on_path(program)).collect();
    if missing.is_empty() {
        return Ok(true);
    }
    ensure!(variable("CI").is_none(), "CI has no {missing:?}");
    eprintln!("not tested: there is no {missing:?} here");
    Ok(false)
}

#[expect(
    clippy::disallowed_methods,
    reason = "programs of the system, not of the product"
)]
fn run(program: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Output> {
    let output = Command::new(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .output();
    output.with_context(|| format!("running {program}"))
}

fn inspected(arguments: &[&str]) -> Result<Value> {
    let output = run("skopeo", arguments, &[])?;
    ensure!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn a_stranger_reads_both_archives_and_the_registrys_copy() -> Result<()> {
    if !have(&["skopeo"])? {
        return Ok(());
    }
    let dir = TempDir::new()?;
    let registry = TestRegistry::start(&Tools::ensure(&|progress| eprintln!("{progress}"))?).await?;
    let reference = format!(
        "{}/nine-minds/alga-appliance-control-plane:1.0.0",
        registry.host()
    );
    let one = made(&dir.path().join("one"), &["--push", &reference]).await?;
    let other = made(&dir.path().join("other"), &[]).await?;
    ensure!(
        one.digest == other.digest,
        "two images of the same sources differ"
    );
    for (a, b) in [
        (&one.docker_archive, &other.docker_archive),
        (&one.oci_archive, &other.oci_archive),
        (&one.sbom, &other.sbom),
    ] {
        ensure!(
            fs::read(a)? == fs::read(b)?,
            "{} and {} differ",
            a.display(),
            b.display()
        );
    }
    let oci = format!("oci-archive:{}", one.oci_archive.display());
    let docker = format!("docker-archive:{}", one.docker_archive.display());
    for archive in [&oci, &docker] {
        let config = inspected(&["inspect", "--config", archive])?;
        ensure!(config["config"]["User"] == "10001:10001", "{archive}: {config}");
        ensure!(
            config["config"]["Labels"]["io.alga.appliance.abi"] == "1",
            "{archive}: {config}"
        );
    }
    let pushed = inspected(&["inspect", "--tls-verify=false", &format!("docker://{reference}")])?;
    ensure!(pushed["Digest"] == one.digest.as_str(), "{pushed}");
    ensure!(
        one.pushed
            .as_deref()
            .is_some_and(|pushed| pushed.ends_with(&one.digest)),
        "{one:?}"
    );
    let sbom: Value = serde_json::from_slice(&fs::read(&one.sbom)?)?;
    let names = sbom["components"].as_array().context("no components")?;
    let has = |name: &str| names.iter().any(|component| component["name"] == name);
    ensure!(
        has("rustls") && has("react") && !has("proptest") && !has("vite"),
        "the SBOM lists other things"
    );
    Ok(())
}

/// Podman with images and containers of its own.
struct Podman {
    dir: TempDir,
    manifest: PathBuf,
}

impl Podman {
    fn new() -> Result<Self> {
        let dir = TempDir::new()?;
        let limits = "[containers]\ndefault_ulimits=[\"nofile=1024:1024\",\"nproc=1024:1024\"]\n";
        state_file::replace(&dir.path().join("containers.conf"), limits.as_bytes(), 0o600)?;
        let manifest = dir.path().join("deployment.yaml");
        Ok(Self { dir, manifest })
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let at = |name: &str| self.dir.path().join(name).display().to_string();
        let (root, runroot, config) = (at("root"), at("runroot"), at("containers.conf"));
        let mut line = vec!["--root", &root, "--runroot", &runroot];
        line.extend(["--runtime", "runc", "--cgroup-manager", "cgroupfs"]);
        line.extend(arguments);
        let output = run("podman", &line, &[("CONTAINERS_CONF", &config)])?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "podman {arguments:?}: {said}");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let manifest = self.manifest.display().to_string();
        drop(self.run(&["kube", "down", &manifest]));
        drop(self.run(&["system", "reset", "--force"]));
    }
}

/// Settings and Deployment as they are shipped, but for the machine they meet here: its own directories and port. The
/// kubelet takes a port of a pod on the host's network for what it is; podman refuses it.
fn deployment(state: &Path, socket_dir: &Path, port: u16) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/control-plane/workload.yaml");
    let text = fs::read_to_string(path)?;
    let wanted = text.split("\n---\n").filter(|document| {
        ["kind: ConfigMap", "kind: Deployment"]
            .iter()
            .any(|kind| document.contains(kind))
    });
    let mut text = wanted.collect::<Vec<_>>().join("\n---\n");
    for (from, to) in [
        // Podman removes an init container that has just ended while it still takes it for running.
        (
            "kind: Deployment\nmetadata:\n",
            "kind: Deployment\nmetadata:\n  annotations: {io.podman.annotations.init.container.type: always}\n"
                .to_owned(),
        ),
        (
            "path: /var/lib/alga-appliance, type",
            format!("path: {}, type", state.display()),
        ),
        (
            "path: /run/alga-appliance, type",
            format!("path: {}, type", socket_dir.display()),
        ),
        (
            "ALGA_APPLIANCE_PORT: \"8080\"",
            format!("ALGA_APPLIANCE_PORT: \"{port}\"\n  ALGA_APPLIANCE_LISTEN_ADDRESS: 127.0.0.1"),
        ),
        (
            "          ports:\n            - {name: setup-http, containerPort: 8080, hostPort: 8080, protocol: TCP}\n",
            String::new(),
        ),
    ] {
        ensure!(text.contains(from), "the Deployment has no {from:?}");
        text = text.replace(from, &to);
    }
    Ok(text)
}

/// 70 section 9.3, decision 8: the line of `sh` that shipped Deployments have is performed, and the pod is as locked
/// down as it says.
#[tokio::test]
async fn the_shipped_deployment_runs_from_the_image() -> Result<()> {
    if !have(&["podman", "runc", "catatonit"])? {
        return Ok(());
    }
    ensure!(
        nix::unistd::Uid::effective().is_root() || variable("CI").is_none(),
        "CI runs as root"
    );
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("not tested: containers need root here");
        return Ok(());
    }
    let podman = Podman::new()?;
    let made = made(&podman.dir.path().join("image"), &[]).await?;
    let loaded = podman.run(&["load", "--input", &made.docker_archive.display().to_string()])?;
    ensure!(loaded.contains(BAKED_IMAGE), "{loaded}");

    let agent = FakeAgent::start()?;
    fs::set_permissions(agent.socket(), fs::Permissions::from_mode(0o666))?;
    let socket_dir = agent
        .socket()
        .parent()
        .map(Path::to_owned)
        .context("no directory")?;
    let state = podman.dir.path().join("volume/state");
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let text = deployment(&state, &socket_dir, port)?;
    state_file::replace(&podman.manifest, text.as_bytes(), 0o600)?;
    podman.run(&["kube", "play", &podman.manifest.display().to_string()])?;
    started(&podman, port).await?;

    let volume = fs::metadata(&state)?;
    ensure!(
        (volume.uid(), volume.gid()) == (10001, 10001),
        "the init line gave the volume to nobody"
    );
    locked_down(&podman)?;
    let deadline = Instant::now() + STARTED_WITHIN;
    while !agent
        .requests()
        .iter()
        .any(|request| request.ends_with("/v1/host-facts"))
    {
        ensure!(
            Instant::now() < deadline,
            "the pod never reached the agent's socket: {:?}",
            agent.requests()
        );
        sleep(PROBE_EVERY).await;
    }
    Ok(())
}

const CONTAINER: &str = "appliance-control-plane-pod-0-setup-api";

/// The probes of the Deployment, made here: podman would run `curl` in the container, which has none.
async fn started(podman: &Podman, port: u16) -> Result<()> {
    let (deadline, url) = (
        Instant::now() + STARTED_WITHIN,
        format!("http://127.0.0.1:{port}/healthz"),
    );
    // Plain HTTP, and yet the client wants a provider; one that is there already is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    loop {
        if client
            .get(&url)
            .send()
            .await
            .is_ok_and(|answer| answer.status() == 200)
        {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("not started; its log: {}", podman.run(&["logs", CONTAINER])?);
        }
        sleep(PROBE_EVERY).await;
    }
}

fn locked_down(podman: &Podman) -> Result<()> {
    let inspected: Value = serde_json::from_str(&podman.run(&["inspect", CONTAINER])?)?;
    let container = &inspected[0];
    ensure!(
        container["HostConfig"]["ReadonlyRootfs"] == true,
        "its root can be written"
    );
    let status = fs::read_to_string(format!("/proc/{}/status", container["State"]["Pid"]))?;
    let field = |name: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim).unwrap_or_default()
    };
    ensure!(
        field("Uid").split_whitespace().all(|id| id == "10001"),
        "{status}"
    );
    ensure!(
        field("Gid").split_whitespace().all(|id| id == "10001"),
        "{status}"
    );
    for set in ["CapEff", "CapPrm", "CapBnd"] {
        ensure!(field(set).chars().all(|digit| digit == '0'), "{set}: {status}");
    }
    ensure!(field("NoNewPrivs") == "1" && field("Seccomp") == "2", "{status}");
    Ok(())
}
