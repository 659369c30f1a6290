//! The real program on a socket of its own, with commands that hang, flood and leak, and a directory that stands for
//! the host.

mod rescue;
mod reset;
mod rights;
mod upgrade;

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use appliance_common::host::k3s;
use appliance_common::names::VOLUMES_DIR;
use appliance_common::state_file::{self, FileLock};
use appliance_tests::agent_socket::{self, Answer};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest wait for the socket, or for an answer that nothing holds up.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);
pub(crate) const CANARY: &str = "c4nary-s3cret";

pub(crate) struct Host {
    pub(crate) root: TempDir,
    pub(crate) agent: Child,
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.agent.kill());
        drop(self.agent.wait());
    }
}

impl Host {
    /// An agent whose commands are these scripts; the others are not to be found.
    pub(crate) fn start(scripts: &[(&str, &str)], timeout_ms: u64) -> Result<Self> {
        Self::start_with(scripts, timeout_ms, &[])
    }

    /// The same, with further variables.
    pub(crate) fn start_with(
        scripts: &[(&str, &str)],
        timeout_ms: u64,
        variables: &[(&str, String)],
    ) -> Result<Self> {
        let root = tempfile::tempdir()?;
        for (name, script) in scripts {
            let path = root.path().join("bin").join(name);
            state_file::replace(&path, format!("#!/bin/sh\n{script}\n").as_bytes(), 0o755)?;
        }
        fs::create_dir_all(root.path().join("run/lock"))?;
        let agent = spawn_with(&root, timeout_ms, variables)?;
        let host = Self { root, agent };
        until("the socket is there", || host.socket().exists())?;
        Ok(host)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.root.path().join("run/alga-appliance/host-agent.sock")
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Result<(u16, Value)> {
        let Answer { status, head, body } = agent_socket::ask(&self.socket(), method, path, body, LIMIT)?;
        ensure!(
            head.contains("content-type: application/json; charset=utf-8"),
            "{head}"
        );
        ensure!(body.ends_with('\n'), "no line end");
        Ok((status, serde_json::from_str(&body)?))
    }
}

pub(crate) fn spawn(root: &TempDir, timeout_ms: u64) -> Result<Child> {
    spawn_with(root, timeout_ms, &[])
}

#[expect(clippy::disallowed_methods, reason = "the test is systemd")]
fn spawn_with(root: &TempDir, timeout_ms: u64, variables: &[(&str, String)]) -> Result<Child> {
    let path = root.path();
    let agent = Command::new(env!("CARGO_BIN_EXE_alga-host-agent"))
        .env(
            "ALGA_HOST_AGENT_SOCKET",
            path.join("run/alga-appliance/host-agent.sock"),
        )
        .env("ALGA_HOST_AGENT_COMMAND_TIMEOUT_MS", timeout_ms.to_string())
        .env("ALGA_HOST_AGENT_PATH", path.join("bin"))
        .env("ALGA_APPLIANCE_HOST_ROOT", path)
        .env("ALGA_APPLIANCE_ROOT", path.join("opt/alga-appliance"))
        .env("ALGA_APPLIANCE_STATE_DIR", path.join("state"))
        .env("ALGA_APPLIANCE_HOST_STATE_DIR", path.join("host"))
        .env("ALGA_HOST_AGENT_RESCUE_AFTER_SECONDS", "0")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stderr(Stdio::null())
        .spawn()?;
    Ok(agent)
}

pub(crate) fn until(what: &str, holds: impl Fn() -> bool) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    while !holds() {
        ensure!(Instant::now() < deadline, "{what}: not within {LIMIT:?}");
        std::thread::yield_now();
    }
    Ok(())
}

