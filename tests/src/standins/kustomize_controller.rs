//! Not a player: the real kustomize-controller, started once its definitions are served, for it ends when
//! they are not.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, Client};

use super::{StandIn, resource};
use crate::apply;
use crate::cluster::{client_of, components};
use crate::process::{Launch, Process};
use crate::tools::Tools;

/// Waits for Flux to be installed and keeps the controller running from then on. Dropping it stops the
/// controller.
#[derive(Debug)]
pub struct KustomizeController {
    state: Arc<Mutex<State>>,
    _task: StandIn,
}

#[derive(Debug)]
enum State {
    Waiting,
    Running(Process),
    Closed,
}

impl KustomizeController {
    /// Starts waiting on the cluster of a kubeconfig; logs go into `dir`.
    ///
    /// # Errors
    /// The kubeconfig cannot be used.
    pub async fn start(kubeconfig: &Path, tools: &Tools, dir: &Path) -> Result<Self> {
        let state = Arc::new(Mutex::new(State::Waiting));
        let client = client_of(kubeconfig).await?;
        let launch = Arc::new(components::kustomize_controller(tools, kubeconfig, dir));
        let seen = state.clone();
        let task = StandIn::looking("kustomize-controller", move || {
            look(client.clone(), launch.clone(), seen.clone())
        });
        Ok(Self { state, _task: task })
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        match &*lock(&self.state) {
            State::Running(process) => Some(process.id()),
            State::Waiting | State::Closed => None,
        }
    }
}

impl Drop for KustomizeController {
    fn drop(&mut self) {
        // From here on the task, which may be in the middle of a look, starts nothing.
        *lock(&self.state) = State::Closed;
    }
}

async fn look(client: Client, launch: Arc<Launch>, state: Arc<Mutex<State>>) -> Result<()> {
    if !installed(&client).await {
        return Ok(());
    }
    let mut state = lock(&state);
    let due = match &mut *state {
        State::Waiting => true,
        State::Running(process) => process.exited()?.is_some(),
        State::Closed => false,
    };
    if due {
        *state = State::Running(Process::start(&launch)?);
    }
    Ok(())
}

/// Whether the namespace is there and every kind the controller watches can be listed.
async fn installed(client: &Client) -> bool {
    let kinds = [
        resource(
            "kustomize.toolkit.fluxcd.io",
            "v1",
            "Kustomization",
            "kustomizations",
        ),
        resource(
            "source.toolkit.fluxcd.io",
            "v1",
            "OCIRepository",
            "ocirepositories",
        ),
        resource(
            "source.toolkit.fluxcd.io",
            "v1",
            "GitRepository",
            "gitrepositories",
        ),
        resource("source.toolkit.fluxcd.io", "v1", "Bucket", "buckets"),
    ];
    for kind in &kinds {
        if apply::api(client, kind, None)
            .list(&ListParams::default().limit(1))
            .await
            .is_err()
        {
            return false;
        }
    }
    Api::<Namespace>::all(client.clone())
        .get("flux-system")
        .await
        .is_ok()
}

/// Nothing panics while holding this lock.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
