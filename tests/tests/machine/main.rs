//! A host that systemd boots, with the overlay as it is staged and our own units: from power-on to the wizard, and
//! again after a reboot, a power cut and a cluster that does not come.
//!
//! The programs are the tests' own; k3s is played by `src/bin/k3s-standin.rs` over a real API server.

mod k3s;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use appliance_common::agent_api::route;
use appliance_common::host::{BootPhase, BootState, BootStepId, BootStepState};
use appliance_common::names::{RESET_BACKUPS_DIR, VOLUMES_DIR};
use appliance_common::state_file::StateFile;
use appliance_tests::agent_socket;
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::machine::Machine;
use appliance_tests::tools::{Locations, Tools};
use clap::Parser;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use xtask::image::{ImageOptions, image};
use xtask::stage::{StageOptions, stage};

/// Longest wait for anything of a boot.
const LIMIT: Duration = Duration::from_mins(2);
const LOOK_EVERY: Duration = Duration::from_millis(100);

#[derive(Parser)]
struct ImageLine {
    #[command(flatten)]
    options: ImageOptions,
}

#[derive(Parser)]
struct StageLine {
    #[command(flatten)]
    options: StageOptions,
}

/// Units of ours, and what they are told beside what they know: a port that is free here, and a registry.
const UNITS: [&str; 9] = [
    "alga-k3s-replacement",
    "alga-appliance-bootstrap",
    "alga-appliance-console",
    "alga-appliance-banner",
    "alga-host-agent",
    "alga-control-plane-roll@",
    "alga-control-plane-reapply",
    "alga-control-plane-rights@",
    "alga-appliance-reset",
];

struct Host {
    machine: Machine,
    port: u16,
    /// When it was switched on for the last time.
    began: Timestamp,
}

impl Host {
    /// A host as the installer leaves it, beside a registry that is not there.
    async fn installed(cluster: &TestCluster) -> Result<Self> {
        Self::beside(cluster, "127.0.0.1:1").await
    }

    /// The same, beside this registry.
    async fn beside(cluster: &TestCluster, registry: &str) -> Result<Self> {
        let machine = Machine::new(&Locations::of_this_machine()?.cache)?;
        overlay(&machine.root()).await?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        for unit in UNITS {
            let text = format!(
                "[Service]\nEnvironment=ALGA_APPLIANCE_PORT={port}\nEnvironment=ALGA_APPLIANCE_REGISTRY_HOST={registry}\n\
                 Environment=ALGA_HOST_AGENT_RESCUE_ADDRESS=127.0.0.1\nEnvironment=ALGA_HOST_AGENT_RESCUE_AFTER_SECONDS=4\n\
                 Environment=ALGA_K3S_REPLACEMENT_TIMEOUT_SECONDS=8\n"
            );
            machine.write(
                &format!("etc/systemd/system/{unit}.service.d/test.conf"),
                &text,
                0o644,
            )?;
        }
        let kubeconfig = fs::read_to_string(cluster.kubeconfig())?;
        machine.write("etc/standin/kubeconfig", &kubeconfig, 0o644)?;
        machine.write("etc/hostname", "box-7\n", 0o644)?;
        // The account of the installer's seed, whose password nobody has set (decision 5).
        for (file, line, mode) in [
            (
                "etc/passwd",
                "alga-admin:x:1000:1000::/home/alga-admin:/bin/sh",
                0o644,
            ),
            ("etc/group", "alga-admin:x:1000:", 0o644),
            ("etc/shadow", "alga-admin:!alga-unset:20000:0:99999:7:::", 0o640),
        ] {
            let text = fs::read_to_string(machine.at(file))?;
            machine.write(file, &format!("{text}{line}\n"), mode)?;
        }
        Ok(Self {
            machine,
            port,
            began: Timestamp::now(),
        })
    }

