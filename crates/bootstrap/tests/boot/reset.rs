//! A reset of a box with an application on it: planned, refused, confirmed, killed at every phase, and begun
//! again, against a real API server whose own controllers take namespaces and volumes away.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use appliance_common::agent_api::{ResetAnswer, ResetEnd, ResetRequest};
use appliance_common::host::{ResetPhase, ResetState};
use appliance_common::names::{HOST_LOCK, HOST_STATE_DIR, VOLUMES_DIR, file, host_file};
use appliance_common::state_file::{self, StateFile};
use appliance_tests::cluster::{Parts, TestCluster};
use appliance_tests::tools::Tools;
use appliance_tests::{apply, flux};
use k8s_openapi::api::core::v1::{Namespace, PersistentVolume};
use kube::api::Api;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Longest time one run of the program may take.
const LIMIT: Duration = Duration::from_mins(2);
/// How often the record is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(2);

const SITE: &str = "3f0c6a52-site";

/// What an install leaves in the cluster, and a volume of somebody else.
const INSTALLED: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: msp}
---
apiVersion: v1
kind: Namespace
metadata: {name: alga-system}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: db, namespace: msp}
spec:
  storageClassName: local-path
  accessModes: [ReadWriteOnce]
  volumeName: application
  resources: {requests: {storage: 1Gi}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: application}
spec:
  storageClassName: local-path
  persistentVolumeReclaimPolicy: Retain
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  hostPath: {path: /nowhere}
  claimRef: {namespace: msp, name: db}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: foreign}
spec:
  storageClassName: local-path
  persistentVolumeReclaimPolicy: Retain
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  hostPath: {path: /nowhere}
  claimRef: {namespace: default, name: db}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: alga-appliance, namespace: flux-system}
spec: {interval: 5m, path: ./, prune: true, sourceRef: {kind: OCIRepository, name: alga-appliance}}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: alga-core, namespace: alga-system}
spec: {interval: 5m, chart: {spec: {chart: alga-core, sourceRef: {kind: HelmRepository, name: charts}}}}
";

/// A host's directories, with what an install leaves in them.
struct Host {
    root: TempDir,
    kubeconfig: PathBuf,
}

impl Host {
    fn new(kubeconfig: &Path) -> Result<Self> {
        let host = Self {
            root: tempfile::tempdir()?,
            kubeconfig: kubeconfig.to_owned(),
        };
        let lock = host.below(HOST_LOCK);
        fs::create_dir_all(lock.parent().context("a directory")?)?;
        state_file::replace(
            &host.below(VOLUMES_DIR).join("pvc-1_msp_db/base/1"),
            b"rows",
            0o600,
        )?;
        for (name, text) in [
            (file::APPLIANCE_ID, SITE),
            (file::INSTALL_STATE, "{}"),
            (file::REDEMPTION, "{}"),
            (file::SETUP_INPUTS, "{}"),
            (file::ADMIN_CREDENTIAL, "{}"),
        ] {
            state_file::replace(&host.state_dir().join(name), text.as_bytes(), 0o600)?;
        }
        Ok(host)
    }

    fn below(&self, path: &str) -> PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn state_dir(&self) -> PathBuf {
        self.below("/var/lib/alga-appliance")
    }

