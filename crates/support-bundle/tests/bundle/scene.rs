//! A box: a state volume, a host with commands, and perhaps a cluster; and the program.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, ensure};
use appliance_common::state_file;
use serde_json::Value;
use tempfile::TempDir;

/// The commands of the host: each says something, one hangs, one leaks.
const COMMANDS: [(&str, &str); 6] = [
    (
        "journalctl",
        "echo 'k3s: setup token 4821-0937-5566-1203-9987 and password=c4nary-journal kept'",
    ),
    (
        "df",
        "echo Filesystem Size Used Avail Use% Mounted; echo /dev/vda1 10G 9.5G 1G 95% /",
    ),
    ("systemctl", "echo ActiveState=active; echo NRestarts=0"),
    ("ip", "exec /bin/sleep 60"),
    ("uname", "echo Linux"),
    ("cat", "exec /bin/cat \"$@\""),
];

pub(crate) struct Scene {
    pub(crate) root: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Result<Self> {
        let scene = Self {
            root: tempfile::tempdir()?,
        };
        for (name, script) in COMMANDS {
            let path = scene.at("bin").join(name);
            state_file::replace(&path, format!("#!/bin/sh\n{script}\n").as_bytes(), 0o755)?;
        }
        scene.write("state/setup-token", "4821-0937-5566-1203-9987\n")?;
        scene.write(
            "state/setup-inputs.json",
            r#"{"installCode": "C4NARY-INSTALL-CODE", "initialTenant": {"tenantName": "kept-tenant", "adminPassword": "Ab1\"c4naryXyz!"}}"#,
        )?;
        scene.write(
            "state/install-state.json",
            r#"{"status": "release-config-blocked", "failure": {"step": "resolve-release-manifest", "message": "no answer"}, "note": "Ab1\"c4naryXyz!"}"#,
        )?;
        scene.write(
            "state/release-selection.json",
            r#"{"selectedReleaseVersion": "1.0.0"}"#,
        )?;
        scene.write("root/etc/hostname", "box-7\n")?;
        std::fs::create_dir_all(scene.at("out"))?;
        Ok(scene)
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        Ok(state_file::replace(&self.at(path), text.as_bytes(), 0o600)?)
    }

    #[expect(clippy::disallowed_methods, reason = "the test is an operator at a shell")]
    pub(crate) fn command(&self, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alga-support-bundle"));
        command
            .args(arguments)
            .env("KUBECONFIG", kubeconfig)
            .env("ALGA_APPLIANCE_STATE_DIR", self.at("state"))
            .env("ALGA_APPLIANCE_HOST_AGENT_SOCKET", self.at("agent.sock"))
            .env("ALGA_APPLIANCE_HOST_ROOT", self.at("root"))
            .env("ALGA_HOST_AGENT_PATH", self.at("bin"))
            .env("ALGA_SUPPORT_BUNDLE_PROBES", "")
            .env_remove("ALGA_APPLIANCE_MODE")
            .env_remove("HTTPS_PROXY")
            .stdin(Stdio::null());
        command
    }

    /// Makes a bundle in `out` and gives the result and its files.
    pub(crate) fn bundle(
        &self,
        kubeconfig: &Path,
        arguments: &[&str],
    ) -> Result<(Value, BTreeMap<String, String>)> {
        let out = self.at("out").display().to_string();
        let mut all = vec!["--output-dir", &out];
        all.extend(arguments);
        let run = self.command(kubeconfig, &all).output()?;
        ensure!(run.status.success(), "{}", said(&run));
        let result: Value = serde_json::from_slice(&run.stdout).with_context(|| said(&run))?;
        let path = result["bundlePath"].as_str().context("no path")?;
        Ok((result.clone(), unpacked(Path::new(path))?))
    }
}

pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Every file of an archive, by another reader than the product's.
#[expect(clippy::disallowed_methods, reason = "the reader is the system's tar")]
pub(crate) fn unpacked(archive: &Path) -> Result<BTreeMap<String, String>> {
    let dir = tempfile::tempdir()?;
    let tar = Command::new("tar")
        .arg("-xzf")
        .arg(archive)
        .arg("-C")
        .arg(dir.path())
        .output()?;
    ensure!(tar.status.success(), "{}", said(&tar));
    let (mut files, mut open) = (BTreeMap::new(), vec![dir.path().to_owned()]);
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let mut text = String::new();
            std::fs::File::open(&path)?.read_to_string(&mut text)?;
            files.insert(path.strip_prefix(dir.path())?.display().to_string(), text);
        }
    }
    Ok(files)
}

/// The collector of this name, as `collectors.json` has it.
pub(crate) fn collector(files: &BTreeMap<String, String>, name: &str) -> Result<Value> {
    let all: Value = serde_json::from_str(files.get("collectors.json").context("no collectors.json")?)?;
    let all = all["collectors"].as_array().cloned().unwrap_or_default();
    let found = all.into_iter().find(|one| one["name"] == name);
    found.with_context(|| format!("no collector {name}"))
}