    async fn get(&self, path: &str) -> Option<(u16, String)> {
        // Plain HTTP, and yet the client wants a provider; one that is there already is the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder().no_proxy().build().ok()?;
        let answer = client
            .get(format!("http://127.0.0.1:{}{path}", self.port))
            .send()
            .await
            .ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// Waits until something of the host is so.
    async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + LIMIT;
        while !is_so().await {
            if Instant::now() >= deadline {
                let boot = self.boot().map(|boot| format!("{boot:#?}")).unwrap_or_default();
                let journal = self.machine.inside(&["journalctl", "--no-pager", "-n", "80"]);
                let journal = journal.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
                bail!(
                    "{what}: not within {LIMIT:?}\n{boot}\n{}\n{}",
                    self.machine.console(),
                    journal.unwrap_or_default()
                );
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Off is off: nothing of the machine is left that could be taken for the next boot.
    async fn is_off(&self) -> Result<()> {
        ensure!(
            self.get("/healthz").await.is_none(),
            "the wizard answers of a machine that is off"
        );
        Ok(())
    }

    async fn until_the_wizard_answers(&self) -> Result<()> {
        self.until("the wizard answers", async || {
            self.get("/healthz")
                .await
                .is_some_and(|(status, _)| status == 200)
        })
        .await?;
        // The last two steps come after it.
        // The kernel's id of the boot is this machine's own, whichever of its machines booted.
        let began = self.began;
        self.until("boot is complete", async || {
            self.boot()
                .is_ok_and(|boot| boot.started_at > began && boot.phase == BootPhase::Complete)
        })
        .await
    }

    fn switch_on(&mut self) -> Result<()> {
        self.began = Timestamp::now();
        self.machine.boot()
    }

    /// Switches it on, and waits for the wizard; how long each step took is for whoever reads the log.
    async fn boots(&mut self, which: &str) -> Result<()> {
        let began = Instant::now();
        self.switch_on()?;
        self.until_the_wizard_answers().await?;
        eprintln!(
            "{which}: complete {:.1} s after the machine was switched on",
            began.elapsed().as_secs_f64()
        );
        for step in self.boot()?.steps {
            let since = step.since.map(|since| since.to_string()).unwrap_or_default();
            eprintln!("  {since} {}", step.id.name());
        }
        Ok(())
    }

    fn boot(&self) -> Result<BootState> {
        let path = self
            .machine
            .at("var/lib/alga-appliance-host/bootstrap-state.json");
        StateFile::at(path).load()?.context("boot has no record")
    }

    fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.machine.at(path)).with_context(|| format!("reading {path}"))
    }

    /// How often containerd was given an archive.
    fn imports(&self) -> Result<usize> {
        let calls = self.read("var/lib/rancher/standin/calls")?;
        Ok(calls
            .lines()
            .filter(|call| call.starts_with("ctr images import"))
            .count())
    }

    /// The version that is installed, as the agent tells it.
    fn k3s(&self) -> Result<String> {
        let (_, facts) = self.agent("GET", route::HOST_FACTS, &Value::Null)?;
        let version = facts["k3sVersion"].as_str();
        version.map(str::to_owned).with_context(|| facts.to_string())
    }

    /// Hash and ageing field of the console account.
    fn account(&self) -> Result<(String, String)> {
        let shadow = self.read("etc/shadow")?;
        let line = shadow.lines().find_map(|line| line.strip_prefix("alga-admin:"));
        let mut fields = line.context("there is no account")?.split(':').map(str::to_owned);
        let field = "a field of shadow(5)";
        Ok((fields.next().context(field)?, fields.next().context(field)?))
    }

    /// Asks the agent on its socket, as root.
    fn agent(&self, method: &str, path: &str, body: &Value) -> Result<(u16, Value)> {
        let socket = self.machine.seen("run/alga-appliance/host-agent.sock")?;
        let answer = agent_socket::ask(&socket, method, path, &body.to_string(), LIMIT)?;
        Ok((answer.status, serde_json::from_str(&answer.body)?))
    }

    fn says(&self, command: &[&str]) -> Result<String> {
        let said = self.machine.inside(command)?;
        Ok(String::from_utf8(said.stdout)?.trim().to_owned())
    }
}

/// Puts the staged overlay on a disk.
async fn overlay(root: &Path) -> Result<()> {
    let programs = std::env::current_exe()?;
    let programs = programs
        .parent()
        .and_then(Path::parent)
        .context("no target directory")?;
    let at = |name: &str| programs.join(name).display().to_string();
    let dir = TempDir::new()?;
    let (image_dir, control_plane) = (dir.path().display().to_string(), at("appliance-control-plane"));
    let line = [
        "image",
        "--binary",
        &control_plane,
        "--output",
        &image_dir,
        "--revision",
        "c0ffee",
    ];
    let made = image(&ImageLine::parse_from(line).options, &mut std::io::sink()).await?;
    let (root, archive) = (
        root.display().to_string(),
        made.docker_archive.display().to_string(),
    );
    let (k3s, programs) = (at("k3s-standin"), programs.display().to_string());
    let line = [
        "stage",
        "--output",
        &root,
        "--k3s-binary",
        &k3s,
        "--programs",
        &programs,
        "--control-plane-image-archive",
        &archive,
    ];
    stage(&StageLine::parse_from(line).options, &mut std::io::sink()).await
}

#[expect(clippy::disallowed_methods, reason = "a test has no settings")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name)
}

