//! The seven commands: each looks at what is so, and makes it so.

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::clock::Clock;
use appliance_common::cluster::{Cluster, ClusterError};
use appliance_common::host::{BootStepId, ImageOutcome};
use appliance_common::meter::Meter;
use appliance_common::names::BAKED_IMAGE;
use appliance_common::process::chain;
use appliance_common::state_file::LockError;
use appliance_kubectl_queue::Starter;
use tokio::time::{Instant, sleep};

use super::{Work, engine, roll};
use crate::choice::{self, Chosen};
use crate::deployed;
use crate::image_record;
use crate::images::{self, Containerd, ImageError};
use crate::k3s::{self, K3sError};
use crate::manifest_set::ManifestSet;
use crate::manifests::{self, ManifestError};
use crate::nodes;
use crate::rights::{self, RightsError};
use crate::settings::Places;

/// Deadline of one request to the API server.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Pause between two looks at an API server that is not there yet: nothing tells when it comes.
const LOOK_PAUSE: Duration = Duration::from_millis(500);

/// Why a step has not its result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StepError {
    #[error(transparent)]
    K3s(K3sError),
    #[error(transparent)]
    Image(ImageError),
    #[error(transparent)]
    Manifest(ManifestError),
    #[error("asking the cluster")]
    Cluster(#[source] ClusterError),
    #[error(transparent)]
    Rights(RightsError),
    #[error("somebody else works on this host; see who, and try again")]
    Busy(#[source] LockError),
    #[error("keeping the record of the control plane's image")]
    ImageRecord(#[source] io::Error),
    #[error(
        "the cluster was not ready within {limit:?}: {last}. See: systemctl status k3s; journalctl -u k3s"
    )]
    NotReady { limit: Duration, last: String },
}

impl StepError {
    /// Whether boot goes on without the step's result (50 §2: storage's manifest).
    pub(super) fn is_tolerated(&self, id: BootStepId) -> bool {
        id == BootStepId::ApplyLocalStorage && matches!(self, Self::Cluster(_))
    }

    /// Whether trying again is of no use.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::K3s(K3sError::NoBinary { .. })
            | Self::Manifest(_)
            | Self::NotReady { .. }
            | Self::Busy(_) => true,
            Self::Image(error) => matches!(error, ImageError::NoBinary { .. }),
            Self::Rights(error) => matches!(error, RightsError::Manifest(_)),
            Self::K3s(_) | Self::Cluster(_) | Self::ImageRecord(_) => false,
        }
    }

    pub(super) fn lacks_k3s(&self) -> bool {
        matches!(
            self,
            Self::K3s(K3sError::NoBinary { .. }) | Self::Image(ImageError::NoBinary { .. })
        )
    }
}

/// What a step is at, for a person.
pub(super) fn doing(id: BootStepId) -> &'static str {
    match id {
        BootStepId::EnsureK3s => "seeing to k3s",
        BootStepId::WaitKubernetesApi => "waiting for the API server",
        BootStepId::ImportControlPlaneImages => "importing images",
        BootStepId::ApplyLocalStorage => "applying storage",
        BootStepId::ApplyControlPlane => "applying the control plane",
        BootStepId::ReportSetupUrl | BootStepId::ReportFallbackCommand => "reporting",
    }
}

/// What the steps work on.
pub(super) struct Steps<'a> {
    pub(super) places: &'a Places,
    pub(super) work: &'a Work,
    pub(super) starter: &'a Starter,
    /// How the choice of an image ended, where one was made.
    pub(super) outcome: Cell<ImageOutcome>,
}

