//! k3s as a booted host meets it: a unit that is ready when the API server answers, containerd's images, and a pod
//! that is the control plane's processes. The API server itself is the test's.
#![expect(
    clippy::disallowed_methods,
    reason = "plays another product, as a program of its own"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use appliance_common::state_file;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Container, Node};
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::time::sleep;

/// What the test leaves for it.
const KUBECONFIG: &str = "/etc/standin/kubeconfig";
/// Where it keeps what was imported.
const HOME: &str = "/var/lib/rancher/standin";
/// Where the server imports for others.
const SOCKET: &str = "/run/k3s-standin.sock";
/// The kubeconfig that k3s writes.
const WRITTEN: &str = "/etc/rancher/k3s/k3s.yaml";
/// What a kubelet would mount into the pod as its account.
const OF_POD: &str = "/run/standin-kubeconfig";
/// The pod's process.
const POD_PID: &str = "/run/standin-pod.pid";
/// Where k3s keeps its datastore.
const DATABASE: &str = "/var/lib/rancher/k3s/server/db";
/// The user of the control plane's pod.
const POD: u32 = 10001;

const PAUSE: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["server", ..] => server(),
        ["ctr", "images", "ls", "-q"] => list(),
        ["ctr", "images", "label", _, _] => Ok(()),
        ["ctr", "images", "import", archive] => ask_for_import(archive),
        ["--version"] => version().and_then(|version| say(&format!("k3s version {version} (standin)\n"))),
        _ => Err(anyhow::anyhow!("the stand-in does not know {arguments:?}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// What was done, for the test.
fn note(line: &str) {
    let path = Path::new(HOME).join("calls");
    let noted = fs::create_dir_all(HOME).and_then(|()| {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path)?;
        writeln!(file, "{line}")
    });
    drop(noted);
}

fn say(text: &str) -> Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}

/// Its version is the last line of its own file, where a test has appended one; it follows this word.
const VERSION: &str = "k3s-version=";

fn version() -> Result<String> {
    let own = fs::read("/proc/self/exe")?;
    let tail = String::from_utf8_lossy(&own[own.len().saturating_sub(64)..]).into_owned();
    let appended = tail
        .rsplit_once(VERSION)
        .map(|(_, version)| version.trim().to_owned());
    Ok(appended.unwrap_or_else(|| "v1.36.3+k3s1".to_owned()))
}

/// Notes in the database who opened it; a version whose patch is 66 cannot read it, and leaves it worse.
fn open_database(version: &str) -> Result<()> {
    fs::create_dir_all(DATABASE)?;
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(Path::new(DATABASE).join("state.db"))?;
    writeln!(file, "opened by {version}")?;
    ensure!(!version.contains(".66+"), "database is of another version");
    Ok(())
}

/// What the kubelet says of itself.
async fn reported(client: &kube::Client, version: &str) -> Result<()> {
    let nodes = Api::<Node>::all(client.clone());
    let patch = Patch::Merge(json!({"status": {"nodeInfo": {"kubeletVersion": version}}}));
    for node in nodes.list(&ListParams::default()).await? {
        let name = node.metadata.name.unwrap_or_default();
        nodes.patch_status(&name, &PatchParams::default(), &patch).await?;
    }
    Ok(())
}

/// Images by their names, and the program each has.
fn images() -> BTreeMap<String, PathBuf> {
    let text = fs::read(Path::new(HOME).join("images.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn list() -> Result<()> {
    let names: Vec<_> = images().into_keys().collect();
    say(&(names.join("\n") + "\n"))
}

/// The server does it, as containerd does: whoever asks may be allowed to write nowhere.
fn ask_for_import(archive: &str) -> Result<()> {
    let mut stream = UnixStream::connect(SOCKET).context("containerd does not run")?;
    writeln!(stream, "{archive}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer == "done", "{answer}");
    Ok(())
}

fn serve_imports() -> Result<()> {
    drop(fs::remove_file(SOCKET));
    let listener = UnixListener::bind(SOCKET)?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            drop(answer(stream));
        }
    });
    Ok(())
}

fn answer(mut stream: UnixStream) -> Result<()> {
    let mut archive = String::new();
    BufReader::new(stream.try_clone()?).read_line(&mut archive)?;
    note(&format!("ctr images import {}", archive.trim()));
    let answer = match import(Path::new(archive.trim())) {
        Ok(()) => "done".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    Ok(stream.write_all(answer.as_bytes())?)
}

/// What `docker save` wrote: its one layer is laid out, and its entry point is kept.
fn import(archive: &Path) -> Result<()> {
    let mut files = BTreeMap::new();
    let mut tar = tar::Archive::new(fs::File::open(archive)?);
    for entry in tar.entries()? {
        let mut entry = entry?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.insert(entry.path()?.display().to_string(), bytes);
    }
    let read = |name: &str| -> Result<Value> {
        let bytes = files
            .get(name)
            .with_context(|| format!("the archive has no {name}"))?;
        Ok(serde_json::from_slice(bytes)?)
    };
    let manifest = &read("manifest.json")?[0];
    let text = |value: &Value| value.as_str().map(str::to_owned).context("no text");
    let config = read(&text(&manifest["Config"])?)?;
    let layer = text(&manifest["Layers"][0])?;
    let root = Path::new(HOME).join(layer.trim_end_matches(".tar"));
    fs::create_dir_all(&root)?;
    let bytes = files.get(&layer).context("the archive has no layer")?;
    tar::Archive::new(bytes.as_slice()).unpack(&root)?;
    let program = root.join(text(&config["config"]["Entrypoint"][0])?.trim_start_matches('/'));
    let mut images = images();
    images.insert(text(&manifest["RepoTags"][0])?, program);
    state_file::replace(
        &Path::new(HOME).join("images.json"),
        &serde_json::to_vec(&images)?,
        0o644,
    )?;
    Ok(())
}

fn server() -> Result<()> {
    let kubeconfig = fs::read(KUBECONFIG).context("the test left no kubeconfig")?;
    let version = version()?;
    orphan_ends();
    open_database(&version)?;
    serve_imports()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let client = client().await?;
        // As k3s: first its own API server, then the file that says where it is, then systemd.
        while client.apiserver_version().await.is_err() {
            sleep(PAUSE).await;
        }
        reported(&client, &version).await?;
        state_file::replace(Path::new(WRITTEN), &kubeconfig, 0o600)?;
        state_file::replace(Path::new(OF_POD), &kubeconfig, 0o644)?;
        ready()?;
        kubelet(client).await
    })
}