/// Whether a machine can be booted here; CI must be able to.
fn can_boot() -> Result<bool> {
    let path = variable("PATH").unwrap_or_default();
    let is_there =
        |program: &&str| std::env::split_paths(&path).any(|dir: PathBuf| dir.join(program).exists());
    let missing: Vec<_> = ["debootstrap", "systemd-nspawn", "nsenter"]
        .into_iter()
        .filter(|one| !is_there(one))
        .collect();
    let is_root = nix::unistd::Uid::effective().is_root();
    if missing.is_empty() && is_root {
        return Ok(true);
    }
    ensure!(
        variable("CI").is_none(),
        "CI boots no machine: root {is_root}, missing {missing:?}"
    );
    eprintln!("not tested: no machine can be booted here: root {is_root}, missing {missing:?}");
    Ok(false)
}

async fn cluster() -> Result<TestCluster> {
    TestCluster::start(
        &Tools::ensure(&|progress| eprintln!("{progress}"))?,
        Parts::Workloads,
    )
    .await
}

/// 50: first boot, second boot, an empty token file, a power cut in the middle of a boot.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_boots_to_the_wizard_and_does_so_again_whatever_ended_it() -> Result<()> {
    if !can_boot()? {
        return Ok(());
    }
    let cluster = cluster().await?;
    let mut host = Host::installed(&cluster).await?;
    host.boots("first boot").await?;
    first_boot(&host).await?;
    let token = host.read("var/lib/alga-appliance/setup-token")?;
    let (first_hash, ageing) = host.account()?;
    ensure!(
        first_hash.starts_with('$') && ageing == "0",
        "{first_hash:?} {ageing:?}"
    );
    ensure!(
        host.machine.console().contains("Temporary password: "),
        "no console shows the password"
    );
    ensure!(
        !host
            .says(&["journalctl", "--no-pager"])?
            .contains("Temporary password")
    );

    host.machine.shut_down(LIMIT).await?;
    host.is_off().await?;
    host.boots("second boot").await?;
    ensure!(
        host.imports()? == 1,
        "an archive that did not change was imported again"
    );
    // Whether it is another one hangs on the kernel's id of the boot, which all machines here share.
    let (second_hash, ageing) = host.account()?;
    ensure!(
        second_hash.starts_with('$') && ageing == "0",
        "{second_hash:?} {ageing:?}"
    );
    data_is_reset_over_the_socket(&host).await?;
    // Somebody has chosen one.
    let shadow = host
        .read("etc/shadow")?
        .replace(&format!("{second_hash}:0:"), &format!("{second_hash}:20500:"));
    host.machine.write("etc/shadow", &shadow, 0o640)?;
    all_at_once(&host).await?;
    ensure!(
        host.read("var/lib/alga-appliance/setup-token")? == token,
        "the token changed"
    );

    power_is_cut(&mut host, &token, &second_hash).await?;
    k3s::is_replaced(&mut host).await
}

/// 60 section 4 through the agent and its unit, with what systemd lets each of them do: planned, refused, and carried out.
async fn data_is_reset_over_the_socket(host: &Host) -> Result<()> {
    let volume = format!("{VOLUMES_DIR}/pvc-1_msp_db/base");
    for command in [
        ["mkdir", "-p", "-m", "2770", &volume].as_slice(),
        &[
            "sh",
            "-c",
            &format!("echo rows > {volume}/1 && chown -R 999:999 {volume}"),
        ],
    ] {
        host.says(command)?;
    }
    let (status, planned) = host.agent("POST", route::RESET, &json!({"step": "plan", "scope": "data"}))?;
    let text = planned["text"].as_str().unwrap_or_default();
    ensure!(status == 200 && text.contains("WIPE"), "{status} {planned}");
    let word = |name: &str| {
        let rest = text.split(name).nth(1)?.trim_start();
        let quoted = rest.strip_prefix('"').and_then(|rest| rest.split_once('"'));
        quoted
            .map(|(word, _)| word)
            .or_else(|| rest.split_whitespace().next())
    };
    let nonce = word("--confirm ").context("no nonce")?;
    let phrase = word("--type ").context("no phrase")?;
    let mut apply = json!({"step": "apply", "scope": "data", "confirm": nonce, "type": "WIPE"});
    let (status, refused) = host.agent("POST", route::RESET, &apply)?;
    ensure!(status == 400, "{status} {refused}");
    apply["type"] = phrase.into();
    let (status, begun) = host.agent("POST", route::RESET, &apply)?;
    ensure!([200, 202].contains(&status), "{status} {begun}");
    host.until("the reset is complete", async || {
        let operations = host.agent("GET", route::OPERATIONS, &Value::Null);
        operations.is_ok_and(|(_, operations)| operations["reset"]["phase"] == "complete")
    })
    .await?;
    ensure!(host.says(&["ls", "-A", VOLUMES_DIR])?.is_empty(), "data is left");
    let kept = host.says(&["find", RESET_BACKUPS_DIR, "-name", "1", "-user", "999"])?;
    ensure!(kept.ends_with("pvc-1_msp_db/base/1"), "no copy: {kept:?}");
    ensure!(host.says(&["stat", "-c", "%a", RESET_BACKUPS_DIR])? == "700");
    Ok(())
}