    #[expect(clippy::disallowed_methods, reason = "the test is an operator at a shell")]
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alga-appliance-bootstrap"));
        command
            .args(arguments)
            .env("ALGA_APPLIANCE_HOST_ROOT", self.root.path())
            .env("ALGA_APPLIANCE_STATE_DIR", self.state_dir())
            .env(
                "ALGA_APPLIANCE_TOKEN_FILE",
                self.state_dir().join(file::SETUP_TOKEN),
            )
            .env("ALGA_APPLIANCE_HOST_STATE_DIR", self.below(HOST_STATE_DIR))
            .env("ALGA_APPLIANCE_KUBECONFIG", &self.kubeconfig)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        Ok(self.command(arguments).output()?)
    }

    fn record(&self) -> Result<ResetState> {
        let own = self.below(HOST_STATE_DIR).join(host_file::RESET_STATE);
        StateFile::at(own).load()?.context("there is no record")
    }

    /// What the pod reads of it.
    fn copy(&self) -> StateFile<ResetState> {
        StateFile::at(self.state_dir().join(file::RESET_STATE))
    }

    /// Everything below the root with its content, but for record and locks.
    fn files(&self) -> Result<Vec<(PathBuf, Vec<u8>)>> {
        let mut found = Vec::new();
        let mut open = vec![self.root.path().to_owned()];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir)? {
                let path = entry?.path();
                let is_lock = path.extension().is_some_and(|extension| extension == "lock");
                if path.is_dir() {
                    open.push(path);
                } else if !is_lock && !path.ends_with(file::RESET_STATE) {
                    found.push((path.clone(), fs::read(&path)?));
                }
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Follows `apply` until its record says more than `before`, and kills it then; `true` when it ended by itself.
async fn until_further(host: &Host, mut child: Child, before: ResetPhase) -> Result<bool> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "the reset failed: {status}");
            return Ok(true);
        }
        if host.record()?.phase > before {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        ensure!(Instant::now() < deadline, "it stays at {before:?}");
        sleep(LOOK_EVERY).await;
    }
}

/// 60 C1 and C2: what is refused, what is only shown, and that neither changes anything.
fn shown_and_refused(host: &Host) -> Result<()> {
    let before = host.files()?;
    for path in ["", "/", "/var/mnt/alga-data/..", "var/mnt/alga-data"] {
        for job in ["plan", "apply"] {
            let refused = host.run(&["reset", job, "--storage-path", path])?;
            ensure!(refused.status.code() == Some(2), "{job} {path:?}: {refused:?}");
        }
    }
    let plan = host.run(&["reset", "plan", "--scope", "app"])?;
    let shown = String::from_utf8(plan.stdout)?;
    ensure!(plan.status.success(), "{}", String::from_utf8_lossy(&plan.stderr));
    for part in [
        "msp",
        "alga-system",
        "application of claim db (1Gi)",
        SITE,
        "Newest file",
    ] {
        ensure!(shown.contains(part), "{part} is not in the plan:\n{shown}");
    }
    ensure!(!shown.contains("foreign"), "{shown}");
    let (nonce, phrase) = (host.record()?.nonce, format!("WIPE {SITE}"));
    for (nonce, phrase) in [
        ("other", phrase.as_str()),
        (&nonce, "WIPE another"),
        (&nonce, "wipe"),
    ] {
        let refused = host.run(&confirmed(nonce, phrase))?;
        ensure!(refused.status.code() == Some(2), "{refused:?}");
    }
    // Whoever holds the state volume cannot confirm in the operator's name.
    let forged = ResetState {
        confirmed: true,
        backup: Some("/root".to_owned()),
        ..host.record()?
    };
    host.copy().store(&forged)?;
    let refused = host.run(&["reset", "apply", "--scope", "app"])?;
    ensure!(refused.status.code() == Some(2), "{refused:?}");
    let dry = host.run(&["reset", "apply", "--dry-run", "--scope", "app"])?;
    ensure!(dry.status.success(), "{dry:?}");
    ensure!(
        host.files()? == before,
        "something changed before the reset was confirmed"
    );
    Ok(())
}

