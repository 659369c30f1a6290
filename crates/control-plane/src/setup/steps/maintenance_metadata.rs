//! The versions of this box, kept for maintenance: as the host agent tells them, else as the API server
//! knows its node. A disk without room is waited for a while; what cannot be told or written even then is
//! noted, and the install is done all the same.

use std::time::Duration;

use appliance_common::agent_api::{AgentClient, HostFacts, OsRelease};
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
/// Longest time the host agent may take.
const AGENT_LIMIT: Duration = Duration::from_secs(5);

pub(super) struct MaintenanceMetadataStep;

/// The two versions that the box has beside the release.
struct Versions {
    os: Option<Os>,
    k3s: Option<String>,
}

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
            let versions = versions(cx).await;
            // Unreadable counts as unknown here: nothing but this note depends on it.
            let selection = selection_file::load(cx).ok().flatten().unwrap_or_default();
            Ok(Outcome::new(match record(cx, &versions, &selection).await {
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

/// The host's own word first: a container's view of the host is not the host's (60 W20).
async fn versions(cx: &StepContext) -> Versions {
    let agent = AgentClient::at(&cx.settings.preflight.host_agent_socket).with_limit(AGENT_LIMIT);
    let told = agent.host_facts().await.unwrap_or_else(|error| {
        tracing::info!(
            error = chain(&error),
            "the host's versions are read from its node"
        );
        HostFacts::default()
    });
    let mut versions = Versions {
        os: told.os.map(os),
        k3s: told.k3s_version,
    };
    if versions.os.is_some() && versions.k3s.is_some() {
        return versions;
    }
    let node = node(cx).await.unwrap_or_else(|cause| {
        tracing::warn!(cause, "the node's versions are not recorded");
        None
    });
    if let Some(info) = node.and_then(|node| node.status?.node_info) {
        let told = |text: String| Some(text).filter(|text| !text.is_empty());
        versions.os = versions.os.or_else(|| {
            told(info.os_image).map(|name| Os {
                pretty_name: Some(name),
                ..Os::default()
            })
        });
        versions.k3s = versions.k3s.or_else(|| told(info.kubelet_version));
    }
    versions
}

fn os(told: OsRelease) -> Os {
    Os {
        id: told.id,
        version_id: told.version_id,
        pretty_name: told.pretty_name,
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
    versions: &Versions,
    selection: &ReleaseSelection,
) -> Result<(), StateFileError> {
    let deadline = Instant::now() + DISK_PATIENCE;
    loop {
        match write(cx, versions, selection) {
            Err(StateFileError::Unwritable { .. }) if Instant::now() < deadline => {
                cx.say("make room on the disk of this box, so that its versions can be recorded");
                sleep(PAUSE).await;
            }
            other => return other,
        }
    }
}

fn write(cx: &StepContext, versions: &Versions, selection: &ReleaseSelection) -> Result<(), StateFileError> {
    let document = StateFile::<MaintenanceMetadata>::at(cx.settings.beside_state(file::MAINTENANCE_METADATA));
    let facts = MaintenanceFacts {
        os: versions.os.as_ref(),
        k3s_version: versions.k3s.as_deref(),
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
