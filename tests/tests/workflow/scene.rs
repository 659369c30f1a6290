//! A box with a registry that holds a release, and what an operator would type into it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use appliance_common::clock::Clock;
use appliance_common::cluster::ClusterSource;
use appliance_common::names::file;
use appliance_common::release::policy::UsePolicy;
use appliance_common::release::registry::RegistrySettings;
use appliance_common::state_file::FileLock;
use appliance_common::storage::StorageSettings;
use appliance_common::testing::host_root;
use appliance_control_plane::setup::board::View;
use appliance_control_plane::setup::context::{PreflightSettings, SetupSettings};
use appliance_control_plane::setup::handover::{BootstrapRecord, BootstrapState};
use appliance_control_plane::setup::inputs::RawInputs;
use appliance_control_plane::setup::run::Run;
use appliance_control_plane::setup::{RetrySettings, Setup};
use appliance_tests::tools::Tools;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest time a run may take to end, one way or the other.
pub(crate) const RUN_LIMIT: Duration = Duration::from_mins(2);

/// A password that breaks careless quoting and trimming.
pub(crate) const PASSWORD: &str = r#" Can"ary\7!psa-Xq "#;

pub(crate) fn tools() -> Result<Tools> {
    Tools::ensure(&|progress| eprintln!("{progress}"))
}

/// What an operator types.
pub(crate) fn answers() -> Value {
    json!({
        "channel": "stable",
        "appHostname": "https://psa.example.test",
        "tenantName": "Example Ltd",
        "adminFirstName": "Ada",
        "adminLastName": "Lovelace",
        "adminEmail": "ada@example.test",
        "adminPassword": PASSWORD,
        "adminPasswordConfirm": PASSWORD,
        "licenseMode": "manual",
        "editionChoice": "ee",
        // These disks are the ones of whoever runs the tests.
        "waivedChecks": ["disk-space", "disk-space-data", "inode-space"],
    })
}

/// The state volume of one box, and the settings of its control plane.
pub(crate) struct Volume {
    pub(crate) dir: TempDir,
    /// The root directory of a healthy host.
    pub(crate) host: TempDir,
    pub(crate) settings: SetupSettings,
}

impl Volume {
    /// A fresh one, for this cluster and registry.
    pub(crate) fn new(kubeconfig: PathBuf, registry: &str, flux_manifest: Option<PathBuf>) -> Result<Self> {
        let (dir, host_files) = (tempfile::tempdir()?, tempfile::tempdir()?);
        host_root::write_healthy(host_files.path())?;
        let at = |name: &str| dir.path().join(name);
        let host: appliance_common::release::reference::RegistryHost = registry.parse()?;
        let settings = SetupSettings {
            inputs_file: at(file::SETUP_INPUTS),
            state_file: at(file::INSTALL_STATE),
            selection_file: at(file::RELEASE_SELECTION),
            token_file: at(file::SETUP_TOKEN),
            flux_manifest,
            cluster: ClusterSource::new(kubeconfig),
            license_service: Ok(None),
            policy: UsePolicy::for_registry(&host),
            registry: RegistrySettings::new(host, "nine-minds/alga-appliance-release".parse()?),
            storage: StorageSettings {
                agent: at("host-agent.sock"),
                settle: Duration::ZERO,
                ..StorageSettings::in_state_dir(dir.path())
            },
            proxy_variables: Vec::new(),
            preflight: PreflightSettings {
                host_root: host_files.path().to_owned(),
                host_agent_socket: at("host-agent.sock"),
                license_service: None,
                times_writes: false,
                drift_interval: Duration::ZERO,
            },
            queue_disabled: false,
            retry: RetrySettings::default(),
        };
        Ok(Self {
            dir,
            host: host_files,
            settings,
        })
    }

    /// The control plane's setup, as a start of the process opens it.
    pub(crate) fn open(&self) -> Setup {
        Setup::open(
            self.settings.clone(),
            Clock::system(),
            "boot-of-the-test".to_owned(),
        )
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A JSON document of the volume.
    pub(crate) fn document(&self, name: &str) -> Result<Value> {
        read_json(&self.path(name))
    }
}

pub(crate) fn read_json(path: &Path) -> Result<Value> {
    let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

/// Answers as they come in a request.
pub(crate) fn reading(answers: &Value) -> Result<RawInputs> {
    Ok(RawInputs::from_json(&serde_json::to_vec(answers)?)?)
}

pub(crate) async fn submit(setup: &Setup, answers: &Value) -> Result<()> {
    setup.submit(&reading(answers)?).await?;
    Ok(())
}

/// Waits until the run has ended, whichever way.
pub(crate) async fn ended(setup: &Setup) -> Result<Arc<View>> {
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    let ended = views.wait_for(|view| matches!(view.history.run, Run::Complete | Run::Blocked { .. }));
    let Ok(ended) = tokio::time::timeout(RUN_LIMIT, ended).await else {
        bail!("the run did not end: {:?}", setup.view());
    };
    Ok(Arc::clone(&*ended?))
}

/// Waits until what was recorded of the release meets a condition.
pub(crate) async fn observed(
    setup: &Setup,
    is_met: impl Fn(&BootstrapRecord) -> bool,
) -> Result<BootstrapRecord> {
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    let met = views.wait_for(|view| view.history.bootstrap.as_ref().is_some_and(&is_met));
    let Ok(met) = tokio::time::timeout(RUN_LIMIT, met).await else {
        bail!(
            "not so: {:#?}",
            setup.view().map(|view| view.history.bootstrap.clone())
        );
    };
    met?.history.bootstrap.clone().context("nothing was observed")
}

/// Waits until Flux has brought everything about and the cleartext password is gone.
pub(crate) async fn installed(setup: &Setup) -> Result<BootstrapRecord> {
    let all_there = |record: &BootstrapRecord| {
        record.state == BootstrapState::Complete
            && record.password_removed
            && record.releases.iter().all(|release| release.ready)
    };
    observed(setup, all_there).await
}

/// Submits, and kills the engine once its journal has `count` lines.
pub(crate) async fn killed_at(volume: &Volume, count: usize) -> Result<()> {
    killed_with(volume, &answers(), count).await
}

/// The same with these answers.
pub(crate) async fn killed_with(volume: &Volume, answers: &Value, count: usize) -> Result<()> {
    let setup = volume.open();
    let mut views = setup.board().context("the journal cannot be read")?.follow();
    submit(&setup, answers).await?;
    // Each line of the journal is one view; the engine goes on only when this task has seen it.
    let mut seen = 1;
    while seen < count {
        let changed = tokio::time::timeout(RUN_LIMIT, views.changed()).await;
        changed.context("the run stands still")??;
        views.borrow_and_update();
        seen = journal_lines(volume)?.len();
    }
    setup.stop();
    drop(setup);
    // The abort takes effect when the task is next looked at; the lock goes with it.
    tokio::task::yield_now().await;
    ensure!(journal_lines(volume)?.len() == count, "the engine went on");
    Ok(())
}

pub(crate) fn journal_lines(volume: &Volume) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(volume.path(file::SETUP_JOURNAL))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Waits until nobody works on the appliance: a run lets go only after its last clean-up.
pub(crate) async fn released(volume: &Volume) -> Result<()> {
    let path = volume.path(file::UPDATE_LOCK);
    let free = async {
        while FileLock::try_acquire(&path, "test").is_err() {
            tokio::task::yield_now().await;
        }
    };
    let free = tokio::time::timeout(RUN_LIMIT, free).await;
    free.context("the appliance stays locked")
}