/// Decision 19: what the host agent leaves is taken once, and answered; a refusal is no failure of the unit.
fn asked_over_the_socket(host: &Host) -> Result<[String; 2]> {
    let dir = host.below(HOST_STATE_DIR);
    let request = StateFile::at(dir.join(host_file::RESET_REQUEST));
    let ask = |body: Value| -> Result<ResetAnswer> {
        request.store(&serde_json::from_value::<ResetRequest>(body)?)?;
        let ended = host.run(&["reset", "asked"])?;
        ensure!(ended.status.success(), "{ended:?}");
        ensure!(request.load()?.is_none(), "the request is still there");
        let answer = StateFile::at(dir.join(host_file::RESET_ANSWER));
        answer.load()?.context("no answer")
    };
    let planned = ask(json!({"step": "plan", "scope": "app"}))?;
    let nonce = host.record()?.nonce;
    ensure!(
        planned.end == ResetEnd::Done && planned.text.contains(&nonce),
        "{planned:?}"
    );
    let phrase = format!("WIPE {SITE}");
    let dry = ask(json!({"step": "apply", "scope": "app", "dryRun": true}))?;
    ensure!(
        dry.end == ResetEnd::Done && dry.text.contains("[plan] remove"),
        "{dry:?}"
    );
    for refused in [
        json!({"step": "apply", "scope": "app", "confirm": "other", "type": phrase}),
        json!({"step": "apply", "scope": "app", "confirm": nonce, "type": "WIPE another"}),
        json!({"step": "apply", "scope": "data", "confirm": nonce, "type": phrase}),
        json!({"step": "plan", "scope": "app", "storagePath": "/etc"}),
    ] {
        let answer = ask(refused.clone())?;
        ensure!(answer.end == ResetEnd::Refused, "{refused}: {answer:?}");
    }
    ensure!(!host.record()?.confirmed);
    // One that cannot be read is a failure once, and in nobody's way afterwards.
    state_file::replace(request.path(), b"{", 0o600)?;
    ensure!(host.run(&["reset", "asked"])?.status.code() == Some(1));
    // Nothing was asked and nothing was stopped.
    let idle = host.run(&["reset", "asked"])?;
    ensure!(idle.status.success() && idle.stdout.is_empty(), "{idle:?}");
    Ok([nonce, phrase])
}

fn confirmed<'a>(nonce: &'a str, phrase: &'a str) -> [&'a str; 9] {
    [
        "reset",
        "apply",
        "--scope",
        "app",
        "--no-backup",
        "--confirm",
        nonce,
        "--type",
        phrase,
    ]
}

#[tokio::test]
async fn a_reset_killed_at_every_phase_goes_on_until_cluster_and_box_agree() -> Result<()> {
    let tools = Tools::ensure(&|progress| eprintln!("{progress}"))?;
    let cluster = TestCluster::start(&tools, Parts::Workloads).await?;
    let client = cluster.client().await?;
    let flux = fs::read_to_string(flux::manifest(&tools)?.path)?;
    apply::yaml(&client, "test", "default", &flux).await?;
    apply::yaml(&client, "test", "default", INSTALLED).await?;
    let host = Host::new(&cluster.kubeconfig())?;
    shown_and_refused(&host)?;
    let [nonce, phrase] = asked_over_the_socket(&host)?;

    let mut arguments = confirmed(&nonce, &phrase).to_vec();
    let mut kills = 0;
    loop {
        let reached = host.record()?.phase;
        let child = host.command(&arguments).stdout(Stdio::null()).spawn()?;
        if until_further(&host, child, reached).await? {
            break;
        }
        kills += 1;
        // The last word may be on the disk before the program that wrote it has ended.
        if host.record()?.phase == ResetPhase::Complete {
            break;
        }
        // By hand, or as the unit does.
        arguments = if kills % 2 == 0 {
            vec!["reset", "apply", "--scope", "app"]
        } else {
            vec!["reset", "asked"]
        };
    }
    ensure!(kills >= 5, "it was killed only {kills} times");
    ensure!(host.record()?.phase == ResetPhase::Complete);
    let copy = host.copy().load()?.context("the pod is told nothing")?;
    ensure!(copy.phase == ResetPhase::Complete, "{copy:?}");

    let namespaces = Api::<Namespace>::all(client.clone());
    for gone in ["msp", "alga-system"] {
        ensure!(namespaces.get_opt(gone).await?.is_none(), "{gone} is there");
    }
    let volumes = Api::<PersistentVolume>::all(client);
    ensure!(volumes.get_opt("application").await?.is_none());
    ensure!(
        volumes.get_opt("foreign").await?.is_some(),
        "a volume of somebody else is gone"
    );
    ensure!(
        fs::read_dir(host.below(VOLUMES_DIR))?.next().is_none(),
        "data is left"
    );
    let there = |name: &str| host.state_dir().join(name).exists();
    ensure!(
        !there(file::INSTALL_STATE),
        "the box believes that it is installed"
    );
    ensure!(there(file::REDEMPTION) && there(file::SETUP_INPUTS) && there(file::ADMIN_CREDENTIAL));
    Ok(())
}