impl Steps<'_> {
    /// Takes one step; what it did. `waits` is told what is waited for.
    pub(super) async fn take(
        &self,
        id: BootStepId,
        waits: &mut dyn FnMut(&str),
    ) -> Result<String, StepError> {
        let installed = &self.work.installed;
        match id {
            BootStepId::EnsureK3s => {
                k3s::ensure(self.places, installed.k3s.as_deref(), self.work.network.as_ref())
                    .await
                    .map_err(StepError::K3s)
            }
            BootStepId::WaitKubernetesApi => self.wait(waits).await,
            BootStepId::ImportControlPlaneImages => {
                let containerd = self.containerd()?;
                let done = images::ensure(self.places, &containerd, &installed.archives).await;
                done.map_err(StepError::Image)
            }
            BootStepId::ApplyLocalStorage => {
                let objects = manifests::read(&installed.storage).map_err(StepError::Manifest)?;
                let cluster = self.cluster().await?;
                let applied = manifests::apply(&cluster, &objects).await;
                applied.map_err(StepError::Cluster)?;
                Ok(format!("{} objects", objects.len()))
            }
            BootStepId::ApplyControlPlane => {
                let Some(flags) = &self.work.roll else {
                    let image = self.apply_kept(&self.cluster().await?).await?;
                    return Ok(format!("image {image}"));
                };
                let rolled = roll::roll(self, flags, Clock::system()).await?;
                self.outcome.set(rolled.outcome);
                Ok(rolled.message)
            }
            BootStepId::ReportSetupUrl | BootStepId::ReportFallbackCommand => {
                Ok(engine::report(self.places, id))
            }
        }
    }

    pub(super) fn containerd(&self) -> Result<Containerd<'_>, StepError> {
        let k3s = self.work.installed.k3s.as_deref().ok_or_else(|| {
            StepError::Image(ImageError::NoBinary {
                expected: self.places.appliance_root.join("bin/k3s"),
            })
        })?;
        Ok(Containerd {
            starter: self.starter,
            k3s,
        })
    }

    pub(super) async fn cluster(&self) -> Result<Cluster, StepError> {
        let source = self.places.cluster_source().with_call_limit(CALL_LIMIT);
        source
            .open(Arc::new(Meter::default()))
            .await
            .map_err(StepError::Cluster)
    }

    /// Waits until the API server answers and the node is Ready, each within its call's own limit (50 W39).
    async fn wait(&self, waits: &mut dyn FnMut(&str)) -> Result<String, StepError> {
        let limit = self.work.api_limit;
        let deadline = Instant::now() + limit;
        loop {
            let last = match self.ready_nodes().await {
                Ok(nodes) if !nodes.is_empty() => return Ok(format!("node {} is Ready", nodes.join(", "))),
                Ok(_) => "the API server answers, and no node is Ready yet".to_owned(),
                // What is behind a cluster that does not answer, where the host itself can tell.
                Err(_) if !k3s::route::may_be_there(self.places) => k3s::route::MISSING.to_owned(),
                Err(error) => chain(&error),
            };
            waits(&last);
            if Instant::now() + LOOK_PAUSE >= deadline {
                return Err(StepError::NotReady { limit, last });
            }
            sleep(LOOK_PAUSE).await;
        }
    }

    async fn ready_nodes(&self) -> Result<Vec<String>, StepError> {
        let cluster = self.cluster().await?;
        let nodes = nodes::ready(&cluster).await.map_err(StepError::Cluster)?;
        Ok(nodes
            .iter()
            .filter_map(|node| node.metadata.name.clone())
            .collect())
    }

    /// One apply, with the image that is kept: never another one in between. Which it is.
    pub(super) async fn apply_kept(&self, cluster: &Cluster) -> Result<String, StepError> {
        let running = self.running(cluster).await?;
        // Without a record, what runs is kept.
        let record = image_record::load(self.places).unwrap_or_default();
        let Chosen { image, why } = choice::choose(running.as_deref(), &record);
        self.apply_image(cluster, &image).await?;
        tracing::info!(image, why, "the image of the control plane");
        let good = record.last_known_good.as_deref().unwrap_or_default();
        self.pin(&[&image, good]).await;
        Ok(image)
    }

    /// Keeps what runs, what ran well and what came along; a box without it runs as well.
    pub(super) async fn pin(&self, kept: &[&str]) {
        let pinned = match self.containerd() {
            Ok(containerd) => containerd
                .pin(&[kept, &[BAKED_IMAGE]].concat())
                .await
                .map_err(StepError::Image),
            Err(error) => Err(error),
        };
        if let Err(error) = pinned {
            tracing::warn!(error = chain(&error), "images are not kept from clean-up");
        }
    }

    /// The control plane's objects with this image.
    pub(super) async fn apply_image(&self, cluster: &Cluster, image: &str) -> Result<(), StepError> {
        let set = ManifestSet::of(self.places, image);
        let mut objects = set.always().map_err(StepError::Manifest)?;
        manifests::with_image(&mut objects, image);
        manifests::with_port(&mut objects, self.places.port);
        manifests::with_settings_hash(&mut objects);
        manifests::apply(cluster, &objects)
            .await
            .map_err(StepError::Cluster)?;
        let converged = rights::converge(cluster, self.places, &set, rights::Wish::Drop).await;
        converged.map_err(StepError::Rights)
    }

    /// Image of the live Deployment, empty when it names none; `None` when the server says that there is none.
    pub(super) async fn running(&self, cluster: &Cluster) -> Result<Option<String>, StepError> {
        deployed::image(cluster).await.map_err(StepError::Cluster)
    }
}