/// In the middle of a boot, and with an empty token file, as a full disk leaves it.
async fn power_is_cut(host: &mut Host, token: &str, chosen: &str) -> Result<()> {
    host.machine.cut_power();
    host.machine
        .write("var/lib/alga-appliance/setup-token", "", 0o640)?;
    host.switch_on()?;
    let began = host.began;
    let is_begun = |boot: BootState| boot.started_at > began && boot.steps[0].state != BootStepState::Pending;
    host.until("boot has begun", async || host.boot().is_ok_and(is_begun))
        .await?;
    host.machine.cut_power();
    host.is_off().await?;
    host.switch_on()?;
    host.until_the_wizard_answers().await?;
    ensure!(
        host.account()?.0 == chosen,
        "a password that a person chose was changed"
    );
    let made = host.read("var/lib/alga-appliance/setup-token")?;
    ensure!(
        made.trim().len() == token.trim().len() && made != token,
        "no token was made for an empty file"
    );
    Ok(())
}

/// From the first boot on, each boot is cut short when its next step has begun; the last one is left alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_power_is_cut_at_every_step_boots_all_the_same() -> Result<()> {
    if !can_boot()? {
        return Ok(());
    }
    let cluster = cluster().await?;
    let mut host = Host::installed(&cluster).await?;
    let mut tokens = Vec::new();
    for step in BootStepId::ALL {
        host.switch_on()?;
        let began = host.began;
        let deadline = Instant::now() + LIMIT;
        let has_begun = |boot: BootState| {
            let of = boot.steps.iter().find(|one| one.id == step);
            boot.started_at > began && of.is_some_and(|one| one.state != BootStepState::Pending)
        };
        while !host.boot().is_ok_and(has_begun) {
            ensure!(Instant::now() < deadline, "{} never began", step.name());
            sleep(Duration::from_millis(2)).await;
        }
        host.machine.cut_power();
        host.is_off().await?;
        tokens.push(host.read("var/lib/alga-appliance/setup-token")?);
    }
    host.boots("boot after a cut at every step").await?;
    tokens.push(host.read("var/lib/alga-appliance/setup-token")?);
    tokens.dedup();
    ensure!(tokens.len() == 1, "{} tokens were made", tokens.len());
    let boot = host.boot()?;
    ensure!(
        boot.steps.iter().all(|step| step.state == BootStepState::Done),
        "{boot:#?}"
    );
    ensure!(host.says(&["systemctl", "--failed", "--no-legend"])?.is_empty());
    Ok(())
}

/// Case 32: boot, the operator's reapply and an upgrade at the same time end one after another, and well.
async fn all_at_once(host: &Host) -> Result<()> {
    const WORK: [&str; 3] = [
        "alga-appliance-bootstrap.service",
        "alga-control-plane-reapply.service",
        "alga-control-plane-roll@requested.service",
    ];
    let mut command = vec!["systemctl", "--no-block", "restart"];
    command.extend(WORK);
    host.says(&command)?;
    host.until("all of them are done", async || {
        let mut command = vec!["systemctl", "show", "--property=ActiveState", "--value"];
        command.extend(WORK);
        host.says(&command).is_ok_and(|states| {
            let states: Vec<_> = states.split_whitespace().collect();
            states.len() == 3 && states.iter().all(|state| ["active", "inactive"].contains(state))
        })
    })
    .await?;
    ensure!(
        host.says(&["systemctl", "--failed", "--no-legend"])?.is_empty(),
        "something failed beside the others"
    );
    ensure!(
        host.get("/healthz")
            .await
            .is_some_and(|(status, _)| status == 200)
    );
    ensure!(host.imports()? == 1);
    Ok(())
}