/// 50, case 41 and 42.
#[test]
fn the_socket_is_for_root_and_the_pods_group_and_a_stale_one_is_replaced() -> Result<()> {
    let mut host = Host::start(&[], 1000)?;
    let meta = fs::metadata(host.socket())?;
    ensure!(meta.file_type().is_socket() && meta.permissions().mode() & 0o777 == 0o660);
    if nix::unistd::Uid::effective().is_root() {
        ensure!((meta.uid(), meta.gid()) == (0, 10001));
    }
    let dir = fs::metadata(host.at("run/alga-appliance"))?;
    ensure!(
        dir.permissions().mode() & 0o022 == 0,
        "others may write into the directory"
    );
    // The directory in which it was made goes after it has its name.
    until("nothing but the socket is left", || {
        fs::read_dir(host.at("run/alga-appliance")).is_ok_and(|left| left.count() == 1)
    })?;
    // Killed, it leaves its socket behind; the next one takes the name over.
    host.agent.kill()?;
    host.agent.wait()?;
    let stale = fs::metadata(host.socket())?.ino();
    host.agent = spawn(&host.root, 1000)?;
    until("the socket is replaced", || {
        fs::metadata(host.socket()).is_ok_and(|meta| meta.ino() != stale)
    })?;
    ensure!(host.ask("GET", "/v1/health", "")?.0 == 200);
    Ok(())
}

/// 50, case 39, and what clients of every age rely on.
#[test]
fn only_the_routes_of_the_contract_are_there() -> Result<()> {
    let host = Host::start(&[], 1000)?;
    let (status, health) = host.ask("GET", "/v1/health", "")?;
    ensure!(
        status == 200 && health["ok"] == true && health["service"] == "alga-host-agent",
        "{health}"
    );
    ensure!(
        health["version"].is_string() && health["capabilities"].is_array(),
        "{health}"
    );
    for (method, path) in [
        ("GET", "/v1/control-plane/upgrade"),
        ("POST", "/v1/operations"),
        ("POST", "/v2/x"),
        ("GET", "/v1/health?x=1"),
        ("POST", "/v1/health"),
        ("GET", "/v1/support-bundle"),
        ("GET", "/"),
    ] {
        let answer = host.ask(method, path, "")?;
        ensure!(
            answer == (404, json!({"ok": false, "error": "not found"})),
            "{method} {path}: {answer:?}"
        );
    }
    let large = host.ask("POST", "/v1/storage/converge", &"x".repeat(20_000))?;
    ensure!(large.0 == 413, "{large:?}");
    Ok(())
}

/// A journal of 5 MiB, commands that hang with a child, and one whose output is full of secrets.
fn troubled() -> Result<Host> {
    let flood = "i=0; while [ $i -lt 90000 ]; do echo 'line of the journal that is long enough to be sixty bytes'; i=$((i+1)); done; echo the-newest-line";
    let leak = format!(
        "echo 'DB_PASSWORD={CANARY}'; echo 'Authorization: Bearer {CANARY}'; echo 'postgres://u:{CANARY}@h/db'; echo done"
    );
    Host::start(
        &[
            ("journalctl", flood),
            ("systemctl", "/bin/sleep 600 & /bin/sleep 600"),
            ("df", "echo Filesystem"),
            ("ip", &leak),
        ],
        1500,
    )
}

/// Collects, and asks for the agent's health all the while.
fn collected(host: &Host) -> Result<Value> {
    let (status, bundle) = std::thread::scope(|scope| -> Result<(u16, Value)> {
        let collected = scope.spawn(|| host.ask("POST", "/v1/support-bundle", ""));
        while !collected.is_finished() {
            ensure!(host.ask("GET", "/v1/health", "")?.0 == 200);
        }
        collected.join().map_err(|_| anyhow::anyhow!("a panic"))?
    })?;
    ensure!(status == 200 && bundle["ok"] == true && bundle["agent"] == "alga-host-agent");
    Ok(bundle)
}

/// 50, cases 44 and 45, and W21: one command hangs, one floods, one leaks; the rest is whole and the agent answers.
#[test]
fn a_command_that_hangs_floods_or_leaks_spoils_nothing() -> Result<()> {
    let host = troubled()?;
    let bundle = collected(&host)?;
    let files = bundle["files"].as_array().context("files")?;
    ensure!(files.len() == 31, "{}", files.len());
    let of = |name: &str| {
        let path = format!("host/{name}.txt");
        files
            .iter()
            .find(|file| file["path"] == path.as_str())
            .context("a file")
    };
    let journal = of("appliance-journal")?;
    let text = journal["content"].as_str().unwrap_or_default();
    let is_told = text.contains("the-newest-line") && text.contains("left out");
    ensure!(journal["ok"] == true && is_told, "{}", journal["status"]);
    ensure!(text.len() < 1200 * 1024, "{}", text.len());
    let hung = of("k3s-service-status")?;
    ensure!(hung["ok"] == false && hung["status"] == 124, "{hung}");
    let disks = of("disk-usage")?;
    ensure!(
        disks["content"] == "$ df -h\nFilesystem" && disks["ok"] == true,
        "{disks}"
    );
    let absent = of("resolv-conf")?;
    ensure!(absent["ok"] == false && absent["status"] == 1, "{absent}");
    let whole = bundle.to_string();
    ensure!(
        !whole.contains(CANARY) && whole.contains("[REDACTED"),
        "a secret leaked"
    );
    ensure!(
        of("routes")?["content"]
            .as_str()
            .is_some_and(|text| text.contains("done"))
    );
    Ok(())
}