async fn client() -> Result<kube::Client> {
    drop(rustls::crypto::ring::default_provider().install_default());
    let config = Kubeconfig::read_from(KUBECONFIG)?;
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    Ok(kube::Client::try_from(config)?)
}

/// `sd_notify(3)`.
fn ready() -> Result<()> {
    let Ok(socket) = std::env::var("NOTIFY_SOCKET") else {
        return Ok(());
    };
    UnixDatagram::unbound()?.send_to(b"READY=1", socket)?;
    Ok(())
}

/// The pod of one Deployment, as processes.
#[derive(Default)]
struct Pod {
    /// What it was made from.
    template: String,
    child: Option<Child>,
}

impl Drop for Pod {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

/// The process of a pod outlives k3s (`KillMode=process`); one that an earlier server left makes room.
fn orphan_ends() {
    let pid = fs::read_to_string(POD_PID)
        .ok()
        .and_then(|text| text.parse().ok());
    let is_ours = |pid: &i32| {
        let program = fs::read_link(format!("/proc/{pid}/exe"));
        program.is_ok_and(|program| program.starts_with(HOME))
    };
    let Some(pid) = pid.filter(is_ours) else {
        return;
    };
    // One that has just ended is gone.
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    while is_ours(&pid) {
        std::thread::sleep(PAUSE);
    }
}

async fn kubelet(client: kube::Client) -> Result<()> {
    let (namespace, name) = ("alga-appliance-control-plane", "appliance-control-plane");
    let deployments = Api::<Deployment>::namespaced(client.clone(), namespace);
    let settings = Api::<ConfigMap>::namespaced(client, namespace);
    let mut pod = Pod::default();
    loop {
        if let Ok(Some(live)) = deployments.get_opt(name).await
            && let Some(spec) = live.spec.and_then(|spec| spec.template.spec)
        {
            let template = serde_json::to_string(&spec)?;
            let has_ended = pod
                .child
                .as_mut()
                .is_none_or(|child| !matches!(child.try_wait(), Ok(None)));
            if template != pod.template || has_ended {
                pod = Pod::default();
                let config = settings.get_opt("appliance-control-plane-config").await;
                let variables = config
                    .ok()
                    .flatten()
                    .and_then(|config| config.data)
                    .unwrap_or_default();
                let started = begin(
                    &spec.init_containers.unwrap_or_default(),
                    &spec.containers,
                    &variables,
                );
                match started {
                    Ok(child) => {
                        pod = Pod {
                            template,
                            child: Some(child),
                        }
                    }
                    Err(error) => drop(writeln!(std::io::stderr(), "the pod does not start: {error:#}")),
                }
            }
        }
        sleep(PAUSE).await;
    }
}

fn begin(
    init: &[Container],
    containers: &[Container],
    variables: &BTreeMap<String, String>,
) -> Result<Child> {
    for container in init {
        let status = command(container, variables)?.status()?;
        if !status.success() {
            bail!("{} ended with {status}", container.name);
        }
    }
    let [container] = containers else {
        bail!("{} containers", containers.len());
    };
    let child = command(container, variables)?.spawn()?;
    state_file::replace(Path::new(POD_PID), child.id().to_string().as_bytes(), 0o600)?;
    Ok(child)
}

/// A container as a process with its user, its settings and nothing else of ours.
fn command(container: &Container, variables: &BTreeMap<String, String>) -> Result<Command> {
    let image = container.image.clone().unwrap_or_default();
    let program = images()
        .remove(&image)
        .with_context(|| format!("ErrImageNeverPull: {image}"))?;
    let user = container
        .security_context
        .as_ref()
        .and_then(|context| context.run_as_user);
    let user = u32::try_from(user.unwrap_or(0))?;
    let mut command = Command::new(&program);
    command.env_clear().uid(user).gid(if user == 0 { 0 } else { POD });
    // By the name that the container asks for, as its link in the image is.
    if let Some([name, arguments @ ..]) = container.command.as_deref() {
        command.arg0(name).args(arguments);
    }
    command.args(container.args.iter().flatten());
    if container.env_from.is_some() {
        command.envs(variables);
        command.env("ALGA_APPLIANCE_KUBECONFIG", OF_POD);
        command.env("ALGA_APPLIANCE_LISTEN_ADDRESS", "127.0.0.1");
    }
    let readable = fs::metadata(&program)?.permissions().mode() & 0o005 == 0o005;
    if !readable {
        bail!("{} may not be run by the pod", program.display());
    }
    Ok(command)
}
