//! The Flux controllers: a pinned manifest, or controllers that already serve what releases need.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use appliance_common::cluster::{Cluster, ClusterError, Judgement, Owner, Wait};
use appliance_common::names::namespace;
use appliance_common::process::chain;
use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::ApiResource;
use serde_json::json;

use super::{Outcome, Step};
use crate::setup::context::StepContext;
use crate::setup::failure::{Blame, Failure};
use crate::setup::manifest::{Manifest, rolled_out};
use crate::setup::plan::StepId;

/// Kinds that releases use, and the versions they need (20 §8).
const NEEDED: [(&str, &str); 4] = [
    ("source.toolkit.fluxcd.io/v1", "OCIRepository"),
    ("source.toolkit.fluxcd.io/v1", "HelmRepository"),
    ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease"),
];

/// Longest wait for one controller's pod.
const ROLLOUT_LIMIT: Duration = Duration::from_mins(5);
/// Deadline of the step.
const LIMIT: Duration = Duration::from_mins(15);

pub(super) struct FluxControllers;

impl Step for FluxControllers {
    fn id(&self) -> StepId {
        StepId::FluxControllers
    }

    fn blame(&self) -> Blame {
        Blame::InstallFlux
    }

    fn limit(&self) -> Duration {
        LIMIT
    }

    fn is_done<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<bool, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            match &cx.settings.flux_manifest {
                Some(path) => all_run(cluster, &read(path).await?).await,
                None => Ok(not_served(cluster).await?.is_none()),
            }
        }
        .boxed()
    }

    fn run<'a>(&'a self, cx: &'a StepContext) -> BoxFuture<'a, Result<Outcome, Failure>> {
        async move {
            let cluster = cx.cluster().await?;
            if let Some(path) = &cx.settings.flux_manifest {
                install(cx, cluster, &read(path).await?).await?;
            } else {
                cx.say("looking for Flux controllers that are already there");
                if let Some(kind) = not_served(cluster).await? {
                    return Err(absent(&kind));
                }
            }
            Ok(outcome(cx))
        }
        .boxed()
    }
}

fn outcome(cx: &StepContext) -> Outcome {
    let facts = json!({
        "namespace": namespace::FLUX_SYSTEM,
        "kubeconfigPath": cx.settings.cluster.kubeconfig(),
    });
    Outcome::new("the Flux controllers serve the kinds that releases need").with_fact("flux", facts)
}

async fn install(cx: &StepContext, cluster: &Cluster, manifest: &Manifest) -> Result<(), Failure> {
    cx.say(format!("applying {} objects of Flux", manifest.len()));
    manifest
        .apply(cluster, Owner::Setup)
        .await
        .map_err(|error| failure(&error))?;
    let resource = ApiResource::erase::<Deployment>(&());
    for (namespace, names) in manifest.deployments() {
        cx.say(format!("waiting for {} to start", names.join(", ")));
        let wait = Wait {
            resource: &resource,
            namespace: Some(namespace),
            names: &names,
            limit: ROLLOUT_LIMIT,
        };
        cluster
            .wait_until(&wait, rolled_out)
            .await
            .map_err(|error| failure(&error))?;
    }
    Ok(())
}

/// Whether every controller of the manifest runs.
async fn all_run(cluster: &Cluster, manifest: &Manifest) -> Result<bool, Failure> {
    let resource = ApiResource::erase::<Deployment>(&());
    for (namespace, names) in manifest.deployments() {
        for name in names {
            let live = cluster
                .get_dynamic(&resource, Some(namespace), name)
                .await
                .map_err(|error| failure(&error))?;
            if rolled_out(live.as_ref()) != Judgement::Reached {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The first kind that releases need and the server does not serve.
async fn not_served(cluster: &Cluster) -> Result<Option<String>, Failure> {
    let mut served = BTreeMap::new();
    for (version, kind) in NEEDED {
        if !served.contains_key(version) {
            let kinds = cluster.kinds_of(version).await.map_err(|error| failure(&error))?;
            served.insert(version, kinds);
        }
        if !served[version].iter().any(|known| known == kind) {
            return Ok(Some(format!("{kind} {version}")));
        }
    }
    Ok(None)
}

/// The manifest at `path`, if it brings every kind that releases need.
async fn read(path: &Path) -> Result<Manifest, Failure> {
    let unusable = |cause: String| {
        Failure::new(
            Blame::InstallFlux,
            "flux-manifest",
            format!("The Flux manifest {} cannot be used", path.display()),
            cause,
            "The manifest is part of the control-plane image; reapply the image (alga-control-plane-reapply) and \
             try again.",
        )
    };
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    let manifest = Manifest::parse(&text).map_err(|error| unusable(chain(&error)))?;
    match NEEDED
        .iter()
        .find(|(version, kind)| !manifest.defines(version, kind))
    {
        None => Ok(manifest),
        Some((version, kind)) => Err(unusable(format!("it does not define {kind} {version}"))),
    }
}

fn absent(kind: &str) -> Failure {
    Failure::new(
        Blame::InstallFlux,
        "flux-missing",
        format!("The cluster does not serve {kind}"),
        "no Flux manifest is part of this control plane, and no controllers are there that serve it",
        "Use a control-plane image that carries the Flux controllers, or name their manifest in \
         ALGA_APPLIANCE_FLUX_MANIFEST, then try again.",
    )
}

fn failure(error: &ClusterError) -> Failure {
    Failure::of_cluster(Blame::InstallFlux, "Installing the Flux controllers", error)
}
