//! The versions of this box, kept for maintenance. A disk without room is waited for a while; what cannot
//! be told or written even then is noted, and the install is done all the same.

use std::time::Duration;

use appliance_common::cluster::ClusterError;
use appliance_common::names::file;
use appliance_common::process::chain;
use appliance_common::state_file::{StateFile, StateFileError};
use futures::FutureExt;
use futures::future::{BoxFuture, ready};
use k8s_openapi::api::core::v1::Node;
use tokio::time::{Instant, sleep};

use super::{Outcome, Step, selection_file};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::metadata::{MaintenanceFacts, MaintenanceMetadata, Os};
use crate::setup::plan::StepId;
use crate::setup::projection::COMPLETE_STATUS;
use crate::setup::selection::ReleaseSelection;

/// Longest wait for a disk that has no room just now; shorter than the step's deadline.
const DISK_PATIENCE: Duration = Duration::from_mins(1);
/// Pause between two tries to write.
const PAUSE: Duration = Duration::from_secs(2);

pub(super) struct MaintenanceMetadataStep;

impl Step for MaintenanceMetadataStep {
    fn id(&self) -> StepId {
        StepId::MaintenanceMetadata
    }

    fn blame(&self) -> Blame {
        Blame::RunSetupWorkflow
    }

    fn is_done<'a>(&'a self, _: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        ready(Ok(true)).boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let node = node(cx).await.unwrap_or_else(|cause| {
                tracing::warn!(cause, "the node's versions are not recorded");
                None
            });
            // Unreadable counts as unknown here: nothing but this note depends on it.
            let selection = selection_file::load(cx).ok().flatten().unwrap_or_default();
            Ok(Outcome::new(match record(cx, node.as_ref(), &selection).await {
                Ok(()) => "the versions of this box are recorded".to_owned(),
                Err(error) => format!(
                    "the versions of this box could not be recorded: {}",
                    chain(&error)
                ),
            }))
        }
        .boxed()
    }
}

async fn node(cx: &StepContext) -> Result<Option<Node>, String> {
    let cluster = cx.cluster().await.map_err(|failure| failure.suspected_cause)?;
    let nodes = cluster
        .list::<Node>(None, "")
        .await
        .map_err(|error: ClusterError| chain(&error))?;
    Ok(nodes.into_iter().next())
}

async fn record(
    cx: &StepContext,
    node: Option<&Node>,
    selection: &ReleaseSelection,
) -> Result<(), StateFileError> {
    let deadline = Instant::now() + DISK_PATIENCE;
    loop {
        match write(cx, node, selection) {
            Err(StateFileError::Unwritable { .. }) if Instant::now() < deadline => {
                cx.say("make room on the disk of this box, so that its versions can be recorded");
                sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

fn write(cx: &StepContext, node: Option<&Node>, selection: &ReleaseSelection) -> Result<(), StateFileError> {
    let document = StateFile::<MaintenanceMetadata>::at(cx.settings.beside_state(file::MAINTENANCE_METADATA));
    let info = node.and_then(|node| node.status.as_ref()?.node_info.as_ref());
    let os = info.map(|info| Os {
        pretty_name: Some(info.os_image.clone()),
        ..Os::default()
    });
    let facts = MaintenanceFacts {
        os: os.as_ref(),
        k3s_version: info.map(|info| info.kubelet_version.as_str()),
        selection,
        status: COMPLETE_STATUS,
        phase: "registry-release-source",
        kind: "setup",
    };
    let known = match document.load() {
        Ok(known) => known.unwrap_or_default(),
        Err(StateFileError::Corrupt { .. }) => {
            set_aside(&document, cx)?;
            MaintenanceMetadata::default()
        }
        Err(error) => return Err(error),
    };
    document.store(&known.after(&facts, cx.clock.now()))
}

/// A damaged file is kept for whoever wants to look at it.
fn set_aside(document: &StateFile<MaintenanceMetadata>, cx: &StepContext) -> Result<(), StateFileError> {
    let aside = document
        .path()
        .with_extension(format!("json.corrupt-{}", cx.clock.now().as_second()));
    std::fs::rename(document.path(), aside).map_err(|source| StateFileError::Unwritable {
        path: document.path().to_owned(),
        source,
    })
}
