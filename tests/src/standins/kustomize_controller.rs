//! Not a player: the real kustomize-controller, started once its definitions are served, for it ends when
//! they are not.

use std::time::Duration;

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use tokio::time::{Instant, sleep};

use super::resource;
use crate::apply;
use crate::cluster::TestCluster;
use crate::process::Process;

/// How often the cluster is asked whether Flux is installed.
const POLL: Duration = Duration::from_millis(200);

/// The running controller; dropping it stops it.
#[derive(Debug)]
pub struct KustomizeController(Process);

impl KustomizeController {
    /// Waits until Flux is installed in the cluster, then starts the controller.
    ///
    /// # Errors
    /// Flux is not installed within `limit`, or the program does not start.
    pub async fn start_when_installed(cluster: &TestCluster, limit: Duration) -> Result<Self> {
        let client = cluster.client().await?;
        let deadline = Instant::now() + limit;
        while !installed(&client).await {
            if Instant::now() >= deadline {
                bail!("Flux is not installed after {} s", limit.as_secs());
            }
            sleep(POLL).await;
        }
        Process::start(&cluster.kustomize_controller()).map(Self)
    }

    /// Its process id.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.0.id()
    }
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
            .list(&kube::api::ListParams::default().limit(1))
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