/// 20 section 7: drift is named, mended once under the host lock, and then there is none.
#[test]
fn the_hosts_side_of_storage_is_looked_at_and_put_right_under_the_host_lock() -> Result<()> {
    let host = Host::start(&[], 1000)?;
    let unit = "ExecStart=/x/k3s server --disable traefik --disable servicelb\n";
    state_file::replace(&host.at(k3s::UNIT_FILE), unit.as_bytes(), 0o644)?;
    let ask = |mode: &str| host.ask("POST", "/v1/storage/converge", &json!({"mode": mode}).to_string());
    let all = json!(["data-root", "k3s-drop-in", "k3s-skip-file", "k3s-unit"]);
    ensure!(ask("look")? == (200, json!({"drifted": all, "changed": []})));
    ensure!(!host.at(VOLUMES_DIR).exists(), "a look changed something");
    let lock = FileLock::try_acquire(&host.at("run/lock/alga-appliance-host.lock"), "a test")?;
    let busy = ask("mend")?;
    ensure!(
        busy.0 == 409
            && busy.1["error"]
                .as_str()
                .is_some_and(|error| error.contains("a test")),
        "{busy:?}"
    );
    drop(lock);
    ensure!(ask("mend")? == (200, json!({"drifted": all, "changed": all})));
    ensure!(ask("mend")? == (200, json!({"drifted": [], "changed": []})));
    ensure!(fs::metadata(host.at(VOLUMES_DIR))?.permissions().mode() & 0o777 == 0o711);
    ensure!(fs::read_to_string(host.at(k3s::UNIT_FILE))?.contains("--disable local-storage"));
    ensure!(ask("sideways")?.0 == 400);
    Ok(())
}

#[test]
fn what_the_host_is_is_told_and_what_is_not_known_is_left_out() -> Result<()> {
    let host = Host::start(&[], 1000)?;
    let (status, facts) = host.ask("GET", "/v1/host-facts", "")?;
    ensure!(
        status == 200 && facts.get("os").is_none() && facts.get("k3sVersion").is_none(),
        "{facts}"
    );
    ensure!(facts["dataDisk"]["totalBytes"].as_u64() > Some(0), "{facts}");
    state_file::replace(
        &host.at("etc/os-release"),
        b"ID=ubuntu\nVERSION_ID=\"24.04\"\n",
        0o644,
    )?;
    let k3s = b"#!/bin/sh\necho 'k3s version v1.36.3+k3s1 (0123abcd)'\n";
    state_file::replace(&host.at("opt/alga-appliance/bin/k3s"), k3s, 0o755)?;
    let (_, facts) = host.ask("GET", "/v1/host-facts", "")?;
    ensure!(
        facts["os"]["versionId"] == "24.04" && facts["k3sVersion"] == "v1.36.3+k3s1",
        "{facts}"
    );
    let (_, health) = host.ask("GET", "/v1/health", "")?;
    ensure!(health["k3sVersion"] == "v1.36.3+k3s1", "{health}");
    // Another file has not been asked yet.
    state_file::replace(
        &host.at("opt/alga-appliance/bin/k3s"),
        b"#!/bin/sh\nexit 1\n",
        0o755,
    )?;
    let (_, health) = host.ask("GET", "/v1/health", "")?;
    ensure!(health["k3sVersion"].is_null(), "{health}");
    Ok(())
}

/// SIGTERM takes the socket away and ends with 0.
#[test]
fn asked_to_end_it_takes_its_socket_with_it() -> Result<()> {
    let mut host = Host::start(&[], 1000)?;
    let pid = nix::unistd::Pid::from_raw(i32::try_from(host.agent.id())?);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
    ensure!(host.agent.wait()?.success());
    ensure!(!host.socket().exists());
    Ok(())
}
