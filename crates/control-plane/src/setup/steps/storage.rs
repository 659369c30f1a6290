//! Storage: the local-path provisioner and the `StorageClass` of every claim.

use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError, Judgement, Owner, Wait};
use appliance_common::names::{namespace, object};
use appliance_common::process::chain;
use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::ApiResource;

use super::{Outcome, Step};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::manifest::{Manifest, rolled_out};
use crate::setup::plan::StepId;

/// The provisioner's manifest, part of this program.
const MANIFEST: &str = include_str!("../manifests/local-path.yaml");
/// Longest wait for the provisioner's pod.
const ROLLOUT_LIMIT: Duration = Duration::from_mins(5);
/// Deadline of the step.
const LIMIT: Duration = Duration::from_mins(10);

pub(super) struct Storage;

impl Step for Storage {
    fn id(&self) -> StepId {
        StepId::Storage
    }

    fn blame(&self) -> Blame {
        Blame::InstallLocalPathStorage
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move {
            is_in_place(cx.cluster().await?)
                .await
                .map_err(|error| failure(&error))
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            let manifest = Manifest::parse(MANIFEST).map_err(|error| defective(&chain(&error)))?;
            install(cx, cluster, &manifest)
                .await
                .map_err(|error| failure(&error))?;
            Ok(Outcome::new(
                "the local-path provisioner runs and keeps volumes when their claims go",
            ))
        }
        .boxed()
    }
}

async fn install(cx: &StepContext, cluster: &Cluster, manifest: &Manifest) -> Result<(), ClusterError> {
    cx.say(format!(
        "applying {} objects of the storage provisioner",
        manifest.len()
    ));
    manifest.apply(cluster, Owner::Storage).await?;
    cx.say("waiting for the storage provisioner to start");
    let resource = ApiResource::erase::<Deployment>(&());
    let wait = Wait {
        resource: &resource,
        namespace: Some(namespace::LOCAL_PATH_STORAGE),
        names: &[object::PROVISIONER],
        limit: ROLLOUT_LIMIT,
    };
    cluster.wait_until(&wait, rolled_out).await
}

async fn is_in_place(cluster: &Cluster) -> Result<bool, ClusterError> {
    let class: Option<StorageClass> = cluster.get(None, object::STORAGE_CLASS).await?;
    if class.is_none_or(|class| class.reclaim_policy.as_deref() != Some("Retain")) {
        return Ok(false);
    }
    let resource = ApiResource::erase::<Deployment>(&());
    let provisioner = cluster
        .get_dynamic(
            &resource,
            Some(namespace::LOCAL_PATH_STORAGE),
            object::PROVISIONER,
        )
        .await?;
    Ok(rolled_out(provisioner.as_ref()) == Judgement::Reached)
}

fn failure(error: &ClusterError) -> Failure {
    Failure::of_cluster(
        Blame::InstallLocalPathStorage,
        "Installing the storage provisioner",
        error,
    )
}

fn defective(cause: &str) -> Failure {
    Failure::new(
        Blame::InstallLocalPathStorage,
        "defect",
        "The storage provisioner's manifest in this control plane is defective",
        cause,
        "Use another control-plane image (alga-control-plane-reapply), then try again.",
    )
}
