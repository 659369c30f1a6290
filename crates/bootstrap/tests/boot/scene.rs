//! A host with the appliance's files on it, before a cluster.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result};
use appliance_common::host::BootState;
use appliance_common::names::host_file;
use appliance_common::state_file::{self, StateFile};
use tempfile::TempDir;

/// The repository.
const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// k3s as far as boot calls it: it notes what it is called with, and has the images it was given.
const K3S: &str = r#"#!/bin/sh
echo "$*" >> "$(dirname "$0")/k3s.calls"
case "$*" in
  "ctr images ls -q") cat "$(dirname "$0")/k3s.images" 2>/dev/null; exit 0;;
  "ctr images import "*) [ -e "$(dirname "$0")/k3s.broken" ] && { echo "no space left on device" >&2; exit 1; }
    echo "localhost/alga-appliance-control-plane:baked" >> "$(dirname "$0")/k3s.images"; exit 0;;
  "ctr images label "*) exit 0;;
  "ctr images pull "*) [ -e "$(dirname "$0")/k3s.broken" ] && { echo "no space left on device" >&2; exit 1; }
    echo "$4" >> "$(dirname "$0")/k3s.images"; exit 0;;
esac
exit 64
"#;

pub(crate) struct Scene {
    pub(crate) root: TempDir,
    kubeconfig: PathBuf,
}

impl Scene {
    pub(crate) fn new(kubeconfig: &Path) -> Result<Self> {
        let scene = Self {
            root: tempfile::tempdir()?,
            kubeconfig: kubeconfig.to_owned(),
        };
        let installed = scene.at("opt/alga-appliance");
        for name in [
            "namespace.yaml",
            "rbac.yaml",
            "rbac-setup.yaml",
            "rbac-application.yaml",
            "workload.yaml",
            "support-namespace.yaml",
        ] {
            copy(
                &format!("deploy/control-plane/{name}"),
                &installed.join("control-plane/manifests").join(name),
            )?;
        }
        copy(
            "crates/common/src/storage/local-path.yaml",
            &installed.join("manifests/local-path-storage.yaml"),
        )?;
        scene.write(
            "opt/alga-appliance/control-plane/images/alga-appliance-control-plane.tar",
            "an archive",
        )?;
        scene.write("opt/alga-appliance/bin/k3s", K3S)?;
        fs::set_permissions(installed.join("bin/k3s"), fs::Permissions::from_mode(0o755))?;
        scene.write("etc/hostname", "Box-7\n")?;
        scene.write("proc/sys/kernel/random/boot_id", "b-1\n")?;
        scene.write("state/setup-token", "1111-2222-3333-4444-5555\n")?;
        fs::create_dir_all(scene.at("run/lock"))?;
        Ok(scene)
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        Ok(state_file::replace(&self.at(path), text.as_bytes(), 0o600)?)
    }

    pub(crate) fn read(&self, path: &str) -> Result<String> {
        fs::read_to_string(self.at(path)).with_context(|| format!("reading {path}"))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the test is systemd, or an operator at a shell"
    )]
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let root = self.root.path();
        let mut command = Command::new(env!("CARGO_BIN_EXE_alga-appliance-bootstrap"));
        command
            .args(arguments)
            .env("ALGA_APPLIANCE_HOST_ROOT", root)
            .env("ALGA_APPLIANCE_ROOT", root.join("opt/alga-appliance/"))
            .env("ALGA_APPLIANCE_STATE_DIR", root.join("state"))
            .env("ALGA_APPLIANCE_HOST_STATE_DIR", root.join("host"))
            .env("ALGA_APPLIANCE_KUBECONFIG", &self.kubeconfig)
            .env("ALGA_APPLIANCE_PORT", "18080")
            // Nobody listens there: a box without a registry.
            .env("ALGA_APPLIANCE_REGISTRY_HOST", "127.0.0.1:1")
            .env("ALGA_APPLIANCE_CP_HEALTH_TIMEOUT_SECONDS", "20")
            .stdin(Stdio::null());
        command
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut command = self.command(arguments);
        // The test plays systemd meanwhile.
        Ok(tokio::task::spawn_blocking(move || command.output()).await??)
    }

    pub(crate) fn state(&self) -> Result<BootState> {
        let file = StateFile::at(self.at("host").join(host_file::BOOTSTRAP_STATE));
        file.load()?.context("boot has no record")
    }

    /// How often containerd was given an archive.
    pub(crate) fn imports(&self) -> usize {
        let calls = self.read("opt/alga-appliance/bin/k3s.calls").unwrap_or_default();
        calls
            .lines()
            .filter(|call| call.starts_with("ctr images import"))
            .count()
    }
}

fn copy(from: &str, to: &Path) -> Result<()> {
    let text = fs::read(Path::new(REPOSITORY).join(from)).with_context(|| format!("reading {from}"))?;
    Ok(state_file::replace(to, &text, 0o644)?)
}

pub(crate) fn said(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