async fn first_boot(host: &Host) -> Result<()> {
    let boot = host.boot()?;
    ensure!(boot.steps.len() == 7, "{boot:#?}");
    ensure!(
        boot.steps.iter().all(|step| step.state == BootStepState::Done),
        "{boot:#?}"
    );
    ensure!(host.imports()? == 1);
    let mode = |path: &str| -> Result<(u32, u32, u32)> {
        let meta = fs::symlink_metadata(host.machine.at(path))?;
        Ok((meta.mode() & 0o7777, meta.uid(), meta.gid()))
    };
    ensure!(mode("var/lib/alga-appliance/setup-token")? == (0o640, 0, 10001));
    ensure!(mode("var/lib/alga-appliance")? == (0o750, 10001, 10001));
    ensure!(mode("var/lib/alga-appliance-host")? == (0o750, 0, 10001));
    ensure!(host.says(&["stat", "-c", "%a %u %g", "/run/alga-appliance/host-agent.sock"])? == "660 0 10001");
    let token = host.read("var/lib/alga-appliance/setup-token")?;
    for public in ["etc/issue", "etc/motd"] {
        let text = host.read(public)?;
        ensure!(
            text.contains(&host.port.to_string()) && !text.contains(token.trim()),
            "{public}: {text}"
        );
    }
    ensure!(
        host.says(&["cat", "/run/alga-appliance-setup.txt"])?
            .contains(token.trim())
    );
    let journal = host.says(&["journalctl", "--no-pager"])?;
    ensure!(!journal.contains(token.trim()), "the token is in the journal");
    host.until("nothing has failed and nothing is on its way", async || {
        host.says(&["systemctl", "is-system-running"])
            .is_ok_and(|state| state == "running")
    })
    .await?;
    ensure!(host.says(&["systemctl", "--failed", "--no-legend"])?.is_empty());
    let owners = r#"for p in /proc/[0-9]*; do
        case "$(tr '\0' ' ' < $p/cmdline)" in *bin/appliance-control-[p]lane*) stat -c %u $p;; esac
    done"#;
    let owners = host.says(&["sh", "-c", owners])?;
    ensure!(owners == "10001", "the control plane runs as {owners:?}");
    Ok(())
}

/// Decision 18: while the cluster does not come, the host says why on the control plane's own port, and gives it up.
#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_does_not_come_is_told_of_on_the_rescue_page() -> Result<()> {
    if !can_boot()? {
        return Ok(());
    }
    let cluster = cluster().await?;
    let mut host = Host::installed(&cluster).await?;
    cluster.pause_api()?;
    host.switch_on()?;
    host.until("the rescue page is there", async || {
        host.get("/")
            .await
            .is_some_and(|(status, page)| status == 200 && page.contains("rescue page"))
    })
    .await?;
    ensure!(
        host.get("/healthz").await.map(|(status, _)| status) == Some(503),
        "a monitor takes it for the wizard"
    );
    cluster.resume_api()?;
    host.until_the_wizard_answers().await?;
    let page = host.get("/").await.context("nothing answers")?;
    ensure!(!page.1.contains("rescue page"), "the rescue page stays");
    Ok(())
}

