//! What the control plane may do in the cluster (decision 17): always what running needs; what setup needs only until
//! the appliance is installed, or while the host agent was asked for it.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError, ManifestObject};
use appliance_common::meter::Meter;
use appliance_common::names::file;
use appliance_common::process::chain;
use appliance_common::state_file::StateFile;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use serde_json::Value;

use crate::deployed;
use crate::manifest_set::ManifestSet;
use crate::manifests::{self, ManifestError};
use crate::say;
use crate::settings::Places;

/// Deadline of one request to the API server.
const CALL_LIMIT: Duration = Duration::from_secs(10);
/// Binds the setup role; boxes in the field have it by this name, and what a binding refers to cannot be changed.
const SETUP_BINDING: &str = "appliance-control-plane";

/// What is to become of the setup role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wish {
    /// It is bound, for a retry or a repair
    Bind,
    /// It is bound only if the appliance is not installed yet
    Drop,
}

/// How it is done.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Flags {
    wish: Wish,
}

/// Why the rights are not as they should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RightsError {
    #[error(transparent)]
    Manifest(ManifestError),
    #[error("asking the cluster")]
    Cluster(#[source] ClusterError),
    #[error("the program's runtime")]
    Runtime(#[source] std::io::Error),
}

/// Makes them as an image's manifests say. What the namespaces grant comes first: at no moment has the control plane
/// less than it needs.
pub(crate) async fn converge(
    cluster: &Cluster,
    places: &Places,
    manifests: &ManifestSet,
    wish: Wish,
) -> Result<(), RightsError> {
    let application = manifests.application().map_err(RightsError::Manifest)?;
    let grantable = there(cluster, application).await.map_err(RightsError::Cluster)?;
    manifests::apply(cluster, &grantable)
        .await
        .map_err(RightsError::Cluster)?;
    if wish == Wish::Bind || !is_installed(places) {
        let setup = manifests.setup().map_err(RightsError::Manifest)?;
        return manifests::apply(cluster, &setup)
            .await
            .map_err(RightsError::Cluster);
    }
    cluster
        .delete::<ClusterRoleBinding>(None, SETUP_BINDING)
        .await
        .map_err(RightsError::Cluster)
}

/// Those objects whose namespace is there and stays.
async fn there(cluster: &Cluster, objects: Vec<ManifestObject>) -> Result<Vec<ManifestObject>, ClusterError> {
    let mut known: Option<(String, bool)> = None;
    let mut found = Vec::new();
    for wanted in objects {
        let place = wanted.object.metadata.namespace.clone().unwrap_or_default();
        let is_there = match &known {
            Some((name, is_there)) if *name == place => *is_there,
            _ => {
                let live: Option<Namespace> = cluster.get(None, &place).await?;
                let is_there = live.is_some_and(|live| live.metadata.deletion_timestamp.is_none());
                known = Some((place, is_there));
                is_there
            }
        };
        if is_there {
            found.push(wanted);
        }
    }
    Ok(found)
}

/// Whether setup has handed the release over. A selection that cannot be read is no proof of it: taking rights away
/// from a box that still needs them would wedge it.
fn is_installed(places: &Places) -> bool {
    let selection = StateFile::<Value>::at(places.state_dir.join(file::RELEASE_SELECTION)).load();
    let selection = selection.ok().flatten().unwrap_or_default();
    selection["installedAt"].as_str().is_some_and(|at| !at.is_empty())
}

/// Runs `rights`.
pub(crate) fn main(places: &Places, flags: &Flags) -> ExitCode {
    match carry_out(places, flags.wish) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&format!("rights of the control plane: {}", chain(&error)));
            ExitCode::FAILURE
        }
    }
}

fn carry_out(places: &Places, wish: Wish) -> Result<(), RightsError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(RightsError::Runtime)?;
    runtime.block_on(async {
        let source = places.cluster_source().with_call_limit(CALL_LIMIT);
        let opened = source.open(Arc::new(Meter::default())).await;
        let cluster = opened.map_err(RightsError::Cluster)?;
        let running = deployed::image(&cluster).await.map_err(RightsError::Cluster)?;
        let manifests = ManifestSet::of(places, &running.unwrap_or_default());
        converge(&cluster, places, &manifests, wish).await
    })
}