/// A box of the shipped product, with our files laid over its own: what it left is kept, mended or scrubbed. Its
/// registry takes connections and says nothing, which delays nothing (cases 12, 16, 35).
#[tokio::test(flavor = "multi_thread")]
async fn a_box_of_the_shipped_product_is_taken_over_beside_a_registry_that_stalls() -> Result<()> {
    if !can_boot()? {
        return Ok(());
    }
    let cluster = cluster().await?;
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut host = Host::beside(&cluster, &silent.local_addr()?.to_string()).await?;
    left_by_the_shipped_product(&host)?;
    host.boots("a box of the shipped product").await?;

    let unit = host.read("etc/systemd/system/k3s.service")?;
    ensure!(
        unit.matches("--disable local-storage").count() == 1 && unit.contains("--write-kubeconfig-mode 0600"),
        "{unit}"
    );
    ensure!(
        host.read("var/lib/alga-appliance/setup-token")? == OLD_TOKEN,
        "the token changed"
    );
    let mode = fs::metadata(host.machine.at("var/lib/alga-appliance/setup-token"))?.mode();
    ensure!(mode & 0o777 == 0o640, "anybody may read the token: {mode:o}");
    for public in ["etc/issue", "etc/motd"] {
        let text = host.read(public)?;
        ensure!(
            text.starts_with("Ubuntu 24.04 LTS") && text.matches("BEGIN ALGA").count() == 1,
            "{public}: {text}"
        );
        ensure!(!text.contains(OLD_TOKEN.trim()), "{public} shows the token");
    }
    ensure!(
        host.read("var/lib/alga-appliance/release-selection.json")? == OLD_SELECTION,
        "what was selected changed"
    );
    ensure!(
        host.says(&[
            "systemctl",
            "show",
            "--property=LoadState",
            "--value",
            "alga-appliance.service"
        ])? == "masked"
    );
    // The look at the channel comes to its own end, and boot has not waited for it.
    let roll = "alga-control-plane-roll@background.service";
    host.until("the look at the channel has ended", async || {
        let state = host.says(&["systemctl", "show", "--property=ActiveState", "--value", roll]);
        // Before its beginning it is inactive as well.
        let has_begun = host
            .read("var/lib/alga-appliance/control-plane-upgrade.json")
            .is_ok();
        has_begun && state.is_ok_and(|state| state == "inactive")
    })
    .await?;
    ensure!(host.says(&["systemctl", "--failed", "--no-legend"])?.is_empty());
    let told = host.read("var/lib/alga-appliance/control-plane-upgrade.json")?;
    ensure!(!told.contains("\"running\""), "{told}");
    drop(silent);
    Ok(())
}

const OLD_TOKEN: &str = "1111-2222-3333-4444-5555\n";
const OLD_SELECTION: &str = "{\"selectedChannel\":\"stable\",\"somethingOfTheirs\":true}\n";

/// Unit, token, banners and documents as the shipped product leaves them: readable by everybody, and kept for ever.
fn left_by_the_shipped_product(host: &Host) -> Result<()> {
    let write = |path: &str, text: &str| host.machine.write(path, text, 0o644);
    write(
        "etc/systemd/system/k3s.service",
        "[Unit]\nDescription=Lightweight Kubernetes\n[Service]\nType=notify\n\
         ExecStart=/opt/alga-appliance/bin/k3s server --disable traefik --disable servicelb \
         --write-kubeconfig-mode 0644\n\
         KillMode=process\nDelegate=yes\nRestart=always\nRestartSec=5s\n[Install]\nWantedBy=multi-user.target\n",
    )?;
    write("var/lib/alga-appliance/setup-token", OLD_TOKEN)?;
    write("var/lib/alga-appliance/release-selection.json", OLD_SELECTION)?;
    for public in ["etc/issue", "etc/motd"] {
        let banner = format!(
            "Ubuntu 24.04 LTS\n### BEGIN ALGA APPLIANCE SETUP ###\nOne-time setup token: {OLD_TOKEN}\
             ### END ALGA APPLIANCE SETUP ###\n"
        );
        write(public, &banner)?;
    }
    Ok(())
}

/// Case 5: a state volume without room is named on the console, leaves no half a token, and boot goes on by itself
/// once there is room.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_on_the_console_and_boot_goes_on_when_there_is_room() -> Result<()> {
    const STATE: &str = "/var/lib/alga-appliance";
    if !can_boot()? {
        return Ok(());
    }
    let cluster = cluster().await?;
    let mut host = Host::installed(&cluster).await?;
    host.machine.fill(STATE);
    host.switch_on()?;
    host.until("the console names the full disk", async || {
        let console = host.machine.console();
        console.contains("No space left on device") && console.contains("setup-token")
    })
    .await?;
    ensure!(
        host.says(&["ls", "-A", STATE])?.is_empty(),
        "half a token was left"
    );
    host.machine.make_room(STATE)?;
    host.until_the_wizard_answers().await?;
    let token = host.says(&["cat", "/var/lib/alga-appliance/setup-token"])?;
    ensure!(token.len() == 24, "{} characters are no token", token.len());
    ensure!(host.says(&["stat", "-c", "%a %u %g", "/var/lib/alga-appliance/setup-token"])? == "640 0 10001");
    ensure!(host.says(&["systemctl", "--failed", "--no-legend"])?.is_empty());
    Ok(())
}
